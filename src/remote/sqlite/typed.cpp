/*
 * Functions that hold SQLite's dynamic values to the type that a statement means them to have; see function.hpp.
 * Pure regime.
 */
#include <algorithm>
#include <cstring>
#include <string_view>

#include "remote/sqlite/function.hpp"
#include "remote/text.hpp"

namespace tenancy::remote::sqlite {

namespace {

const char *
class_name(int storage_class) noexcept
{
	switch (storage_class) {
	case SQLITE_INTEGER: return "integer";
	case SQLITE_FLOAT: return "real";
	case SQLITE_BLOB: return "blob";
	default: return "text";
	}
}

/* The end of a message that error.cpp knows. */
void
refuse(sqlite3_context *context, const char *value, const char *wanted) noexcept
{
	char message[80];
	sqlite3_snprintf(sizeof message, message, "%s in a column of type %s", value, wanted);
	sqlite3_result_error(context, message, -1);
}

void
refuse_class(sqlite3_context *context, int storage_class, const char *wanted) noexcept
{
	char value[32];
	sqlite3_snprintf(sizeof value, value, "value of type %s", class_name(storage_class));
	refuse(context, value, wanted);
}

/* The text of a value of that class; data() is null when there is no memory for it. */
std::string_view
text_of(sqlite3_value *value) noexcept
{
	auto const *const text = reinterpret_cast<const char *>(sqlite3_value_text(value));
	return {text, text == nullptr ? 0 : static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void
as_integer(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_INTEGER)
		sqlite3_result_int64(context, sqlite3_value_int64(args[0]));
	else if (storage_class != SQLITE_NULL)
		refuse_class(context, storage_class, "integer");
}

void
as_real(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_FLOAT || storage_class == SQLITE_INTEGER)
		sqlite3_result_double(context, sqlite3_value_double(args[0]));
	else if (storage_class != SQLITE_NULL)
		refuse_class(context, storage_class, "real");
}

void
as_text(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_NULL)
		return;
	if (storage_class != SQLITE_TEXT)
		return refuse_class(context, storage_class, "text");
	std::string_view const text = text_of(args[0]);
	if (text.data() == nullptr)
		return sqlite3_result_error_nomem(context);
	if (std::memchr(text.data(), 0, text.size()) != nullptr)
		return sqlite3_result_error(context, "text of a SQLite database contains a zero byte", -1);
	if (!is_utf8(text))
		return sqlite3_result_error(context, "text of a SQLite database is not valid UTF-8", -1);
	sqlite3_result_value(context, args[0]);
}

void
as_blob(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_BLOB)
		sqlite3_result_value(context, args[0]);
	else if (storage_class != SQLITE_NULL)
		refuse_class(context, storage_class, "blob");
}

/* 1 or 0 as PostgreSQL reads a boolean: any beginning of a word that tells it from the others; -1 for anything else. */
int
boolean_of(std::string_view text) noexcept
{
	struct Word {
		std::string_view word;
		std::size_t least;
		int value;
	};
	constexpr Word words[] = {{"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1}, {"no", 1, 0},
	                          {"on", 2, 1},   {"off", 2, 0},   {"1", 1, 1},   {"0", 1, 0}};
	constexpr std::string_view blanks = " \t\n\v\f\r";
	text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
	text = text.substr(0, text.find_last_not_of(blanks) + 1);
	for (const Word &word : words)
		if (text.size() >= word.least && text.size() <= word.word.size() &&
		    std::equal(text.begin(), text.end(), word.word.begin(),
		               [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; }))
			return word.value;
	return -1;
}

void
as_boolean(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	int value = -1;
	switch (storage_class) {
	case SQLITE_NULL: return;
	case SQLITE_INTEGER: {
		sqlite3_int64 const integer = sqlite3_value_int64(args[0]);
		if (integer != 0 && integer != 1)
			return refuse(context, "integer other than 0 and 1", "boolean");
		value = integer != 0 ? 1 : 0;
		break;
	}
	case SQLITE_TEXT: value = boolean_of(text_of(args[0])); break;
	default: break;
	}
	if (value < 0)
		return refuse_class(context, storage_class, "boolean");
	sqlite3_result_int(context, value);
}

void
as_number(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_INTEGER)
		sqlite3_result_int64(context, sqlite3_value_int64(args[0]));
	else if (storage_class == SQLITE_FLOAT)
		sqlite3_result_double(context, sqlite3_value_double(args[0]));
	else if (storage_class != SQLITE_NULL)
		refuse_class(context, storage_class, "numeric");
}

/* The number that text spells with digits alone, or -1. */
constexpr int
digits(std::string_view text) noexcept
{
	int number = 0;
	for (char const c : text) {
		if (c < '0' || c > '9')
			return -1;
		number = number * 10 + (c - '0');
	}
	return number;
}

constexpr bool
is_date(std::string_view text) noexcept
{
	constexpr int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (text.size() != 10 || text[4] != '-' || text[7] != '-')
		return false;
	int const year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	bool const leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= month_days[month - 1] + (leap && month == 2 ? 1 : 0);
}

constexpr bool
is_below(std::string_view two_digits, int limit) noexcept
{
	int const number = digits(two_digits);
	return number >= 0 && number < limit;
}

constexpr bool
is_timestamp(std::string_view text) noexcept
{
	if (text.size() < 19 || !is_date(text.substr(0, 10)) || text[10] != ' ' || text[13] != ':' || text[16] != ':' ||
	    !is_below(text.substr(11, 2), 24) || !is_below(text.substr(14, 2), 60) || !is_below(text.substr(17, 2), 60))
		return false;
	std::string_view const fraction = text.substr(19);
	return fraction.empty() || (fraction.size() >= 2 && fraction.size() <= 7 && fraction[0] == '.' &&
	                            digits(fraction.substr(1)) >= 0 && fraction.back() != '0');
}

template <bool (*is_canonical)(std::string_view)>
void
tell(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class != SQLITE_TEXT)
		return sqlite3_result_int(context, storage_class == SQLITE_NULL ? 1 : 0);
	std::string_view const text = text_of(args[0]);
	if (text.data() == nullptr)
		return sqlite3_result_error_nomem(context);
	sqlite3_result_int(context, is_canonical(text) ? 1 : 0);
}

struct Function {
	const char *name;
	void (*body)(sqlite3_context *, int, sqlite3_value **) noexcept;
};

constexpr Function function_table[] = {
	{"tenancy_int", as_integer},        {"tenancy_real", as_real},
	{"tenancy_text", as_text},          {"tenancy_blob", as_blob},
	{"tenancy_bool", as_boolean},       {"tenancy_num", as_number},
	{"tenancy_is_date", tell<is_date>}, {"tenancy_is_timestamp", tell<is_timestamp>},
};

} // namespace

bool
install_typed_functions(sqlite3 *database) noexcept
{
	constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	return std::all_of(std::begin(function_table), std::end(function_table), [database](const Function &function) {
		return sqlite3_create_function_v2(database, function.name, 1, flags, nullptr, function.body, nullptr, nullptr,
		                                  nullptr) == SQLITE_OK;
	});
}

} // namespace tenancy::remote::sqlite

/*
 * instr, replace, trim and unhex of SQLite search by the product of their arguments' lengths, in one step that no
 * progress handler interrupts: two strings of 30 MB keep a backend busy for days. Here they are linear, or refused.
 * Pure regime.
 */
#include "remote/sqlite/function.hpp"

#include <algorithm>
#include <cstring>
#include <cstdint>
#include <string_view>

#include "core/utf8.hpp"

namespace tenancy::remote::sqlite {

namespace {

constexpr std::size_t max_trimmed_set = 256;

/* The bytes of an argument: of a blob as they are, of anything else in its text form. data() is null for NULL. */
std::string_view
bytes_of(sqlite3_value *value) noexcept
{
	const void *const data = sqlite3_value_type(value) == SQLITE_BLOB
	                             ? sqlite3_value_blob(value)
	                             : static_cast<const void *>(sqlite3_value_text(value));
	auto const size = static_cast<std::size_t>(sqlite3_value_bytes(value));
	if (data == nullptr)
		return sqlite3_value_type(value) == SQLITE_BLOB ? std::string_view("", 0) : std::string_view();
	return {static_cast<const char *>(data), size};
}

std::string_view
text_of(sqlite3_value *value) noexcept
{
	auto const *const text = reinterpret_cast<const char *>(sqlite3_value_text(value));
	return text == nullptr ? std::string_view()
	                       : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

/* std::string_view::find is quadratic; memmem is not. */
std::size_t
position_of(std::string_view text, std::string_view pattern, std::size_t from) noexcept
{
	auto const *const place =
		static_cast<const char *>(memmem(text.data() + from, text.size() - from, pattern.data(), pattern.size()));
	return place == nullptr ? std::string_view::npos : static_cast<std::size_t>(place - text.data());
}

bool
is_null(sqlite3_value *value) noexcept
{
	return sqlite3_value_type(value) == SQLITE_NULL;
}

void
instr(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	if (is_null(args[0]) || is_null(args[1]))
		return;
	bool const binary = sqlite3_value_type(args[0]) == SQLITE_BLOB && sqlite3_value_type(args[1]) == SQLITE_BLOB;
	std::string_view const text = bytes_of(args[0]);
	std::string_view const pattern = bytes_of(args[1]);
	if (text.data() == nullptr || pattern.data() == nullptr)
		return sqlite3_result_error_nomem(context);
	std::size_t const place = position_of(text, pattern, 0);
	if (place == std::string_view::npos)
		return sqlite3_result_int64(context, 0);
	auto const before = text.substr(0, place);
	auto const position = binary ? static_cast<std::ptrdiff_t>(before.size())
	                             : static_cast<std::ptrdiff_t>(core::count_characters(before));
	sqlite3_result_int64(context, position + 1);
}

void
replace(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	if (is_null(args[0]) || is_null(args[1]))
		return;
	std::string_view const text = text_of(args[0]);
	std::string_view const pattern = text_of(args[1]);
	if (text.data() == nullptr || pattern.data() == nullptr)
		return sqlite3_result_error_nomem(context);
	if (pattern.empty())
		return sqlite3_user_data(context) != nullptr
		           ? sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8)
		           : sqlite3_result_value(context, args[0]);
	if (is_null(args[2]))
		return;
	std::string_view const substitute = text_of(args[2]);
	if (substitute.data() == nullptr)
		return sqlite3_result_error_nomem(context);

	std::size_t size = text.size();
	for (std::size_t at = position_of(text, pattern, 0); at != std::string_view::npos;
	     at = position_of(text, pattern, at + pattern.size()))
		size += substitute.size() - pattern.size(); /* may wrap, and wraps back */
	if (size > static_cast<std::size_t>(sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1)))
		return sqlite3_result_error_toobig(context);
	auto *const result = static_cast<char *>(sqlite3_malloc64(size + 1));
	if (result == nullptr)
		return sqlite3_result_error_nomem(context);
	char *end = result;
	std::size_t from = 0;
	for (std::size_t at; (at = position_of(text, pattern, from)) != std::string_view::npos;
	     from = at + pattern.size()) {
		end = std::copy_n(text.data() + from, at - from, end);
		end = std::copy_n(substitute.data(), substitute.size(), end);
	}
	end = std::copy_n(text.data() + from, text.size() - from, end);
	*end = 0;
	sqlite3_result_text64(context, result, size, sqlite3_free, SQLITE_UTF8);
}

/* Bytes of the character at the start of text, read as SQLite does: a byte and the continuation bytes after it. */
std::size_t
character_size(std::string_view text) noexcept
{
	std::size_t size = 1;
	if (static_cast<unsigned char>(text[0]) >= 0xc0)
		while (size < text.size() && !core::begins_character(text[size]))
			++size;
	return size;
}

/* Length of the character of set that text begins (or ends) with; 0: none. */
std::size_t
matching_character(std::string_view text, std::string_view set, bool at_end) noexcept
{
	while (!set.empty()) {
		std::size_t const size = character_size(set);
		std::string_view const character = set.substr(0, size);
		if (at_end ? text.ends_with(character) : text.starts_with(character))
			return size;
		set.remove_prefix(size);
	}
	return 0;
}

/* The user data says which ends: 1 the left one, 2 the right one, 3 both. */
void
trim(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	if (is_null(args[0]) || is_null(args[1]))
		return;
	std::string_view text = text_of(args[0]);
	std::string_view const set = text_of(args[1]);
	auto const ends = reinterpret_cast<std::uintptr_t>(sqlite3_user_data(context));
	if (text.data() == nullptr || set.data() == nullptr)
		return sqlite3_result_error_nomem(context);
	if (set.size() > max_trimmed_set)
		return sqlite3_result_error(context, "too many characters to trim", -1);
	if ((ends & 1) != 0)
		while (std::size_t const size = matching_character(text, set, false))
			text.remove_prefix(size);
	if ((ends & 2) != 0)
		while (std::size_t const size = matching_character(text, set, true))
			text.remove_suffix(size);
	sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* unhex() with a set of characters to skip is refused; replace() can take such characters out. */
void
unhex(sqlite3_context *context, int, sqlite3_value **) noexcept
{
	sqlite3_result_error(context, "unhex() takes one argument here", -1);
}

struct Function {
	const char *name;
	int arguments;
	std::uintptr_t data;
	void (*body)(sqlite3_context *, int, sqlite3_value **) noexcept;
};

constexpr Function function_table[] = {
	{"instr", 2, 0, instr},
	{"ltrim", 2, 1, trim},
	{"rtrim", 2, 2, trim},
	{"trim", 2, 3, trim},
	{"unhex", 2, 0, unhex},
};

/* Does its own replace() make text of what it replaces nothing in? That changed after 3.40, and before 3.46. */
bool
replacing_nothing_makes_text(sqlite3 *database) noexcept
{
	sqlite3_stmt *statement = nullptr;
	bool const is_text = sqlite3_prepare_v2(database, "SELECT replace(1, '', '')", -1, &statement, nullptr) == SQLITE_OK &&
	                     sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_TEXT;
	sqlite3_finalize(statement);
	return is_text;
}

} // namespace

bool
install_functions(sqlite3 *database) noexcept
{
	constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	auto const install = [database](const Function &function) {
		return sqlite3_create_function_v2(database, function.name, function.arguments, flags,
		                                  reinterpret_cast<void *>(function.data), function.body, nullptr, nullptr,
		                                  nullptr) == SQLITE_OK;
	};
	return install({"replace", 3, replacing_nothing_makes_text(database), replace}) &&
	       std::all_of(std::begin(function_table), std::end(function_table), install);
}

} // namespace tenancy::remote::sqlite

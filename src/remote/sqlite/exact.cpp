/*
 * See exact.hpp. Pure regime.
 */
#include "remote/sqlite/exact.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string_view>

namespace tenancy::remote::sqlite {

namespace {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

/* Both messages have an SQLSTATE in error.cpp. */
void
refuse_class(sqlite3_context *context, const char *type) noexcept
{
	char message[80];
	sqlite3_snprintf(sizeof message, message, "value of another type in a column of type %s", type);
	sqlite3_result_error(context, message, -1);
}

void
refuse_range(sqlite3_context *context, const char *type) noexcept
{
	char message[80];
	sqlite3_snprintf(sizeof message, message, "%s out of range", type);
	sqlite3_result_error(context, message, -1);
}

struct Range {
	const char *type;
	std::int64_t least, greatest;
};

template <typename Integer>
constexpr Range
range(const char *type) noexcept
{
	return {type, std::numeric_limits<Integer>::min(), std::numeric_limits<Integer>::max()};
}

constexpr Range ranges[] = {range<std::int16_t>("smallint"), range<std::int32_t>("integer"),
                            range<std::int64_t>("bigint")};

/* The user data is the type's Range. */
void
in_range(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	const Range &wanted = *static_cast<const Range *>(sqlite3_user_data(context));
	switch (sqlite3_value_type(args[0])) {
	case SQLITE_NULL: return;
	case SQLITE_INTEGER: {
		std::int64_t const value = sqlite3_value_int64(args[0]);
		if (value < wanted.least || value > wanted.greatest)
			return refuse_range(context, wanted.type);
		return sqlite3_result_int64(context, value);
	}
	case SQLITE_FLOAT: return refuse_range(context, wanted.type);
	default: return refuse_class(context, wanted.type);
	}
}

/* NaN, which SQLite has no number for, is text, and sorts and compares behind all numbers as such. */
void
give_real(sqlite3_context *context, double value) noexcept
{
	if (std::isnan(value))
		sqlite3_result_text(context, "NaN", 3, SQLITE_STATIC);
	else
		sqlite3_result_double(context, value);
}

/* Is it the text "NaN" as float8 reads it, in any case and with blanks around it? */
bool
is_not_a_number(sqlite3_value *value) noexcept
{
	if (sqlite3_value_type(value) != SQLITE_TEXT)
		return false;
	auto const *const bytes = reinterpret_cast<const char *>(sqlite3_value_text(value));
	std::string_view text(bytes == nullptr ? "" : bytes);
	constexpr const char *blanks = " \t\n\v\f\r";
	text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
	text = text.substr(0, text.find_last_not_of(blanks) + 1);
	return text.size() == 3 && sqlite3_strnicmp(text.data(), "nan", 3) == 0;
}

/* Text of an infinity is refused, for as text it does not compare as the number. */
void
as_float8(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_FLOAT)
		return sqlite3_result_double(context, sqlite3_value_double(args[0]));
	if (is_not_a_number(args[0]))
		return give_real(context, std::numeric_limits<double>::quiet_NaN());
	if (storage_class != SQLITE_NULL)
		refuse_class(context, "real");
}

/* A decimal number, written from its last digit on. */
class Digits {
public:
	void add(unsigned digit) noexcept { text_[--start_] = static_cast<char>('0' + digit); }
	void add(char sign) noexcept { text_[--start_] = sign; }
	void add_whole(UnsignedWide number) noexcept
	{
		do
			add(static_cast<unsigned>(number % 10));
		while ((number /= 10) != 0);
	}
	void give(sqlite3_context *context) const noexcept
	{
		sqlite3_result_text(context, text_.data() + start_, static_cast<int>(text_.size() - start_), SQLITE_TRANSIENT);
	}

private:
	std::array<char, 96> text_{};
	std::size_t start_ = text_.size();
};

UnsignedWide
magnitude(Wide number) noexcept
{
	return number < 0 ? -static_cast<UnsignedWide>(number) : static_cast<UnsignedWide>(number);
}

/* SQLite's memory is aligned for its own numbers, which are half as wide. */
using StoredWide [[gnu::aligned(alignof(std::int64_t))]] = Wide;

/* A sum of integers. As many int64 as there can be rows stay within 128 bits. */
struct IntegerSum {
	StoredWide sum;
	std::int64_t count;
};

/* SQLite hands it out zeroed; NULL when there is no memory, or in a final step nothing has been counted. */
template <typename State>
State *
state_of(sqlite3_context *context, bool create) noexcept
{
	void *const memory = sqlite3_aggregate_context(context, create ? static_cast<int>(sizeof(State)) : 0);
	if (memory == nullptr && create)
		sqlite3_result_error_nomem(context);
	return static_cast<State *>(memory);
}

void
add_integer(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_NULL)
		return;
	if (storage_class != SQLITE_INTEGER)
		return storage_class == SQLITE_FLOAT ? refuse_range(context, "bigint") : refuse_class(context, "bigint");
	auto *const state = state_of<IntegerSum>(context, true);
	if (state == nullptr)
		return;
	state->sum += sqlite3_value_int64(args[0]);
	++state->count;
}

bool
fits(Wide sum) noexcept
{
	return sum >= std::numeric_limits<std::int64_t>::min() && sum <= std::numeric_limits<std::int64_t>::max();
}

void
sum_as_number(sqlite3_context *context) noexcept
{
	auto const *const state = state_of<IntegerSum>(context, false);
	if (state == nullptr)
		return;
	if (fits(state->sum))
		sqlite3_result_int64(context, static_cast<std::int64_t>(state->sum));
	else
		sqlite3_result_double(context, static_cast<double>(state->sum));
}

void
sum_as_digits(sqlite3_context *context) noexcept
{
	auto const *const state = state_of<IntegerSum>(context, false);
	if (state == nullptr)
		return;
	if (fits(state->sum))
		return sqlite3_result_int64(context, static_cast<std::int64_t>(state->sum));
	Digits digits;
	digits.add_whole(magnitude(state->sum));
	if (state->sum < 0)
		digits.add('-');
	digits.give(context);
}

/* Answers the sum as bytes, which compare as the sums do. */
void
sum_as_order(sqlite3_context *context) noexcept
{
	auto const *const state = state_of<IntegerSum>(context, false);
	if (state == nullptr)
		return;
	UnsignedWide rest = static_cast<UnsignedWide>(state->sum) ^ (static_cast<UnsignedWide>(1) << 127);
	std::array<unsigned char, sizeof rest> bytes;
	for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, rest >>= 8)
		*byte = static_cast<unsigned char>(rest & 0xff);
	sqlite3_result_blob(context, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
}

/* A whole number as numeric has it: its first digit to the base of 10000, and how many more there are. */
struct Weight {
	int first = 0, more = 0;
};

Weight
weight_of(UnsignedWide number) noexcept
{
	Weight weight;
	for (; number >= 10'000; number /= 10'000)
		++weight.more;
	weight.first = static_cast<int>(number);
	return weight;
}

/* Digits behind the point of a quotient in PostgreSQL: at least 16 significant ones, in steps of four. */
int
scale_of_quotient(UnsignedWide dividend, UnsignedWide divisor) noexcept
{
	Weight const above = weight_of(dividend), below = weight_of(divisor);
	int const quotient_weight = above.more - below.more - (above.first <= below.first ? 1 : 0);
	return std::max(16 - 4 * quotient_weight, 0);
}

void
average(sqlite3_context *context) noexcept
{
	auto const *const state = state_of<IntegerSum>(context, false);
	if (state == nullptr)
		return;
	auto const count = static_cast<UnsignedWide>(state->count);
	UnsignedWide const sum = magnitude(state->sum);
	int const scale = scale_of_quotient(sum, count);
	UnsignedWide whole = sum / count, rest = sum % count;
	std::array<unsigned char, 64> fraction{};
	for (int i = 0; i < scale; ++i, rest %= count)
		fraction[static_cast<std::size_t>(i)] = static_cast<unsigned char>((rest *= 10) / count);
	bool carry = rest * 2 >= count;
	Digits digits;
	for (int i = scale - 1; i >= 0; --i) {
		unsigned const digit = fraction[static_cast<std::size_t>(i)] + (carry ? 1u : 0u);
		carry = digit == 10;
		digits.add(digit % 10);
	}
	if (scale > 0)
		digits.add('.');
	digits.add_whole(whole + (carry ? 1 : 0));
	if (state->sum < 0)
		digits.add('-');
	digits.give(context);
}

/* A sum of real numbers; squares is there because it may overflow, which is an error in PostgreSQL's average, too. */
struct RealSum {
	double sum, squares;
	std::int64_t count;
};

/* The user data is not NULL for an average. */
void
add_real(sqlite3_context *context, int, sqlite3_value **args) noexcept
{
	int const storage_class = sqlite3_value_type(args[0]);
	if (storage_class == SQLITE_NULL)
		return;
	bool const nothing = is_not_a_number(args[0]);
	if (storage_class != SQLITE_FLOAT && !nothing)
		return refuse_class(context, "real");
	auto *const state = state_of<RealSum>(context, true);
	if (state == nullptr)
		return;
	double const value = nothing ? std::numeric_limits<double>::quiet_NaN() : sqlite3_value_double(args[0]);
	double const before = state->sum;
	/* The first one is the sum, with the sign of its zero. */
	state->sum = state->count == 0 && sqlite3_user_data(context) == nullptr ? value : before + value;
	++state->count;
	bool overflow = std::isinf(state->sum);
	if (sqlite3_user_data(context) != nullptr && state->count > 1) {
		auto const count = static_cast<double>(state->count);
		double const distance = value * count - state->sum;
		state->squares += distance * distance / (count * (count - 1));
		overflow = overflow || std::isinf(state->squares);
	}
	if (overflow && state->count > 1 && !std::isinf(before) && !std::isinf(value))
		return sqlite3_result_error(context, "value out of range: overflow", -1);
	if (overflow || std::isinf(value))
		state->squares = std::numeric_limits<double>::quiet_NaN();
}

void
sum_of_reals(sqlite3_context *context) noexcept
{
	if (auto const *const state = state_of<RealSum>(context, false); state != nullptr)
		give_real(context, state->sum);
}

void
average_of_reals(sqlite3_context *context) noexcept
{
	if (auto const *const state = state_of<RealSum>(context, false); state != nullptr)
		give_real(context, state->sum / static_cast<double>(state->count));
}

struct Aggregate {
	const char *name;
	void (*step)(sqlite3_context *, int, sqlite3_value **) noexcept;
	void (*final)(sqlite3_context *) noexcept;
	const void *data;
};

constexpr Aggregate aggregate_table[] = {
	{"tenancy_sum", add_integer, sum_as_digits, nullptr},
	{"tenancy_sum_number", add_integer, sum_as_number, nullptr},
	{"tenancy_sum_order", add_integer, sum_as_order, nullptr},
	{"tenancy_avg", add_integer, average, nullptr},
	{"tenancy_sum_real", add_real, sum_of_reals, nullptr},
	{"tenancy_avg_real", add_real, average_of_reals, ranges},
};

constexpr const char *range_names[] = {"tenancy_int2", "tenancy_int4", "tenancy_int8"};
static_assert(std::size(range_names) == std::size(ranges));

} // namespace

bool
install_exact_functions(sqlite3 *database) noexcept
{
	constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	if (sqlite3_create_function_v2(database, "tenancy_float8", 1, flags, nullptr, as_float8, nullptr, nullptr,
	                               nullptr) != SQLITE_OK)
		return false;
	for (std::size_t i = 0; i < std::size(ranges); ++i)
		if (sqlite3_create_function_v2(database, range_names[i], 1, flags, const_cast<Range *>(&ranges[i]), in_range,
		                               nullptr, nullptr, nullptr) != SQLITE_OK)
			return false;
	return std::all_of(std::begin(aggregate_table), std::end(aggregate_table), [database](const Aggregate &aggregate) {
		return sqlite3_create_function_v2(database, aggregate.name, 1, flags, const_cast<void *>(aggregate.data),
		                                  nullptr, aggregate.step, aggregate.final, nullptr) == SQLITE_OK;
	});
}

} // namespace tenancy::remote::sqlite

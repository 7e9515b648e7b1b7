/*
 * See bind.hpp. Pure regime.
 */
#include "remote/mysql/bind.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/pgtype.hpp"

namespace tenancy::remote::mysql {

namespace {

/* MySQL takes an offset only in its long form, MariaDB none at all; both run in UTC here. */
std::string_view
without_utc_offset(const Param &param)
{
	std::string_view text = param.text;
	if (param.type_oid == core::pgtype::timestamptz)
		for (std::string_view const offset : {"+00:00", "+00", "Z"})
			if (text.ends_with(offset))
				return text.substr(0, text.size() - offset.size());
	return text;
}

/* Servers silently turn any other number into the nearest one that they can hold. */
void
demand_decimal(std::string_view text)
{
	constexpr std::ptrdiff_t most_digits = 65;
	std::string_view const number = text.substr(text.starts_with('-') ? 1 : 0);
	auto const digits = std::ranges::count_if(number, [](char c) { return c >= '0' && c <= '9'; });
	auto const points = std::ranges::count(number, '.');
	if (digits == 0 || digits > most_digits || points > 1 || digits + points != std::ssize(number))
		throw core::Error(core::FailureKind::query, "22003", "numeric parameter is out of range for the remote server",
		                  "A decimal of MySQL or MariaDB has 65 digits at most, and is neither NaN nor infinite.");
}

bool
is_bits(const Param &param)
{
	namespace pgtype = core::pgtype;
	return param.kind == Param::Kind::text && (param.type_oid == pgtype::bit || param.type_oid == pgtype::varbit);
}

/* The number that a bit string is to these servers: of a text they would take the codes of its characters. */
std::uint64_t
number_of_bits(std::string_view digits)
{
	if (digits.size() > 64)
		throw core::Error(core::FailureKind::query, "22003",
		                  "bit string of " + std::to_string(digits.size()) +
		                      " bits is out of range for the remote server",
		                  "MySQL and MariaDB have bit strings of 64 bits at most.");
	std::uint64_t number = 0;
	for (char const digit : digits)
		number = number << 1 | (digit == '1' ? 1 : 0);
	return number;
}

} // namespace

MYSQL_BIND
binding(const Param &param, std::uint64_t &number)
{
	MYSQL_BIND bind{};
	if (is_bits(param)) {
		number = number_of_bits(param.text);
		bind.buffer_type = MYSQL_TYPE_LONGLONG;
		bind.is_unsigned = true;
		bind.buffer = &number;
		return bind;
	}
	std::string_view text = param.text;
	switch (param.kind) {
	case Param::Kind::null: bind.buffer_type = MYSQL_TYPE_NULL; return bind;
	case Param::Kind::boolean:
	case Param::Kind::integer:
		bind.buffer_type = MYSQL_TYPE_LONGLONG;
		bind.buffer = const_cast<std::int64_t *>(&param.integer);
		return bind;
	case Param::Kind::float8:
		bind.buffer_type = MYSQL_TYPE_DOUBLE;
		bind.buffer = const_cast<double *>(&param.real);
		return bind;
	case Param::Kind::decimal:
		demand_decimal(text);
		bind.buffer_type = MYSQL_TYPE_NEWDECIMAL;
		break;
	case Param::Kind::text:
		bind.buffer_type = MYSQL_TYPE_VAR_STRING;
		text = without_utc_offset(param);
		break;
	case Param::Kind::bytes: bind.buffer_type = MYSQL_TYPE_BLOB; break;
	}
	bind.buffer = const_cast<char *>(text.data());
	bind.buffer_length = text.size();
	return bind;
}

} // namespace tenancy::remote::mysql

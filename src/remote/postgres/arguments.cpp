/*
 * Parameters for libpq: text form, and binary for bytes. Pure regime.
 */
#include "remote/postgres/arguments.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "core/error.hpp"
#include "core/pgtype.hpp"

namespace tenancy::remote::postgres {

namespace pgtype = core::pgtype;

namespace {

constexpr int text_format = 0;
constexpr int binary_format = 1;

/* The end of the shortest digits that read back as the same number, spelled as float8in takes them. */
char *
spell_real(char *to, char *limit, double value) noexcept
{
	std::string_view word;
	if (std::isnan(value))
		word = "NaN";
	else if (std::isinf(value))
		word = value > 0 ? "Infinity" : "-Infinity";
	return word.empty() ? std::to_chars(to, limit, value).ptr : to + word.copy(to, word.size());
}

} // namespace

void
Arguments::assign(std::span<const Param> params)
{
	types_.clear();
	values_.clear();
	lengths_.clear();
	formats_.clear();
	used_ = 0;
	if (digits_.size() < params.size() * longest_number)
		digits_.resize(params.size() * longest_number);
	for (const Param &param : params)
		add(param);
}

void
Arguments::add(const Param &param)
{
	switch (param.kind) {
	case Param::Kind::null: return add_value(param.type_oid, text_format, nullptr, 0);
	case Param::Kind::bytes:
		/* Raw bytes mean nothing to another type, so an unknown one is bytea. */
		return add_value(param.type_oid == 0 ? pgtype::bytea : param.type_oid, binary_format, param.text.data(),
		                 param.text.size());
	case Param::Kind::boolean:
	case Param::Kind::integer:
	case Param::Kind::float8: {
		const char *const text = spell(param);
		return add_value(param.type_oid, text_format, text, std::strlen(text));
	}
	case Param::Kind::decimal:
	case Param::Kind::text:
		if (param.text.find('\0') != param.text.npos)
			throw core::Error(core::FailureKind::query, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
		return add_value(param.type_oid, text_format, param.text.c_str(), param.text.size());
	}
}

/* A number, or a truth value, as text. */
const char *
Arguments::spell(const Param &param)
{
	char *const text = digits_.data() + used_;
	char *const limit = text + longest_number - 1;
	char *end = text;
	if (param.kind == Param::Kind::boolean)
		*end++ = param.integer != 0 ? 't' : 'f';
	else if (param.kind == Param::Kind::integer)
		end = std::to_chars(text, limit, param.integer).ptr;
	else
		end = spell_real(text, limit, param.real);
	*end = 0;
	used_ += longest_number;
	return text;
}

void
Arguments::add_value(Oid type, int format, const char *value, std::size_t size)
{
	types_.push_back(type);
	values_.push_back(value);
	lengths_.push_back(static_cast<int>(size));
	formats_.push_back(format);
}

} // namespace tenancy::remote::postgres

/*
 * Parameters for libpq: text form, and binary for bytes. Pure regime.
 */
#include "remote/postgres/arguments.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

#include "core/error.hpp"
#include "core/pgtype.hpp"

namespace tenancy::remote::postgres {

namespace pgtype = core::pgtype;

namespace {

constexpr int text_format = 0;
constexpr int binary_format = 1;

/* The shortest digits that read back as the same number, spelled as float8in takes them. */
std::string
float_text(double value)
{
	if (std::isnan(value))
		return "NaN";
	if (std::isinf(value))
		return value > 0 ? "Infinity" : "-Infinity";
	char digits[32];
	auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
	return {digits, end};
}

} // namespace

Arguments::Arguments(std::span<const Param> params)
{
	texts_.reserve(params.size());
	types_.reserve(params.size());
	values_.reserve(params.size());
	lengths_.reserve(params.size());
	formats_.reserve(params.size());
	for (const Param &param : params)
		add(param);
}

void
Arguments::add(const Param &param)
{
	switch (param.kind) {
	case Param::Kind::null:
		types_.push_back(param.type_oid);
		values_.push_back(nullptr);
		lengths_.push_back(0);
		formats_.push_back(text_format);
		return;
	case Param::Kind::bytes:
		/* Raw bytes mean nothing to another type, so an unknown one is bytea. */
		types_.push_back(param.type_oid == 0 ? pgtype::bytea : param.type_oid);
		values_.push_back(param.text.data());
		lengths_.push_back(static_cast<int>(param.text.size()));
		formats_.push_back(binary_format);
		return;
	case Param::Kind::boolean: return add_text(param.type_oid, texts_.emplace_back(param.integer != 0 ? "t" : "f"));
	case Param::Kind::integer: return add_text(param.type_oid, texts_.emplace_back(std::to_string(param.integer)));
	case Param::Kind::float8: return add_text(param.type_oid, texts_.emplace_back(float_text(param.real)));
	case Param::Kind::decimal:
	case Param::Kind::text:
		if (param.text.find('\0') != param.text.npos)
			throw core::Error(core::FailureKind::query, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
		return add_text(param.type_oid, param.text);
	}
}

void
Arguments::add_text(Oid type, std::string_view text)
{
	types_.push_back(type);
	values_.push_back(text.data());
	lengths_.push_back(static_cast<int>(text.size()));
	formats_.push_back(text_format);
}

} // namespace tenancy::remote::postgres

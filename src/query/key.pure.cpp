/*
 * See key.pure.hpp. Pure regime.
 */
#include "query/key.pure.hpp"

#include <bit>
#include <string>

namespace tenancy::query {

namespace {

void
append(std::string &out, std::int64_t number)
{
	auto const bits = static_cast<std::uint64_t>(number);
	for (int shift = 56; shift >= 0; shift -= 8)
		out += static_cast<char>(bits >> shift);
}

/* A null view is not the empty text. */
void
append(std::string &out, std::string_view text)
{
	append(out, text.data() == nullptr ? std::int64_t{-1} : static_cast<std::int64_t>(text.size()));
	out += text;
}

void
append(std::string &out, const remote::ParamView &param)
{
	append(out, static_cast<std::int64_t>(param.kind));
	append(out, param.integer);
	append(out, std::bit_cast<std::int64_t>(param.real));
	append(out, param.text);
	append(out, static_cast<std::int64_t>(param.type_oid));
}

} // namespace

Digest
digest_of(std::initializer_list<std::string_view> texts, std::initializer_list<std::int64_t> numbers,
          remote::ParamList params)
{
	std::string encoded;
	append(encoded, static_cast<std::int64_t>(texts.size()));
	for (std::string_view const text : texts)
		append(encoded, text);
	append(encoded, static_cast<std::int64_t>(numbers.size()));
	for (std::int64_t const number : numbers)
		append(encoded, number);
	append(encoded, std::int64_t{params.count});
	for (int i = 0; i < params.count; ++i)
		append(encoded, params.items[i]);
	return core::sha256(encoded);
}

} // namespace tenancy::query

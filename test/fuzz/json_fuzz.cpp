/*
 * libFuzzer target: what is written as JSON is read back as the same by another library, and both agree on what JSON
 * is. Pure regime.
 */
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "fuzz.hpp"

using namespace tenancy;

namespace {

void
check_string(const std::string &text)
{
	if (!remote::is_utf8(text))
		return;
	std::string out;
	core::json::append_string(out, text);
	fuzz::require(core::json::is_valid(out));
	fuzz::require(nlohmann::json::parse(out).get<std::string>() == text);
}

void
check_number(double number, float single)
{
	std::string out;
	core::json::append_float8(out, number);
	auto const read = nlohmann::json::parse(out);
	fuzz::require(!read.is_number() || read.get<double>() == number);
	fuzz::require(core::json::is_number(out) == read.is_number());
	out.clear();
	core::json::append_float4(out, single);
	fuzz::require(core::json::is_valid(out));
}

/* The other library takes no number beyond its doubles, but it knows that it is one. */
bool
is_accepted(const std::string &text)
{
	try {
		static_cast<void>(nlohmann::json::parse(text));
		return true;
	} catch (const nlohmann::json::out_of_range &) {
		return true;
	} catch (const nlohmann::json::exception &) {
		return false;
	}
}

/* The other library has no limit of depth; ours takes what PostgreSQL takes, so it may only be stricter. */
void
check_document(const std::string &text)
{
	if (core::json::is_valid(text) && remote::is_utf8(text))
		fuzz::require(is_accepted(text));
	if (core::json::is_number(text))
		fuzz::require(core::json::is_valid(text));
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	auto const number = input.ConsumeFloatingPoint<double>();
	auto const single = input.ConsumeFloatingPoint<float>();
	std::string const text = input.ConsumeRemainingBytesAsString();
	check_string(text);
	check_number(number, single);
	check_document(text);
	return 0;
}

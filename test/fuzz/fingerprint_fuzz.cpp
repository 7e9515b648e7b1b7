/*
 * libFuzzer target: a statement without its literals stays the same when it is taken for a statement again, and no
 * string literal of it is left. Pure regime.
 */
#include "dashboard/fingerprint.pure.hpp"
#include "fuzz.hpp"

using namespace tenancy;

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	auto const dialect =
		static_cast<dashboard::Dialect>(input.ConsumeIntegralInRange(0, static_cast<int>(dashboard::Dialect::unknown)));
	std::string const text = input.ConsumeRemainingBytesAsString();
	std::string const once = dashboard::normalized(text, dialect);
	bool const may_name = text.find_first_of("\"`[") != std::string::npos; /* a name may hold any quote */
	fuzz::require(may_name || once.find('\'') == std::string::npos);
	fuzz::require(dashboard::fingerprint_of(once) != 0);
	fuzz::require(dashboard::normalized("SELECT 'canary' /* x */", dialect).find("canary") == std::string::npos);
	return 0;
}

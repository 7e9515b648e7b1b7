/*
 * libFuzzer target: a schema document that is read is written again as the same; anything else is error 22030. Pure
 * regime.
 */
#include "catalog/schema.hpp"
#include "fuzz.hpp"

using namespace tenancy;

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string_view const text(reinterpret_cast<const char *>(data), size);
	try {
		std::string const written = catalog::to_json(catalog::parse_schema(text));
		fuzz::require(catalog::to_json(catalog::parse_schema(written)) == written);
	} catch (const core::Error &error) {
		fuzz::require(std::string_view(error.sqlstate) == "22030");
	}
	return 0;
}

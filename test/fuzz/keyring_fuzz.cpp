/*
 * libFuzzer target: any text is a key ring of whole keys, or an error that shows nothing but the number of a line. Pure
 * regime.
 */
#include "credential/keyring.hpp"
#include "fuzz.hpp"

using namespace tenancy;

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string_view const text(reinterpret_cast<const char *>(data), size);
	try {
		auto const ring = credential::KeyRing::parse(text);
		fuzz::require(ring.size() > 0);
		for (std::size_t i = 0; i < ring.size(); ++i) {
			fuzz::require(!ring.id(i).empty() && ring.id(i).size() <= 64 && fuzz::is_plain(ring.id(i)));
			fuzz::require(ring.key(i).size() == credential::key_size);
			for (std::size_t other = 0; other < i; ++other)
				fuzz::require(ring.id(other) != ring.id(i));
		}
	} catch (const core::Error &error) {
		fuzz::require(std::string_view(error.sqlstate) == "22023");
		fuzz::require(fuzz::is_plain(error.message + error.detail + error.hint));
	}
	return 0;
}

/*
 * Copies of a password that a client library frees as they are, out of reach. Pure regime.
 */
#pragma once

#include <array>
#include <cstdlib>

#include <malloc.h>
#include <openssl/crypto.h>

namespace tenancy::remote {

/* Wipes the few freed blocks of that length that malloc keeps at hand for the next who asks in this thread. */
inline void
wipe_freed(std::size_t length) noexcept
{
	constexpr std::size_t at_hand = 32; /* glibc keeps 7, since 2.42 16 */
	std::array<void *, at_hand> blocks;
	for (void *&block : blocks) {
		block = std::malloc(length + 1);
		if (block != nullptr)
			OPENSSL_cleanse(block, malloc_usable_size(block));
	}
	for (void *const block : blocks)
		std::free(block);
}

/*
 * While it is alive, freed memory is overwritten (mallopt(3), M_PERTURB), except for what wipe_freed() wipes at the
 * end. So is memory that is allocated: do not use it around a library that reserves much more than it uses.
 */
class FreedCopies {
public:
	explicit FreedCopies(std::size_t length) noexcept : length_(length) { (void) mallopt(M_PERTURB, 0xff); }
	FreedCopies(const FreedCopies &) = delete;
	FreedCopies &operator=(const FreedCopies &) = delete;
	~FreedCopies()
	{
		(void) mallopt(M_PERTURB, 0);
		wipe_freed(length_);
	}

private:
	std::size_t length_;
};

} // namespace tenancy::remote

/*
 * Copies of a password that a client library frees as they are, out of reach. Pure regime.
 */
#pragma once

#include <array>
#include <cstdlib>

#include <malloc.h>
#include <openssl/crypto.h>

namespace tenancy::remote {

/*
 * While it is alive, what is freed is overwritten (mallopt(3), M_PERTURB), but for the few blocks of each size that malloc
 * keeps at hand for the next who asks. At the end it asks for these, of the size of the secret, and wipes them.
 */
class FreedCopies {
public:
	explicit FreedCopies(std::size_t length) noexcept : size_(length + 1) { (void) mallopt(M_PERTURB, 0xff); }
	FreedCopies(const FreedCopies &) = delete;
	FreedCopies &operator=(const FreedCopies &) = delete;
	~FreedCopies()
	{
		(void) mallopt(M_PERTURB, 0);
		std::array<void *, at_hand> blocks;
		for (void *&block : blocks) {
			block = std::malloc(size_);
			if (block != nullptr)
				OPENSSL_cleanse(block, malloc_usable_size(block));
		}
		for (void *const block : blocks)
			std::free(block);
	}

private:
	static constexpr std::size_t at_hand = 32; /* glibc keeps 7, since 2.42 16 */
	std::size_t size_;
};

} // namespace tenancy::remote

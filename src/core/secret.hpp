/*
 * Memory that is wiped before it is given back, and that no core file has: for passwords, keys and tokens. Pure regime.
 */
#pragma once

#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/crypto.h>

namespace tenancy::core {

/*
 * OpenSSL's secure heap, which no core file has. OpenSSL uses it as well, and fails when it is full, so half of it is
 * left alone. What has no place there lies in ordinary memory, and is wiped all the same.
 */
template <typename T> struct SecretAllocator {
	using value_type = T;
	static constexpr std::size_t heap_size = 4 << 20;

	T *allocate(std::size_t count)
	{
		static bool const heap =
			CRYPTO_secure_malloc_initialized() != 0 || CRYPTO_secure_malloc_init(heap_size, 64) != 0;
		void *memory = nullptr;
		if (heap && CRYPTO_secure_used() < heap_size / 2)
			memory = OPENSSL_secure_malloc(count * sizeof(T));
		if (memory == nullptr)
			memory = OPENSSL_malloc(count * sizeof(T));
		if (memory == nullptr)
			throw std::bad_alloc();
		return static_cast<T *>(memory);
	}
	void deallocate(T *memory, std::size_t count) noexcept { OPENSSL_secure_clear_free(memory, count * sizeof(T)); }
	bool operator==(const SecretAllocator &) const noexcept { return true; }
};

/* Bytes that are wiped when they die or are replaced. Movable, not copyable by accident. NUL-terminated. */
class Secret {
public:
	Secret() = default;
	explicit Secret(std::string_view plain) { assign(plain); }
	explicit Secret(std::size_t length) : bytes_(length + 1) {}
	Secret(Secret &&other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
	Secret &operator=(Secret &&other) noexcept
	{
		if (this != &other) {
			wipe();
			bytes_ = std::exchange(other.bytes_, {});
		}
		return *this;
	}
	Secret(const Secret &) = delete;
	Secret &operator=(const Secret &) = delete;
	~Secret() { wipe(); }

	Secret copy() const { return Secret(view()); }
	void assign(std::string_view plain)
	{
		wipe();
		bytes_.assign(plain.size() + 1, 0);
		if (!plain.empty())
			std::memcpy(bytes_.data(), plain.data(), plain.size());
	}
	void wipe() noexcept
	{
		if (!bytes_.empty())
			OPENSSL_cleanse(bytes_.data(), bytes_.size());
		bytes_.clear();
	}
	std::size_t size() const noexcept { return bytes_.empty() ? 0 : bytes_.size() - 1; }
	bool empty() const noexcept { return size() == 0; }
	unsigned char *data() noexcept { return reinterpret_cast<unsigned char *>(bytes_.data()); }
	const unsigned char *data() const noexcept { return reinterpret_cast<const unsigned char *>(bytes_.data()); }
	const char *c_str() const noexcept { return bytes_.empty() ? "" : bytes_.data(); }
	std::string_view view() const noexcept { return {c_str(), size()}; }

private:
	std::vector<char, SecretAllocator<char>> bytes_;
};

} // namespace tenancy::core

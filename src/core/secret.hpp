/*
 * Memory that is wiped before it is given back, and is in no core file: for passwords, keys and tokens. Pure regime.
 */
#pragma once

#include <cstring>
#include <memory_resource>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/crypto.h>

namespace tenancy::core {

/* Memory for what is always wiped before it is freed. It belongs to the process and is never given back as a whole. */
std::pmr::memory_resource *secret_memory();

/* Bytes that are wiped when they die or are replaced. Movable, not copyable by accident. NUL-terminated. */
class Secret {
public:
	Secret() = default;
	explicit Secret(std::string_view plain) { assign(plain); }
	explicit Secret(std::size_t length) : bytes_(length + 1, secret_memory()) {}
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
	std::pmr::vector<char> bytes_{secret_memory()};
};

} // namespace tenancy::core

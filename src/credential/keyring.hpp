/*
 * The key ring: lines "id base64key", the first key is the active one. Pure regime.
 * Read from a file that nobody else can read, or from the output of a command.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/private_file.hpp"
#include "core/secret.hpp"
#include "core/waiter.hpp"
#include "credential/seal.hpp"

namespace tenancy::credential {

/* Keys in memory of their own that core dumps leave out, and that is wiped at the end. */
class KeyRing {
public:
	/* Throws core::Error 22023 with the number of the bad line, and never anything else of it. */
	static KeyRing parse(std::string_view text);

	KeyRing(KeyRing &&other) noexcept;
	KeyRing &operator=(KeyRing &&other) noexcept;
	~KeyRing();

	std::size_t size() const noexcept { return ids_.size(); }
	const std::string &id(std::size_t index) const noexcept { return ids_[index]; }
	KeyView key(std::size_t index) const noexcept { return KeyView(keys_ + index * key_size, key_size); }

private:
	KeyRing() = default;
	void add(std::string_view id, std::string_view base64, std::size_t line);

	std::vector<std::string> ids_;
	unsigned char *keys_ = nullptr; /* mapped_ bytes */
	std::size_t mapped_ = 0;
};

using core::FileStamp;

/* The stamp of a file now; throws core::Error 58P01 (or what errno says) when there is none. */
FileStamp stamp_of(const std::string &path);

/*
 * The text of a key file. It must be a regular file of this process' user or root, not a symbolic link, and closed to
 * group and others: 42501 otherwise.
 */
core::Secret read_key_file(const std::string &path, FileStamp &stamp);

/* What /bin/sh -c command prints. It must end with status 0 before the deadline; it is killed otherwise. */
core::Secret run_key_command(const std::string &command, core::Deadline deadline, core::Waiter &waiter);

} // namespace tenancy::credential

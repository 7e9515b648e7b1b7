/*
 * Files with secrets: read only when nobody but the server's user can. Pure regime.
 */
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

#include "core/secret.hpp"

namespace tenancy::core {

/* What tells one state of a file from another. */
struct FileStamp {
	dev_t device = 0;
	ino_t inode = 0;
	off_t size = 0;
	std::int64_t changed_ns = 0, modified_ns = 0;

	bool operator==(const FileStamp &) const = default;
};

/* How messages speak of a kind of file, and how long one can be. */
struct PrivateFile {
	const char *noun;      /* as in: could not open key file "…" */
	const char *hint;      /* a sentence about the setting that names it */
	const char *too_large; /* a sentence */
	std::size_t most_bytes;
};

/* The stamp of a file now; throws core::Error 58P01 (or what errno says) when there is none. */
FileStamp stamp_of(const std::string &path, const PrivateFile &kind);

/*
 * The text of such a file. It must be a regular file of this process' user or root, not a symbolic link, and closed to
 * group and others: 42501 otherwise.
 */
Secret read_private_file(const std::string &path, const PrivateFile &kind, FileStamp &stamp);

} // namespace tenancy::core

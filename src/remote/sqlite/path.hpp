/*
 * Where the files of SQLite connections may be: below one directory per user, found without following any link.
 * Pure regime.
 */
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "remote/driver.hpp"

namespace tenancy::remote::sqlite {

/* What is wrong with a file name, as a sentence; nullptr: nothing. The file system is not asked. */
const char *file_name_complaint(std::string_view name) noexcept;

/* An existing regular file, and which one it was when it was checked. */
struct File {
	std::string path; /* absolute, without links */
	dev_t device = 0;
	ino_t inode = 0;
	std::string root; /* below which all files are */

	/* Does the path still lead to that file? */
	bool still_there() const noexcept;
};

/*
 * The file of target, made when it is missing and Target::create says so. Throws core::Error: 3D000 (kind
 * database) when it does not exist, 42501 (kind denied) when it is not a plain file below the directory.
 */
File find_file(const Target &target);

} // namespace tenancy::remote::sqlite

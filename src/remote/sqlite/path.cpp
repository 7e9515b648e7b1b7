/*
 * Opens the file that the name of a SQLite database stands for, if it may be opened. The kernel resolves the name
 * (openat2), so there is no check of ours to get around; where it cannot, nothing is opened. Pure regime.
 */
#include "remote/sqlite/path.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "remote/ascii.hpp"
#include "remote/text.hpp"

namespace tenancy::remote::sqlite {

namespace {

using core::Error;
using core::FailureKind;

constexpr const char *side_files[] = {"-journal", "-wal", "-shm"};

/* name-mj1A2B3C4D: a journal that belongs to several databases. */
bool
is_super_journal(std::string_view name) noexcept
{
	std::size_t const mark = name.rfind("-mj");
	return mark != std::string_view::npos && mark > 0 && name.size() - mark >= 11 &&
	       std::all_of(name.begin() + static_cast<std::ptrdiff_t>(mark) + 3, name.end(),
	                   [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/* Would SQLite take this for one of its own files beside some other database? */
bool
is_side_file(std::string_view name) noexcept
{
	return is_super_journal(name) ||
	       std::any_of(std::begin(side_files), std::end(side_files), [name](std::string_view suffix) {
			   return name.size() >= suffix.size() &&
		              equal_ignoring_case(name.substr(name.size() - suffix.size()), suffix);
		   });
}

/* Resolve path below directory only: no "..", no link of any kind on the way or at its end. */
int
open_beneath(int directory, const char *path, std::uint64_t flags, std::uint64_t mode)
{
	open_how how{};
	how.flags = flags | O_CLOEXEC;
	how.mode = mode;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	for (int attempt = 0;; ++attempt) {
		long const fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
		/* EAGAIN: something was renamed meanwhile, and the kernel is not sure. */
		if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || attempt == 10)
			return static_cast<int>(fd);
	}
}

[[noreturn]] void
fail_missing(const Target &target)
{
	throw Error(FailureKind::database, "3D000", "database \"" + printable(target.database) + "\" does not exist", {},
	            "Set the option create to true to make an empty database.");
}

[[noreturn]] void
fail_denied(const Target &target, const char *detail)
{
	throw Error(FailureKind::denied, "42501", "permission denied for database \"" + printable(target.database) + "\"",
	            detail);
}

[[noreturn]] void
fail_open(const Target &target, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR: fail_missing(target);
	case ELOOP:
	case EXDEV: fail_denied(target, "The name leads through a link or out of its directory.");
	case EACCES:
	case EPERM: fail_denied(target, "The operating system refuses access to the file.");
	case ENAMETOOLONG: throw Error(FailureKind::database, "22023", "invalid database name", "The name is too long.");
	case ENOSYS:
		throw Error(FailureKind::other, "0A000", "SQLite databases need Linux 5.6 or later",
		            "The kernel does not offer openat2.");
	default:
		throw Error(FailureKind::database, "58030",
		            "could not open database \"" + printable(target.database) + "\": " + std::strerror(error));
	}
}

/* The root is the administrator's, who may put it behind a link; the user's directory in it may not be one. */
struct Place {
	std::string root;   /* absolute, without links */
	std::string inside; /* <user id>/<name> */
	std::string user;   /* <user id> */
};

Place
split(const Target &target)
{
	std::string_view const directory = target.sqlite_directory;
	std::size_t const slash = directory.rfind('/');
	if (directory.empty() || directory.front() != '/' || slash + 1 == directory.size())
		throw Error(FailureKind::other, "55000", "SQLite databases are not available", {},
		            "An administrator has to set tenancy.sqlite_root to an absolute path.");
	std::string const root(slash == 0 ? "/" : directory.substr(0, slash));
	std::unique_ptr<char, decltype(&std::free)> const real(realpath(root.c_str(), nullptr), std::free);
	if (!real)
		throw Error(FailureKind::other, "58P01", "the directory of SQLite databases is missing", std::strerror(errno),
		            "An administrator has to create the directory that tenancy.sqlite_root names.");
	std::string user(directory.substr(slash + 1));
	return {real.get(), user + "/" + target.database, user};
}

/* Make the user's directory and an empty file, which is an empty database. Losing a race to make it is fine. */
void
create_file(const Target &target, int root, const Place &place)
{
	if (mkdirat(root, place.user.c_str(), 0700) != 0 && errno != EEXIST)
		fail_open(target, errno);
	int const fd = open_beneath(root, place.inside.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0 && errno != EEXIST)
		fail_open(target, errno);
	/* Nobody in this process can hold a lock on a file that did not exist, so closing it drops none. */
	core::Descriptor const made(fd);
}

/* A journal of the database that is a link would be followed by SQLite, and written through. */
void
check_side_files(const Target &target, int root, const Place &place)
{
	for (const char *const suffix : side_files) {
		core::Descriptor const fd(open_beneath(root, (place.inside + suffix).c_str(), O_PATH, 0));
		struct stat status;
		if (!fd.valid() && errno == ENOENT)
			continue;
		if (!fd.valid() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink > 1)
			fail_denied(target, "A journal of the database is not a regular file.");
	}
}

} // namespace

const char *
file_name_complaint(std::string_view name) noexcept
{
	if (name.empty())
		return "The file name is empty.";
	if (name.size() > 255)
		return "The file name is longer than 255 bytes.";
	if (has_control(name) || !is_utf8(name))
		return "The file name contains a control character or is not valid UTF-8.";
	if (name.front() == '/')
		return "The file name is not relative.";
	if (name == ":memory:" || equal_ignoring_case(name.substr(0, 5), "file:"))
		return "The file name has a special meaning to SQLite.";
	for (;;) {
		std::size_t const slash = name.find('/');
		std::string_view const part = name.substr(0, slash);
		if (part.empty() || part == "." || part == "..")
			return "The file name has an empty part, \".\" or \"..\" in it.";
		if (slash == std::string_view::npos)
			return is_side_file(part) ? "The file name is one that SQLite uses for journals." : nullptr;
		name.remove_prefix(slash + 1);
	}
}

bool
File::still_there() const noexcept
{
	struct stat status;
	return lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_dev == device &&
	       status.st_ino == inode;
}

/*
 * The file is looked at through an O_PATH descriptor only: closing an ordinary one would drop every POSIX lock
 * that SQLite holds on the file in this process, for another session of it. O_PATH waits for no FIFO either.
 */
File
find_file(const Target &target)
{
	if (const char *const complaint = file_name_complaint(target.database); complaint != nullptr)
		throw Error(FailureKind::denied, "42501", "invalid database name \"" + printable(target.database) + "\"",
		            complaint);
	Place const place = split(target);
	core::Descriptor const root(open(place.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (!root.valid())
		fail_open(target, errno);
	int fd = open_beneath(root.get(), place.inside.c_str(), O_PATH, 0);
	if (fd < 0 && errno == ENOENT && target.create) {
		create_file(target, root.get(), place);
		fd = open_beneath(root.get(), place.inside.c_str(), O_PATH, 0);
	}
	if (fd < 0)
		fail_open(target, errno);
	core::Descriptor const file(fd);

	struct stat status;
	if (fstat(file.get(), &status) != 0)
		fail_open(target, errno);
	if (!S_ISREG(status.st_mode))
		fail_denied(target, "It is not a regular file.");
	if (status.st_nlink > 1)
		fail_denied(target, "The file has more than one name.");
	check_side_files(target, root.get(), place);
	return {(place.root == "/" ? "" : place.root) + "/" + place.inside, status.st_dev, status.st_ino, place.root};
}

} // namespace tenancy::remote::sqlite

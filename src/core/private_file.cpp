/*
 * See private_file.hpp. Pure regime.
 */
#include "core/private_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/descriptor.hpp"
#include "core/error.hpp"

namespace tenancy::core {

namespace {

std::string
named(const PrivateFile &kind, const std::string &path)
{
	return std::string(kind.noun) + " \"" + path + "\"";
}

[[noreturn]] void
refuse(const std::string &path, const PrivateFile &kind, const char *why)
{
	throw Error(FailureKind::other, "42501", named(kind, path) + " is not safe to use", why,
	            "Make it a regular file of the server's own user with mode 0600.");
}

[[noreturn]] void
fail(const std::string &path, const PrivateFile &kind, int error)
{
	const char *const sqlstate = error == ENOENT || error == ENOTDIR ? "58P01" : error == EACCES ? "42501" : "58030";
	throw Error(FailureKind::other, sqlstate, "could not open " + named(kind, path) + ": " + std::strerror(error), {},
	            kind.hint);
}

FileStamp
stamp_of(const struct stat &state) noexcept
{
	auto const ns = [](const timespec &time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
	return {state.st_dev, state.st_ino, state.st_size, ns(state.st_ctim), ns(state.st_mtim)};
}

} // namespace

FileStamp
stamp_of(const std::string &path, const PrivateFile &kind)
{
	struct stat state;
	if (lstat(path.c_str(), &state) != 0)
		fail(path, kind, errno);
	return stamp_of(state);
}

Secret
read_private_file(const std::string &path, const PrivateFile &kind, FileStamp &stamp)
{
	/* Do not block: the path may name a FIFO, which is refused only once it is open. */
	int const fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP)
		refuse(path, kind, "It is a symbolic link.");
	if (fd < 0)
		fail(path, kind, errno);
	Descriptor const file(fd);
	struct stat state;
	if (fstat(fd, &state) != 0)
		fail(path, kind, errno);
	if (!S_ISREG(state.st_mode))
		refuse(path, kind, "It is not a regular file.");
	if (state.st_uid != geteuid() && state.st_uid != 0)
		refuse(path, kind, "It belongs to neither the server's user nor root.");
	if ((state.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		refuse(path, kind, "Group or others may use it.");
	if (state.st_size > static_cast<off_t>(kind.most_bytes))
		refuse(path, kind, kind.too_large);

	Secret text(static_cast<std::size_t>(state.st_size));
	std::size_t filled = 0;
	while (filled < text.size()) {
		ssize_t const got = read(fd, text.data() + filled, text.size() - filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail(path, kind, errno);
		if (got == 0)
			break;
		filled += static_cast<std::size_t>(got);
	}
	stamp = stamp_of(state);
	return Secret(text.view().substr(0, filled));
}

} // namespace tenancy::core

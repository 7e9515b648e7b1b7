/*
 * Trusted root certificates as a file, which is all that the client libraries take. Pure regime.
 */
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "core/descriptor.hpp"
#include "core/error.hpp"

namespace tenancy::remote {

/* Where Debian's package ca-certificates keeps the system's. */
inline constexpr const char *system_roots = "/etc/ssl/certs/ca-certificates.crt";

/* PEM text as a file that exists only for this process; without text, no file and an empty path. */
class RootsFile {
public:
	explicit RootsFile(std::string_view pem)
	{
		if (pem.empty())
			return;
		file_ = core::Descriptor(memfd_create("tenancy-roots", MFD_CLOEXEC));
		if (!file_.valid())
			throw failure();
		while (!pem.empty()) {
			ssize_t const written = write(file_.get(), pem.data(), pem.size());
			if (written < 0 && errno == EINTR)
				continue;
			if (written <= 0)
				throw failure();
			pem.remove_prefix(static_cast<std::size_t>(written));
		}
		path_ = "/proc/self/fd/" + std::to_string(file_.get());
	}
	const std::string &path() const noexcept { return path_; }

private:
	static core::Error failure()
	{
		return {core::FailureKind::other, "58030", "could not hold the root certificates in memory"};
	}

	core::Descriptor file_;
	std::string path_;
};

} // namespace tenancy::remote

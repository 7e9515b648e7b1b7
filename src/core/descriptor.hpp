/*
 * A file descriptor that closes itself. Pure regime.
 */
#pragma once

#include <utility>

#include <unistd.h>

namespace tenancy::core {

class Descriptor {
public:
	/* Negative: none, as a call that failed has answered. */
	explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
	Descriptor(const Descriptor &) = delete;
	Descriptor &operator=(const Descriptor &) = delete;
	Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Descriptor &operator=(Descriptor &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	~Descriptor()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	int get() const noexcept { return fd_; }
	bool valid() const noexcept { return fd_ >= 0; }

private:
	int fd_;
};

} // namespace tenancy::core

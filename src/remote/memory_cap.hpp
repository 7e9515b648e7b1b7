/*
 * A bound for what a client library takes of this process's memory. Pure regime.
 */
#pragma once

namespace tenancy::remote {

/*
 * libpq believes the length that a server claims for a message and makes room for all of it, up to 2 GB, before it
 * looks at the clock again; there is nothing to tell it otherwise. The libraries for MySQL keep definitions of columns
 * for as long as they come. So while they read, the kernel gives this process no more than most_growth on top of what
 * it has: they then report that there is no memory, and nothing is taken. One within another changes nothing.
 */
class MemoryCap {
public:
	MemoryCap() noexcept;
	~MemoryCap();
	MemoryCap(const MemoryCap &) = delete;
	MemoryCap &operator=(const MemoryCap &) = delete;

	/* Enough for a row of 128 MB, its double in libpq's buffer, and two copies. */
	static constexpr unsigned long most_growth = 768UL << 20;

private:
	bool set_ = false;
};

} // namespace tenancy::remote

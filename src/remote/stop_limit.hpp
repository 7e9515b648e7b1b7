/*
 * How long statements that are left may take to stop, all together. Pure regime.
 */
#pragma once

#include "core/waiter.hpp"

namespace tenancy::remote {

/*
 * A statement that is left before its end is stopped in a destructor, which a silent server can hold up for a moment.
 * Whoever leaves many, each on another server, waits for them no longer than this is there; what has not stopped by
 * then loses its connection. One within another can only shorten it.
 */
class StopLimit {
public:
	explicit StopLimit(core::Deadline deadline) noexcept : outer_(current_)
	{
		current_ = core::Deadline::earlier(current_, deadline);
	}
	~StopLimit() { current_ = outer_; }
	StopLimit(const StopLimit &) = delete;
	StopLimit &operator=(const StopLimit &) = delete;

	/* The deadline for a statement that may take so long to stop. */
	static core::Deadline after(long ms) { return core::Deadline::earlier(current_, core::Deadline::after(ms)); }

private:
	inline static core::Deadline current_; /* one thread of a backend waits for servers */
	core::Deadline const outer_;
};

} // namespace tenancy::remote

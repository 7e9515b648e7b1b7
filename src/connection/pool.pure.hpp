/*
 * The connections that one backend keeps: least recently used, bound to identity and version. Pure regime.
 */
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/uuid.hpp"
#include "remote/address.hpp"
#include "remote/driver.hpp"

namespace tenancy::connection {

/* Everything that must be equal before a pooled session may serve again. */
struct PoolKey {
	core::Uuid connection;
	core::Uuid owner;
	core::Uuid identity; /* who asks; nil for an admin without identity */
	std::int64_t version = 0;
	std::uint64_t fingerprint = 0;

	bool operator==(const PoolKey &) const = default;
};

struct PoolLimits {
	int per_user = 8;
	int total = 16;
	int idle_seconds = 300;
};

struct Opening;

/* How the process accounts for a descriptor that a client library holds; both must not fail loudly. */
struct Descriptors {
	bool (*reserve)();
	void (*release)();
};

class Pool {
public:
	struct Entry {
		PoolKey key;
		remote::DatabaseType type;
		std::unique_ptr<remote::Session> session;
		bool busy = false;
		std::int64_t uses = 0;
		std::int64_t opened_at = 0, used_at = 0; /* Unix microseconds */
	};

	explicit Pool(Descriptors descriptors) : descriptors_(descriptors) {}
	~Pool() { close_idle(); }
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;

	using Place = std::list<Entry>::iterator;

	/*
	 * Set a session that still lives aside for opening. False when there is none, so that acquiring makes a new one:
	 * whoever asks can give the opening its password only then.
	 */
	bool reserve(Opening &opening, core::Waiter &waiter);
	const std::list<Entry> &entries() const noexcept { return entries_; }
	/* Closes the idle sessions of one identity, or of all; answers how many. */
	int close_idle(const core::Uuid *identity = nullptr) noexcept;

private:
	friend class Lease;

	Place acquire(Opening &opening, core::Waiter &waiter);
	Place open(Opening &opening, core::Waiter &waiter);
	void make_room(const Opening &opening);
	bool is_alive(Entry &entry, core::Waiter &waiter);
	void drop_stale(const Opening &opening) noexcept;
	void give_back(Place entry) noexcept;
	void drop(Place entry) noexcept;

	Descriptors descriptors_;
	std::list<Entry> entries_; /* least recently used first */
};

/* A session that waits for the lease that it was set aside for, and goes back when that does not come. */
class Reserved {
public:
	Reserved() = default;
	~Reserved()
	{
		if (place_)
			(*place_)->busy = false;
	}
	Reserved(const Reserved &) = delete;
	Reserved &operator=(const Reserved &) = delete;

	void set(Pool::Place place) noexcept
	{
		place->busy = true;
		place_ = place;
	}
	std::optional<Pool::Place> take() noexcept { return std::exchange(place_, std::nullopt); }

private:
	std::optional<Pool::Place> place_;
};

/* What is needed to acquire a session: one of the pool, or a target to make it of. */
struct Opening {
	PoolKey key;
	PoolLimits limits;
	remote::NetworkList networks;
	remote::Target target;
	long statement_timeout_ms = 0;
	bool read_only = false;
	Reserved reserved;
};

/* A session in use; goes back to the pool, or is closed when it cannot be used again. */
class Lease {
public:
	Lease(Pool &pool, Opening &opening, core::Waiter &waiter) : pool_(pool), entry_(pool.acquire(opening, waiter)) {}
	~Lease()
	{
		if (discarded_)
			pool_.drop(entry_);
		else
			pool_.give_back(entry_);
	}
	Lease(const Lease &) = delete;
	Lease &operator=(const Lease &) = delete;

	remote::Session &session() const noexcept { return *entry_->session; }
	/* Close the session at the end instead of keeping it. */
	void discard() noexcept { discarded_ = true; }

private:
	Pool &pool_;
	Pool::Place entry_;
	bool discarded_ = false;
};

} // namespace tenancy::connection

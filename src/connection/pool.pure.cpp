/*
 * See pool.pure.hpp. Pure regime.
 */
#include "connection/pool.pure.hpp"

#include <algorithm>
#include <chrono>

#include "core/error.hpp"

namespace tenancy::connection {

namespace {

/* A session that rested longer than this is asked before it is trusted. */
constexpr std::int64_t trusted_rest_us = 5'000'000;
constexpr long ping_ms = 2'000;

std::int64_t
now_us() noexcept
{
	using namespace std::chrono;
	return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/* A descriptor that is given back unless a session came to own it. */
class Reservation {
public:
	explicit Reservation(const Descriptors &descriptors) : descriptors_(descriptors)
	{
		if (!descriptors_.reserve())
			throw core::Error(core::FailureKind::other, "53000", "too many open files in this session");
	}
	~Reservation()
	{
		if (!kept_)
			descriptors_.release();
	}
	Reservation(const Reservation &) = delete;
	Reservation &operator=(const Reservation &) = delete;
	void keep() noexcept { kept_ = true; }

private:
	const Descriptors &descriptors_;
	bool kept_ = false;
};

} // namespace

int
Pool::close_idle(const core::Uuid *identity) noexcept
{
	int closed = 0;
	for (auto entry = entries_.begin(); entry != entries_.end();) {
		auto const next = std::next(entry);
		if (!entry->busy && (identity == nullptr || entry->key.identity == *identity)) {
			drop(entry);
			++closed;
		}
		entry = next;
	}
	return closed;
}

void
Pool::drop(Place entry) noexcept
{
	entries_.erase(entry);
	descriptors_.release();
}

/* Drops sessions that were idle too long, or belong to a version of this connection that is no more. */
void
Pool::drop_stale(const Opening &opening) noexcept
{
	std::int64_t const oldest = now_us() - std::int64_t{opening.limits.idle_seconds} * 1'000'000;
	for (auto entry = entries_.begin(); entry != entries_.end();) {
		auto const next = std::next(entry);
		bool const superseded =
			entry->key.connection == opening.key.connection &&
			(entry->key.version < opening.key.version ||
		     (entry->key.version == opening.key.version && entry->key.fingerprint != opening.key.fingerprint));
		if (!entry->busy && (superseded || entry->used_at < oldest))
			drop(entry);
		entry = next;
	}
}

void
Pool::make_room(const Opening &opening)
{
	auto const of_user = [&](const Entry &entry) { return entry.key.identity == opening.key.identity; };
	auto const full = [&] {
		return std::ssize(entries_) >= opening.limits.total ||
		       std::ranges::count_if(entries_, of_user) >= opening.limits.per_user;
	};
	while (full()) {
		bool const for_user = std::ranges::count_if(entries_, of_user) >= opening.limits.per_user;
		auto const victim = std::ranges::find_if(
			entries_, [&](const Entry &entry) { return !entry.busy && (!for_user || of_user(entry)); });
		if (victim == entries_.end())
			throw core::Error(core::FailureKind::other, "53300", "too many open connections to client databases",
			                  "All of them are in use by open queries of this session.",
			                  "Close cursors, or raise tenancy.max_connections_per_user or tenancy.max_pool_size.");
		drop(victim);
	}
}

Pool::Place
Pool::open(Opening &opening, core::Waiter &waiter)
{
	make_room(opening);
	opening.target.allowed_networks = &opening.networks;
	Reservation reservation(descriptors_);
	auto session = remote::connect(opening.target, waiter);
	entries_.push_back({opening.key, opening.target.type, std::move(session), true, 1, now_us(), now_us()});
	reservation.keep();
	return std::prev(entries_.end());
}

/* A session that an interrupt leaves in the middle of its ping is not reusable(), and is dropped by the next caller. */
bool
Pool::is_alive(Entry &entry, core::Waiter &waiter)
{
	if (!entry.session->reusable())
		return false;
	std::int64_t const rest_us = now_us() - entry.used_at; /* negative: the clock was set back */
	bool const is_trusted = rest_us >= 0 && rest_us <= trusted_rest_us;
	return is_trusted || entry.session->ping(core::Deadline::after(ping_ms), waiter);
}

bool
Pool::reserve(Opening &opening, core::Waiter &waiter)
{
	drop_stale(opening);
	for (;;) {
		auto const idle =
			std::ranges::find_if(entries_, [&](const Entry &entry) { return !entry.busy && entry.key == opening.key; });
		if (idle == entries_.end())
			return false;
		if (is_alive(*idle, waiter)) {
			opening.reserved.set(idle);
			return true;
		}
		drop(idle);
	}
}

Pool::Place
Pool::acquire(Opening &opening, core::Waiter &waiter)
{
	std::optional<Place> const reserved = opening.reserved.take();
	if (!reserved)
		return open(opening, waiter);
	Entry &entry = **reserved;
	++entry.uses;
	entry.used_at = now_us();
	entries_.splice(entries_.end(), entries_, *reserved);
	return *reserved;
}

void
Pool::give_back(Place entry) noexcept
{
	entry->busy = false;
	entry->used_at = now_us();
	if (!entry->session->reusable())
		drop(entry);
}

} // namespace tenancy::connection

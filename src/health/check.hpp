/*
 * One check of one connection: claimed, made and recorded. PG regime.
 */
#pragma once

#include "connection/connection.hpp"

namespace tenancy::health {

/* Connections whose last check took long, whatever it found, and those never checked are kept apart from the others. */
enum class Lane { fast, slow };

struct Check {
	MemoryContext context; /* of what follows; reset for each check */
	bool claimed;
	TimestampTz next; /* when nothing could be claimed: the next to try; 0: none */
	core::Uuid id;
	TimestampTz lease; /* next_check_at as the claim set it; whoever changes the connection changes it too */
	int failures;
	bool unknown; /* the state before */
	Lane lane;
	bool found; /* the connection, which is to be checked */
	connection::Config config;
	/* The result. */
	const char *state; /* up, down, or unknown when it could not be asked */
	const char *code;
	char *message;
	double latency_ms;
	long elapsed_ms;
	bool slow;     /* it took long */
	bool deferred; /* it ran into the time limit of the fast lane: to be made in the slow one, and no result */
};

/*
 * Users whose checks took a while, of late: others come first. So many, as it is one tenant who may have them all, with
 * connections that never answer.
 */
class Served {
public:
	bool has(const core::Uuid &user) const noexcept;
	void add(const core::Uuid &user) noexcept;
	void clear() noexcept { count_ = 0; }
	bool empty() const noexcept { return count_ == 0; }
	Datum array() const; /* uuid[] */

private:
	static constexpr int most = 512;
	core::Uuid users_[most];
	int count_ = 0, next_ = 0;
};

/* The lanes that a worker serves, in this order. */
struct Lanes {
	Lane first;
	bool both;
	const Served *served;
};

/* The steps, each a call of its own: claim, look_up and record in transactions, ask in none and without a lock. */
struct Claim {
	Check *check;
	const Lanes *lanes;
};
void claim(void *claim);
void look_up(void *check);
void ask(void *check);
void record(void *check);

} // namespace tenancy::health

/*
 * The processes that work beside history in each database, as shared memory knows them. PG regime.
 * Member 0 keeps house: it does the chores and has the others started; the others check connections.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::health {

constexpr int max_crews = 64;
constexpr int max_checkers = 16;
constexpr int max_members = 1 + max_checkers;

struct Member {
	pid_t pid; /* 0: none */
	Latch *latch;
	TimestampTz launched; /* when it was last asked for */
	TimestampTz since;    /* when it enlisted */
};

struct Crew {
	Oid database; /* InvalidOid: free */
	Member members[max_members];
	TimestampTz turned_away; /* when no process could be had; 0: never, or one could be had since */
};

/* Have member number of that database run, unless it does or was asked for lately. False: no process can be had. */
bool launch_member(Oid database, int number);

/* Become a member of this database until the process ends; false when the place is taken, or nobody may work. */
bool enlist(Oid database, int number);
/* May this process go on? A command may want the database, or history the process. */
bool may_stay(Oid database);

/* Wake all members of this database. */
void wake_crew(Oid database);

/* A copy of what is known of a database's crew; zero when it has none. */
Crew crew_of(Oid database);

/* The member of a database's crew that a worker process is; the process is started with it as a Datum. */
struct Post {
	Oid database;
	int number;
};
Datum post_datum(Post post);
Post post_of(Datum argument);

} // namespace tenancy::health

/*
 * What the maintenance worker does beside seeing that connections are checked. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::health {

/* Run the chores of this database whose time has come, each in transactions of its own. */
void do_chores(Oid database);
/* Notes the settings that this process has begun with, for is_outdated(). */
void note_settings();
/*
 * Has a setting of the database, or of the role that initdb made, changed, so that this process should end and another
 * begin with it?
 */
bool is_outdated() noexcept;

/* When the next check of each lane is due. look_for_due() is called in a transaction. */
struct Due {
	TimestampTz fast, slow; /* the earliest check of each lane; 0: none */
};
void look_for_due(void *due);

/* The interval became shorter: no check is later than that; in a transaction. */
void draw_near(void *);

} // namespace tenancy::health

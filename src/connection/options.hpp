/*
 * Options of a connection between jsonb and plain text. PG regime, private to connection.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "utils/jsonb.h"
}
#include "connection/connection.hpp"

namespace tenancy::connection {

/* The members of a jsonb object as text, palloc'd; null members are left out. 22023 for anything nested. */
Option *read_options(Jsonb *object, int *count);

/* The same of an argument, nothing of which is kept unseen: 22023 for a null member too, 54000 beyond 512 kB. */
Option *read_given_options(Jsonb *object, int *count);

} // namespace tenancy::connection

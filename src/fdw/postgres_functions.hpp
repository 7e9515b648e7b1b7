/*
 * Which types and functions mean the same on every PostgreSQL server. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::fdw {

/* Is the type built in, with texts and values that do not depend on the server's settings or catalogs? */
bool is_portable_type(Oid type);
/* Do its values also sort alike everywhere, text as its collation says? */
bool has_portable_order(Oid type);
/* Is the function built in and immutable, without types that are not portable? */
bool is_portable_function(Oid function);
/* Does the input of the aggregate decide its result? One that keeps the order of its input needs an ORDER BY. */
bool is_portable_aggregate(Oid function, bool ordered);
bool is_portable_window(Oid function);
/* Does the function or aggregate compare arrays of jsonb? Their order is that of texts under the server's collation. */
bool orders_json(Oid function, List *args);
/* Text is compared by it, or by no function at all, as by ORDER BY: which letters a collation knows does not count. */
bool only_compares(Oid function);
/* Text goes through it byte by byte or character by character, in every deterministic collation alike. */
bool ignores_collation(Oid function);
/* Is its result the same whichever bytes a character has, and whatever a character is? */
bool ignores_encoding(Oid function);
/* Does it make text of what is none, by the encoding of its server? */
bool makes_text(Oid function);
/* Do both the output function of from and the input function of to ignore settings? */
bool has_stable_text(Oid from, Oid to);

} // namespace tenancy::fdw

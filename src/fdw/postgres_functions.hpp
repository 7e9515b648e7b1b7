/*
 * Which types and functions mean the same on every PostgreSQL server. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::fdw {

/* Built in, and its text and its values do not depend on the server's settings or catalogs. */
bool is_portable_type(Oid type);
/* And its values sort alike everywhere, text as its collation says. */
bool has_portable_order(Oid type);
/* Built in, immutable, without types that are not portable. */
bool is_portable_function(Oid function);
/* An aggregate whose result is decided by its input; those that keep its order need an ORDER BY. */
bool is_portable_aggregate(Oid function, bool ordered);
bool is_portable_window(Oid function);
/* Does the function or aggregate compare arrays of jsonb? Their order is that of texts under the server's collation. */
bool orders_json(Oid function, List *args);
/* Text is compared by it, or by no function at all, as by ORDER BY: which letters a collation knows does not count. */
bool only_compares(Oid function);
/* Text goes through it byte by byte or character by character, in every deterministic collation alike. */
bool ignores_collation(Oid function);
/* Its result does not depend on which bytes a character has, nor on what a character is. */
bool ignores_encoding(Oid function);
/* Makes text of what is none, as the encoding of its server says. */
bool makes_text(Oid function);
/* Neither the output of from nor the input of to looks at settings. */
bool has_stable_text(Oid from, Oid to);

} // namespace tenancy::fdw

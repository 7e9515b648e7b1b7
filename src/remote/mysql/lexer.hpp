/*
 * Just enough of MySQL's lexical rules to know what kind of statement a text is. Pure regime.
 * A second line of defence only: what a read-only statement may do is decided by the server's read-only transaction.
 */
#pragma once

#include <string_view>

namespace tenancy::remote::mysql {

enum class StatementKind {
	reads,   /* a query, or a look at the catalog */
	writes,  /* changes rows; leaves the session as it was */
	exports, /* a query that writes a file or a variable on the remote server: SELECT … INTO */
	other    /* anything else, which may also change the session (SET, USE, LOCK, BEGIN, CALL, CREATE TEMPORARY, …) */
};

/*
 * Decided by the first word after blanks, comments and opening parentheses. An executable comment (slash, star,
 * exclamation mark) makes any statement "other". Supposes NO_BACKSLASH_ESCAPES, which the session sets.
 */
StatementKind classify(std::string_view sql) noexcept;

/*
 * Does a query or a change leave something in the session all the same: a lock by name, or a value in a variable? What
 * functions of the database do is not seen.
 */
bool leaves_a_mark(std::string_view sql) noexcept;

/* The first word, as it is written; empty when there is none. For messages. */
std::string_view first_word(std::string_view sql) noexcept;

} // namespace tenancy::remote::mysql

/*
 * SQLite's result codes as SQLSTATEs. What goes wrong in a statement's text has one code, SQLITE_ERROR, so there
 * the message decides; its wording has been stable for twenty years. Pure regime.
 */
#include "remote/sqlite/error.hpp"

#include <string>
#include <string_view>

#include "remote/message.hpp"

namespace tenancy::remote::sqlite {

namespace {

using core::Error;
using core::FailureKind;

struct Mapping {
	int code;
	const char *sqlstate;
	FailureKind kind;
};

/* Extended codes come first: the primary code of one is its low byte. */
constexpr Mapping code_table[] = {
	{SQLITE_CONSTRAINT_UNIQUE, "23505", FailureKind::query},
	{SQLITE_CONSTRAINT_PRIMARYKEY, "23505", FailureKind::query},
	{SQLITE_CONSTRAINT_ROWID, "23505", FailureKind::query},
	{SQLITE_CONSTRAINT_NOTNULL, "23502", FailureKind::query},
	{SQLITE_CONSTRAINT_FOREIGNKEY, "23503", FailureKind::query},
	{SQLITE_CONSTRAINT_CHECK, "23514", FailureKind::query},
	{SQLITE_CONSTRAINT_TRIGGER, "P0001", FailureKind::query},
	{SQLITE_CONSTRAINT_DATATYPE, "42804", FailureKind::query},
	{SQLITE_CONSTRAINT, "23000", FailureKind::query},
	{SQLITE_AUTH, "42501", FailureKind::denied},
	{SQLITE_PERM, "42501", FailureKind::denied},
	{SQLITE_READONLY, "25006", FailureKind::query},
	{SQLITE_BUSY, "55P03", FailureKind::timeout},
	{SQLITE_LOCKED, "55P03", FailureKind::timeout},
	{SQLITE_PROTOCOL, "55P03", FailureKind::timeout},
	{SQLITE_INTERRUPT, "57014", FailureKind::cancelled},
	{SQLITE_CORRUPT, "XX001", FailureKind::database},
	{SQLITE_NOTADB, "XX001", FailureKind::database},
	{SQLITE_CANTOPEN, "58030", FailureKind::database},
	{SQLITE_IOERR, "58030", FailureKind::query},
	{SQLITE_FULL, "53100", FailureKind::query},
	{SQLITE_NOMEM, "53200", FailureKind::query},
	{SQLITE_TOOBIG, "54000", FailureKind::query},
	{SQLITE_MISMATCH, "42804", FailureKind::query},
	{SQLITE_RANGE, "42P02", FailureKind::query},
	{SQLITE_SCHEMA, "40001", FailureKind::query},
};

struct Phrase {
	std::string_view text;
	const char *sqlstate;
};

constexpr Phrase phrase_table[] = {
	{"in a column of type ", "22P02"}, /* of typed.cpp and exact.cpp, as the next three */
	{"out of range", "22003"},
	{"contains a zero byte", "22021"},
	{"is not valid UTF-8", "22021"},
	{"syntax error", "42601"},
	{"incomplete input", "42601"},
	{"unrecognized token", "42601"},
	{"no such table", "42P01"},
	{"no such view", "42P01"},
	{"no such column", "42703"},
	{"has no column named", "42703"},
	{"ambiguous column name", "42702"},
	{"duplicate column name", "42701"},
	{"no such function", "42883"},
	{"wrong number of arguments", "42883"},
	{"already exists", "42P07"},
	{"already another table or index", "42P07"},
	{"no such ", "42704"},      /* index, trigger, module, collation sequence, … */
	{"unsafe use of", "42501"}, /* of a function, in the schema */
	{"misuse of ", "42803"},
	{"foreign key mismatch", "42830"},
	{"integer overflow", "22003"},
	{"malformed JSON", "22032"},
	{"JSON path error", "2203F"},
	{"may not be modified", "42809"},
	{"cannot modify", "42809"},
	{"too many ", "54000"},
	{"is too deep", "54001"},
	{"too large", "54000"},
	{"too complex", "54001"},
	{"values for", "42601"},  /* 2 values for 3 columns */
	{"values were", "42601"}, /* table t has 2 columns but 1 values were supplied */
	{"do not have the same number of result columns", "42601"},
};

const Mapping *
find_code(int code) noexcept
{
	for (int const wanted : {code, code & 0xff})
		for (const Mapping &mapping : code_table)
			if (mapping.code == wanted)
				return &mapping;
	return nullptr;
}

const char *
sqlstate_of_message(std::string_view message) noexcept
{
	for (const Phrase &phrase : phrase_table)
		if (message.find(phrase.text) != std::string_view::npos)
			return phrase.sqlstate;
	return "42000";
}

std::string
position_of(sqlite3 *database)
{
#if SQLITE_VERSION_NUMBER >= 3038000
	if (int const offset = sqlite3_error_offset(database); offset >= 0)
		return "At byte " + std::to_string(offset + 1) + " of the statement.";
#else
	(void) database;
#endif
	return {};
}

} // namespace

Error
error_of(sqlite3 *database, int code)
{
	/* It may quote bytes of the statement, of the file, and of values. */
	std::string const message = clean(database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database));
	if (const Mapping *const mapping = find_code(code); mapping != nullptr)
		return Error(mapping->kind, mapping->sqlstate, message);
	return Error(FailureKind::query, sqlstate_of_message(message), message,
	             database == nullptr ? std::string() : position_of(database));
}

} // namespace tenancy::remote::sqlite

/*
 * The allow-lists of SQLite statements. A later SQLite may bring actions, functions and pragmas that do not exist
 * yet: they are refused until somebody has put them here. Pure regime.
 */
#include "remote/sqlite/authorizer.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>

namespace tenancy::remote::sqlite {

namespace {

using core::Error;
using core::FailureKind;

enum class Access : unsigned char { read, change, define, transaction, function, pragma, module };

struct Action {
	int code;
	Access access;
	const char *name;
};

/*
 * ATTACH and DETACH are missing, as they open other files (VACUUM needs ATTACH, and VACUUM INTO writes where it likes),
 * and so are TEMP objects, which would outlive their statement in a pooled session.
 */
constexpr Action action_table[] = {
	{SQLITE_SELECT, Access::read, "SELECT"},
	{SQLITE_READ, Access::read, "SELECT"},
	{SQLITE_RECURSIVE, Access::read, "SELECT"},
	{SQLITE_FUNCTION, Access::function, "function"},
	{SQLITE_PRAGMA, Access::pragma, "PRAGMA"},
	{SQLITE_INSERT, Access::change, "INSERT"},
	{SQLITE_UPDATE, Access::change, "UPDATE"},
	{SQLITE_DELETE, Access::change, "DELETE"},
	{SQLITE_CREATE_TABLE, Access::define, "CREATE TABLE"},
	{SQLITE_CREATE_INDEX, Access::define, "CREATE INDEX"},
	{SQLITE_CREATE_VIEW, Access::define, "CREATE VIEW"},
	{SQLITE_CREATE_TRIGGER, Access::define, "CREATE TRIGGER"},
	{SQLITE_CREATE_VTABLE, Access::module, "module"},
	{SQLITE_DROP_TABLE, Access::define, "DROP TABLE"},
	{SQLITE_DROP_INDEX, Access::define, "DROP INDEX"},
	{SQLITE_DROP_VIEW, Access::define, "DROP VIEW"},
	{SQLITE_DROP_TRIGGER, Access::define, "DROP TRIGGER"},
	{SQLITE_DROP_VTABLE, Access::define, "DROP TABLE"},
	{SQLITE_ALTER_TABLE, Access::define, "ALTER TABLE"},
	{SQLITE_ANALYZE, Access::define, "ANALYZE"},
	{SQLITE_REINDEX, Access::define, "REINDEX"},
	{SQLITE_TRANSACTION, Access::transaction, "transaction"},
	{SQLITE_SAVEPOINT, Access::transaction, "savepoint"},
};

/* Names of what is refused, for messages only. */
constexpr Action refused_table[] = {
	{SQLITE_ATTACH, Access::define, "ATTACH or VACUUM"},
	{SQLITE_DETACH, Access::define, "DETACH"},
	{SQLITE_CREATE_TEMP_TABLE, Access::define, "CREATE TEMP TABLE"},
	{SQLITE_CREATE_TEMP_INDEX, Access::define, "CREATE TEMP INDEX"},
	{SQLITE_CREATE_TEMP_VIEW, Access::define, "CREATE TEMP VIEW"},
	{SQLITE_CREATE_TEMP_TRIGGER, Access::define, "CREATE TEMP TRIGGER"},
};

/*
 * Sorted. Not here, for a reason: load_extension, fts3_tokenizer (hands out and takes pointers), sqlite_log (writes to
 * the server's log), fts5 and rtree's internals. sqlite_rename_… and sqlite_drop_column are the parts of ALTER
 * TABLE, which SQLite itself keeps from everybody else.
 */
constexpr std::string_view function_table[] = {
	"->",
	"->>",
	"abs",
	"acos",
	"acosh",
	"asin",
	"asinh",
	"atan",
	"atan2",
	"atanh",
	"avg",
	"bm25",
	"ceil",
	"ceiling",
	"changes",
	"char",
	"coalesce",
	"concat",
	"concat_ws",
	"cos",
	"cosh",
	"count",
	"cume_dist",
	"current_date",
	"current_time",
	"current_timestamp",
	"date",
	"datetime",
	"degrees",
	"dense_rank",
	"exp",
	"first_value",
	"floor",
	"format",
	"glob",
	"group_concat",
	"hex",
	"highlight",
	"if",
	"ifnull",
	"iif",
	"instr",
	"json",
	"json_array",
	"json_array_length",
	"json_each",
	"json_error_position",
	"json_extract",
	"json_group_array",
	"json_group_object",
	"json_insert",
	"json_object",
	"json_pretty",
	"json_quote",
	"json_remove",
	"json_replace",
	"json_set",
	"json_tree",
	"json_type",
	"json_valid",
	"jsonb",
	"jsonb_array",
	"jsonb_extract",
	"jsonb_group_array",
	"jsonb_group_object",
	"jsonb_insert",
	"jsonb_object",
	"jsonb_remove",
	"jsonb_replace",
	"jsonb_set",
	"julianday",
	"lag",
	"last_insert_rowid",
	"last_value",
	"lead",
	"length",
	"like",
	"likelihood",
	"likely",
	"ln",
	"log",
	"log10",
	"log2",
	"lower",
	"ltrim",
	"match",
	"max",
	"median",
	"min",
	"mod",
	"nth_value",
	"ntile",
	"nullif",
	"octet_length",
	"percent_rank",
	"percentile",
	"percentile_cont",
	"percentile_disc",
	"pi",
	"pow",
	"power",
	"printf",
	"quote",
	"radians",
	"random",
	"randomblob",
	"rank",
	"replace",
	"round",
	"row_number",
	"rtrim",
	"sign",
	"sin",
	"sinh",
	"soundex",
	"sqlite_drop_column",
	"sqlite_rename_column",
	"sqlite_rename_quotefix",
	"sqlite_rename_table",
	"sqlite_rename_test",
	"sqlite_source_id",
	"sqlite_version",
	"sqrt",
	"strftime",
	"string_agg",
	"substr",
	"substring",
	"subtype",
	"sum",
	"tan",
	"tanh",
	"tenancy_avg",
	"tenancy_avg_real",
	"tenancy_blob",
	"tenancy_bool",
	"tenancy_float8",
	"tenancy_int",
	"tenancy_int2",
	"tenancy_int4",
	"tenancy_int8",
	"tenancy_is_date",
	"tenancy_is_timestamp",
	"tenancy_num",
	"tenancy_real",
	"tenancy_sum",
	"tenancy_sum_number",
	"tenancy_sum_order",
	"tenancy_sum_real",
	"tenancy_text",
	"time",
	"timediff",
	"total",
	"total_changes",
	"trim",
	"trunc",
	"typeof",
	"unhex",
	"unicode",
	"unistr",
	"unistr_quote",
	"unixepoch",
	"unlikely",
	"upper",
	"zeroblob",
};
static_assert(std::is_sorted(std::begin(function_table), std::end(function_table)));

/* Sorted. What these take as an argument is a name; the others only tell when they are given none. */
constexpr std::string_view pragma_with_name_table[] = {
	"foreign_key_check", "foreign_key_list", "index_info", "index_list",
	"index_xinfo",       "table_info",       "table_list", "table_xinfo",
};
static_assert(std::is_sorted(std::begin(pragma_with_name_table), std::end(pragma_with_name_table)));

/* Sorted. Without database_list, which tells where on the server the file is. */
constexpr std::string_view pragma_table[] = {
	"application_id", "auto_vacuum",  "collation_list", "compile_options", "data_version",
	"encoding",       "foreign_keys", "freelist_count", "function_list",   "journal_mode",
	"page_count",     "page_size",    "schema_version", "user_version",
};
static_assert(std::is_sorted(std::begin(pragma_table), std::end(pragma_table)));

constexpr std::string_view module_table[] = {"fts5", "fts5vocab", "rtree", "rtree_i32"};

/* Pragmas and modules come as the user wrote them, in any case. */
template <std::size_t Size>
bool
listed(const std::string_view (&table)[Size], const char *name) noexcept
{
	char lower[64];
	std::size_t size = 0;
	if (name == nullptr)
		return false;
	for (; name[size] != 0; ++size) {
		if (size == sizeof lower)
			return false;
		lower[size] = name[size] >= 'A' && name[size] <= 'Z' ? static_cast<char>(name[size] - 'A' + 'a') : name[size];
	}
	return std::binary_search(std::begin(table), std::end(table), std::string_view(lower, size));
}

bool
equal(const char *text, std::string_view other) noexcept
{
	return text != nullptr && other == text;
}

/*
 * Using a table-valued function for the first time asks for this, though nothing is written. Who really means to
 * UPDATE sqlite_master is told by SQLite that it may not be modified.
 */
bool
declares_module(int code, const char *table) noexcept
{
	return code == SQLITE_UPDATE && equal(table, "sqlite_master");
}

template <std::size_t Size>
const Action *
find_action(const Action (&table)[Size], int code) noexcept
{
	for (const Action &action : table)
		if (action.code == code)
			return &action;
	return nullptr;
}

} // namespace

void
Authorizer::install(sqlite3 *database) noexcept
{
	sqlite3_set_authorizer(database, called, this);
}

Authorizer::Verdict
Authorizer::judge(int code, const char *first, const char *second, const char *schema) const noexcept
{
	const Action *const action = find_action(action_table, code);
	if (action == nullptr)
		return Verdict::denied;
	Verdict const write = read_only_ ? Verdict::read_only : Verdict::allowed;
	bool known = true;
	switch (action->access) {
	case Access::read: return Verdict::allowed;
	case Access::change: return declares_module(code, first) ? Verdict::allowed : write;
	case Access::define: return equal(schema, "temp") ? Verdict::denied : write;
	case Access::transaction: return own_step_ ? Verdict::allowed : Verdict::transaction;
	/* One in temp would hide a table of the database from whoever has the session next. */
	case Access::module: return listed(module_table, second) && !equal(schema, "temp") ? write : Verdict::denied;
	case Access::function: known = listed(function_table, second); break;
	case Access::pragma:
		known = listed(pragma_with_name_table, first) || (second == nullptr && listed(pragma_table, first));
		break;
	}
	return known ? Verdict::allowed : Verdict::denied;
}

/* Called by SQLite for every single thing that a statement would do. */
int
Authorizer::called(void *self, int action, const char *first, const char *second, const char *schema,
                   const char *) noexcept
{
	auto &authorizer = *static_cast<Authorizer *>(self);
	Verdict const verdict = authorizer.judge(action, first, second, schema);
	if (verdict == Verdict::allowed)
		return SQLITE_OK;
	if (!authorizer.refused()) {
		bool const by_first = action == SQLITE_PRAGMA;
		bool const by_second = action == SQLITE_FUNCTION || action == SQLITE_CREATE_VTABLE;
		const char *const name = by_first ? first : by_second ? second : nullptr;
		authorizer.verdict_ = verdict;
		authorizer.action_ = action;
		std::snprintf(authorizer.name_, sizeof authorizer.name_, "%s", name != nullptr ? name : "");
	}
	return SQLITE_DENY;
}

Error
Authorizer::error() const
{
	const Action *action = find_action(action_table, action_);
	if (action == nullptr)
		action = find_action(refused_table, action_);
	std::string what = action != nullptr ? action->name : "SQLite action " + std::to_string(action_);
	if (name_[0] != 0)
		what.append(" ").append(name_);
	switch (verdict_) {
	case Verdict::transaction:
		return Error(FailureKind::query, "0A000", "explicit transactions are not supported",
		             "Each statement is a transaction of its own.");
	case Verdict::read_only:
		return Error(FailureKind::query, "25006", "cannot execute " + what + " on a read-only connection");
	case Verdict::denied:
	case Verdict::allowed: break;
	}
	return Error(FailureKind::denied, "42501", "permission denied for " + what);
}

} // namespace tenancy::remote::sqlite

/*
 * Functions that do more than answer: wait, lock, write, signal, read files, or run the text that they are given.
 * Pure regime. The read-only transaction and the rights of the connection's user stop most of them; none is needed.
 */
#include "ask/check.pure.hpp"

#include <algorithm>
#include <iterator>

namespace tenancy::ask {

namespace {

using remote::DatabaseType;

/* All that begin so: PostgreSQL's own are about the server, never about the tables' rows. */
constexpr std::string_view postgres_prefixes[] = {"pg_",           "lo_",       "dblink",      "binary_upgrade_",
                                                  "postgres_fdw_", "brin_",     "gin_",        "tenancy_",
                                                  "heap_force_",   "bt_index_", "autoprewarm_"};
constexpr std::string_view postgres_suffixes[] = {"_to_xml", "_to_xmlschema", "_to_xml_and_xmlschema"};
constexpr std::string_view postgres_names[] = {"connectby",       "crosstab",   "crosstab2", "crosstab3",  "crosstab4",
                                               "current_setting", "currval",    "lastval",   "loread",     "lowrite",
                                               "nextval",         "set_config", "setval",    "ts_rewrite", "ts_stat",
                                               "txid_current",    "xpath_table"};

constexpr std::string_view mysql_prefixes[] = {
	"sys_",           "lib_mysqludf",      "wait_for_executed",
	"wait_until_sql", "group_replication", "asynchronous_connection_failover_",
	"service_",       "version_tokens_",   "keyring_",
	"gen_",           "audit_log_"};
constexpr std::string_view mysql_names[] = {
	"benchmark",       "get_lock", "is_free_lock",      "is_used_lock",
	"last_insert_id",  "lastval",  "load_file",         "master_gtid_wait",
	"master_pos_wait", "nextval",  "release_all_locks", "release_lock",
	"setval",          "sleep",    "source_pos_wait",   "wsrep_sync_wait_upto_gtid",
};

constexpr std::string_view sqlite_prefixes[] = {"fts3_", "fts5_", "pragma_", "rtree", "sqlite_"};
constexpr std::string_view sqlite_names[] = {"edit",       "load_extension", "readfile",
                                             "randomblob", "writefile",      "zeroblob"};

bool
contains(const auto &list, std::string_view name) noexcept
{
	return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool
has_prefix(const auto &list, std::string_view name) noexcept
{
	return std::any_of(std::begin(list), std::end(list), [&](std::string_view item) { return name.starts_with(item); });
}

} // namespace

bool
has_effects(DatabaseType engine, std::string_view function) noexcept
{
	switch (engine) {
	case DatabaseType::postgresql:
		return has_prefix(postgres_prefixes, function) || contains(postgres_names, function) ||
		       std::any_of(std::begin(postgres_suffixes), std::end(postgres_suffixes),
		                   [&](std::string_view suffix) { return function.ends_with(suffix); });
	case DatabaseType::mysql: return has_prefix(mysql_prefixes, function) || contains(mysql_names, function);
	case DatabaseType::sqlite: return has_prefix(sqlite_prefixes, function) || contains(sqlite_names, function);
	}
	return true;
}

} // namespace tenancy::ask

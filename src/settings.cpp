/*
 * Every setting of the extension, alphabetical in each group. PG regime.
 */
#include "settings.hpp"

#include <climits>

namespace tenancy::settings {

char *allowed_networks;
int audit_retention;
int cache_entry_size;
int cache_size;
int cache_size_per_user;
bool catalog_values;
int connect_timeout;
char *databases;
bool enable_pushdown;
int health_interval;
int health_workers;
int history_durability;
int history_queue_size;
bool history_required;
int history_retention;
int identity_scope;
char *key_command;
char *key_file;
char *llm_api_key_file;
char *llm_ca_file;
char *llm_endpoint;
int llm_max_questions;
int llm_max_response;
char *llm_model;
int llm_retries;
bool llm_send_samples;
int llm_timeout;
int llm_token_budget;
int lockout_duration;
int lockout_threshold;
int max_attached_tables_per_user;
int max_attachments_per_user;
int max_connections_per_user;
int max_pool_size;
int max_query_bytes;
int max_registrations_per_hour;
int max_result_bytes;
int max_result_rows;
int max_running_queries_per_user;
int max_sessions_per_user;
int max_stored_connections_per_user;
int password_cost;
int pool_idle_timeout;
int schema_max_age;
int session_lifetime;
char *sqlite_root;
int statement_timeout;

namespace {

const config_enum_entry durabilities[] = {{"async", static_cast<int>(HistoryDurability::async), false},
                                          {"finished", static_cast<int>(HistoryDurability::finished), false},
                                          {"started", static_cast<int>(HistoryDurability::started), false},
                                          {nullptr, 0, false}};
const config_enum_entry scopes[] = {{"transaction", static_cast<int>(IdentityScope::transaction), false},
                                    {"session", static_cast<int>(IdentityScope::session), false},
                                    {nullptr, 0, false}};

void
integer(const char *name, const char *what, int *variable, int value, int least, int most, int flags = 0,
        GucContext context = PGC_SUSET)
{
	DefineCustomIntVariable(name, what, nullptr, variable, value, least, most, context, flags, nullptr, nullptr,
	                        nullptr);
}

void
string(const char *name, const char *what, char **variable, const char *value, GucContext context, int flags = 0)
{
	DefineCustomStringVariable(name, what, nullptr, variable, value, context, flags, nullptr, nullptr, nullptr);
}

void
choice(const char *name, const char *what, int *variable, int value, const config_enum_entry *entries)
{
	DefineCustomEnumVariable(name, what, nullptr, variable, value, entries, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

/* Defines the settings of the query cache. */
void
define_cache()
{
	integer("tenancy.cache_entry_size", "Largest answer that the query cache keeps.", &cache_entry_size, 4 * 1024, 0,
	        512 * 1024, GUC_UNIT_KB);
	integer("tenancy.cache_size", "Shared memory of the query cache; 0 is no cache.", &cache_size, 64 * 1024, 0,
	        4 * 1024 * 1024, GUC_UNIT_KB, PGC_POSTMASTER);
	integer("tenancy.cache_size_per_user", "Most of the query cache that answers of one user take.",
	        &cache_size_per_user, 16 * 1024, 0, 4 * 1024 * 1024, GUC_UNIT_KB);
}

/* Defines those of client databases. */
void
define_clients()
{
	string("tenancy.allowed_networks", "Networks that client databases may be in although they are not public.",
	       &allowed_networks, "", PGC_SIGHUP, GUC_LIST_INPUT);
	DefineCustomBoolVariable("tenancy.catalog_values",
	                         "Keep the distinct values of small text columns with the schema of a client database.",
	                         nullptr, &catalog_values, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	integer("tenancy.connect_timeout", "Longest time to establish a connection to a client database.", &connect_timeout,
	        10'000, 100, 600'000, GUC_UNIT_MS);
	DefineCustomBoolVariable(
		"tenancy.enable_pushdown",
		"Let client databases do what they do exactly as PostgreSQL would, instead of sending all rows.", nullptr,
		&enable_pushdown, true, PGC_USERSET, GUC_EXPLAIN, nullptr, nullptr, nullptr);
	integer("tenancy.pool_idle_timeout", "How long an unused connection to a client database is kept.",
	        &pool_idle_timeout, 300, 0, 86'400, GUC_UNIT_S);
	integer("tenancy.schema_max_age",
	        "Age from which the cached schema of a client database is detected again; 0: it never expires by its age.",
	        &schema_max_age, 3600, 0, INT_MAX, GUC_UNIT_S, PGC_USERSET);
	string("tenancy.sqlite_root", "Directory below which each user's SQLite files lie.", &sqlite_root, "", PGC_SIGHUP,
	       GUC_SUPERUSER_ONLY);
	integer("tenancy.statement_timeout", "Longest run of one statement on a client database; 0 is no limit.",
	        &statement_timeout, 60'000, 0, INT_MAX, GUC_UNIT_MS);
}

/* Defines those of history and of what works beside it. */
void
define_history()
{
	integer("tenancy.audit_retention", "How long rows of the audit log are kept; 0 keeps them.", &audit_retention, 0, 0,
	        INT_MAX, GUC_UNIT_S);
	string("tenancy.databases", "Databases whose history worker starts with the server.", &databases, "",
	       PGC_POSTMASTER, GUC_LIST_INPUT);
	integer("tenancy.health_interval", "How often active connections are checked; 0 never checks.", &health_interval,
	        60, 0, 86'400, GUC_UNIT_S, PGC_SIGHUP);
	integer("tenancy.health_workers", "Most processes of a database that check connections; 0 never checks.",
	        &health_workers, 2, 0, 16, 0, PGC_SIGHUP);
	choice("tenancy.history_durability", "What of a query must be committed to history, and when.", &history_durability,
	       static_cast<int>(HistoryDurability::finished), durabilities);
	integer("tenancy.history_queue_size", "Most shared memory for runs that history has not yet written.",
	        &history_queue_size, 64 * 1024, 1024, 4 * 1024 * 1024, GUC_UNIT_KB, PGC_POSTMASTER);
	DefineCustomBoolVariable("tenancy.history_required", "Refuse queries that history cannot record.", nullptr,
	                         &history_required, true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	integer("tenancy.history_retention", "How long rows of the history are kept; 0 keeps them.", &history_retention, 0,
	        0, INT_MAX, GUC_UNIT_S);
}

/* Defines those of users, their logins and their secrets. */
void
define_identity()
{
	choice("tenancy.identity_scope", "How long an identity lives: the transaction that set it, or the session.",
	       &identity_scope, static_cast<int>(IdentityScope::transaction), scopes);
	string("tenancy.key_command", "Command that prints the key ring of credentials.", &key_command, "", PGC_SIGHUP,
	       GUC_SUPERUSER_ONLY);
	string("tenancy.key_file", "File that holds the key ring of credentials.", &key_file, "", PGC_SIGHUP,
	       GUC_SUPERUSER_ONLY);
	integer("tenancy.lockout_duration", "How long an account stays locked after too many failed logins.",
	        &lockout_duration, 900, 1, 86'400, GUC_UNIT_S, PGC_SIGHUP);
	integer("tenancy.lockout_threshold", "Failed logins in a row that lock an account; 0 never locks.",
	        &lockout_threshold, 5, 0, 1000, 0, PGC_SIGHUP);
	integer("tenancy.password_cost", "Cost of password hashes: log2 of scrypt's N.", &password_cost, 15, 10, 20, 0,
	        PGC_SIGHUP);
	integer("tenancy.session_lifetime", "How long a login is valid.", &session_lifetime, 86'400, 1, 31'536'000,
	        GUC_UNIT_S);
}

/* Defines those of the language model that translates questions. */
void
define_llm()
{
	string("tenancy.llm_api_key_file", "File that holds the API key of the language model.", &llm_api_key_file, "",
	       PGC_SUSET, GUC_SUPERUSER_ONLY);
	string("tenancy.llm_ca_file",
	       "File with the root certificates that the endpoint of the language model is verified with.", &llm_ca_file,
	       "", PGC_SUSET, GUC_SUPERUSER_ONLY);
	string("tenancy.llm_endpoint",
	       "URL of a language model that translates questions; empty for the built-in translator.", &llm_endpoint, "",
	       PGC_SUSET, GUC_SUPERUSER_ONLY);
	integer("tenancy.llm_max_questions", "Most questions of one user to the language model in a minute; 0 is no limit.",
	        &llm_max_questions, 30, 0, 1'000'000);
	integer("tenancy.llm_max_response", "Longest answer of the language model's endpoint.", &llm_max_response, 256, 1,
	        64 * 1024, GUC_UNIT_KB);
	string("tenancy.llm_model", "Name of the language model, as its endpoint knows it.", &llm_model, "", PGC_SUSET);
	integer("tenancy.llm_retries", "How often the language model may correct a statement that was not taken.",
	        &llm_retries, 2, 0, 10);
	DefineCustomBoolVariable("tenancy.llm_send_samples",
	                         "Tell the language model the known values of small text columns.", nullptr,
	                         &llm_send_samples, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	integer("tenancy.llm_timeout", "Longest time that the language model has for one question, corrections included.",
	        &llm_timeout, 60'000, 100, 3'600'000, GUC_UNIT_MS);
	integer("tenancy.llm_token_budget",
	        "Most tokens, of about four bytes, of a schema that the language model is told.", &llm_token_budget, 4000,
	        100, 1'000'000);
}

/* Defines the limits of what one user may have. */
void
define_limits()
{
	integer("tenancy.max_attached_tables_per_user",
	        "Most foreign tables that the attached schemas of one user may have together; 0 is no limit.",
	        &max_attached_tables_per_user, 10'000, 0, INT_MAX);
	integer("tenancy.max_attachments_per_user", "Most schemas that one user may have attached; 0 is no limit.",
	        &max_attachments_per_user, 100, 0, INT_MAX);
	integer("tenancy.max_connections_per_user", "Most connections of one user that one session keeps.",
	        &max_connections_per_user, 8, 1, 1000);
	integer("tenancy.max_pool_size", "Most connections to client databases that one session keeps.", &max_pool_size, 16,
	        1, 1000);
	integer("tenancy.max_query_bytes", "Most bytes of values in one result of tenancy.query; 0 is no limit.",
	        &max_query_bytes, 1024 * 1024, 0, INT_MAX, GUC_UNIT_KB);
	integer("tenancy.max_registrations_per_hour",
	        "Most accounts that others than administrators register in an hour; 0 is no limit.",
	        &max_registrations_per_hour, 1000, 0, INT_MAX);
	integer("tenancy.max_result_bytes", "Most bytes of rows, as JSON, in one result of execute_query.", &max_result_bytes,
	        64 * 1024, 1, 512 * 1024, GUC_UNIT_KB);
	integer("tenancy.max_result_rows", "Most rows in one result of execute_query.", &max_result_rows, 10'000, 1,
	        INT_MAX);
	integer(
		"tenancy.max_running_queries_per_user",
		"Most queries of one user that run at the same time, in all sessions; each sixteen runs of foreign tables in "
		"a session are one. 0 is no limit.",
		&max_running_queries_per_user, 16, 0, 1'000'000);
	integer("tenancy.max_sessions_per_user",
	        "Most logins that one user may have; the oldest ends when there is one more. 0 is no limit.",
	        &max_sessions_per_user, 100, 0, INT_MAX);
	integer("tenancy.max_stored_connections_per_user",
	        "Most client databases that one user may have registered; 0 is no limit.", &max_stored_connections_per_user,
	        1000, 0, INT_MAX);
}

} // namespace

void
define()
{
	define_cache();
	define_clients();
	define_history();
	define_identity();
	define_limits();
	define_llm();
}

} // namespace tenancy::settings

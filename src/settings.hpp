/*
 * Every setting of the extension, alphabetical; docs/settings.md describes each. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::settings {

enum class HistoryDurability : int { async, finished, started };
enum class IdentityScope : int { transaction, session };

extern char *allowed_networks;  /* CIDR list */
extern int audit_retention;     /* s; 0: for good */
extern int cache_entry_size;    /* kB of one cached answer */
extern int cache_size;          /* kB of shared memory; 0: no cache */
extern int cache_size_per_user; /* kB */
extern bool catalog_values;
extern int connect_timeout; /* ms */
extern char *databases;     /* databases whose worker starts with the server */
extern bool enable_pushdown;
extern int health_interval;    /* s; 0: no checks */
extern int health_workers;     /* processes of a database; 0: no checks */
extern int history_durability; /* HistoryDurability */
extern int history_queue_size; /* kB of shared memory */
extern bool history_required;
extern int history_retention; /* s; 0: for good */
extern int identity_scope;    /* IdentityScope */
extern char *key_command;
extern char *key_file;
extern char *llm_api_key_file;
extern char *llm_ca_file;
extern char *llm_endpoint;    /* URL; empty: the built-in translator */
extern int llm_max_questions; /* of one user in a minute; 0: no limit */
extern int llm_max_response;  /* kB */
extern char *llm_model;
extern int llm_retries;
extern bool llm_send_samples;
extern int llm_timeout; /* ms */
extern int llm_token_budget;
extern int lockout_duration;             /* s */
extern int lockout_threshold;            /* failed attempts; 0: never */
extern int max_attached_tables_per_user; /* of all attachments; 0: no limit */
extern int max_attachments_per_user;     /* 0: no limit */
extern int max_connections_per_user;     /* pooled sessions of one user in one backend */
extern int max_pool_size;                /* pooled sessions of one backend */
extern int max_query_bytes;              /* kB of one answer of tenancy.query; 0: no limit */
extern int max_registrations_per_hour;   /* by others than administrators; 0: no limit */
extern int max_result_bytes;             /* kB */
extern int max_result_rows;
extern int max_running_queries_per_user;    /* in all backends; 0: no limit */
extern int max_sessions_per_user;           /* logins; 0: no limit */
extern int max_stored_connections_per_user; /* 0: no limit */
extern int password_cost;                   /* log2 of scrypt's N */
extern int pool_idle_timeout;               /* s */
extern int schema_max_age;                  /* s; 0: it never expires by its age */
extern int session_lifetime;                /* s */
extern char *sqlite_root;
extern int statement_timeout; /* ms */

/* Define all of them; called once, while the server starts. tenancy.session belongs to identity. */
void define();

} // namespace tenancy::settings

/*
 * Loading: settings, shared memory and hooks of each feature, in order. PG regime.
 */
#include "ask/ask.hpp"
#include "bridge/abort.hpp"
#include "bridge/function.hpp"
#include "fdw/fdw.hpp"
#include "health/health.hpp"
#include "history/history.hpp"
#include "identity/identity.hpp"
#include "query/query.hpp"
#include "removal.hpp"
#include "settings.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "pg_tenancy", .version = TENANCY_VERSION);
#else
PG_MODULE_MAGIC;
#endif
PGDLLEXPORT void _PG_init(void);
}

namespace tenancy {

namespace {

shmem_request_hook_type next_shmem_request = nullptr;
shmem_startup_hook_type next_shmem_startup = nullptr;

void
request_shared_memory()
{
	if (next_shmem_request != nullptr)
		next_shmem_request();
	identity::request_shared_memory();
	history::request_shared_memory();
	health::request_shared_memory();
	query::request_shared_memory();
	ask::request_shared_memory();
}

void
start_shared_memory()
{
	if (next_shmem_startup != nullptr)
		next_shmem_startup();
	identity::start_shared_memory();
	history::start_shared_memory();
	health::start_shared_memory();
	query::start_shared_memory();
	ask::start_shared_memory();
}

} // namespace

/* tenancy.assert_preloaded() → void: the first function that CREATE EXTENSION makes and calls; see _PG_init(). */
TENANCY_FUNCTION(assert_preloaded)
{
	PG_RETURN_VOID();
}

} // namespace tenancy

void
_PG_init(void)
{
	using namespace tenancy;
	/*
	 * Without preloading there are no settings, no shared memory and no hooks. An error keeps the server from calling
	 * any function of the library, as it calls none of one that could not be loaded.
	 */
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
		        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		         errmsg("pg_tenancy must be loaded via \"shared_preload_libraries\""),
		         errhint("Add pg_tenancy to \"shared_preload_libraries\" in postgresql.conf and restart the server.")));
	settings::define();
	bridge::count_transactions();
	identity::initialize();
	history::initialize();
	query::initialize();
	health::initialize();
	fdw::initialize();
	watch_removal();
	MarkGUCPrefixReserved("tenancy");
	next_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
	next_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = start_shared_memory;
}

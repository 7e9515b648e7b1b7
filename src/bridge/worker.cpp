/*
 * See worker.hpp. PG regime.
 */
#include "bridge/worker.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bridge/extension.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "postmaster/interrupt.h"
#include "utils/snapmgr.h"
}

namespace tenancy::bridge {

namespace {

constexpr int complaint_ms = 60'000;
constexpr uint64 ns_per_ms = 1'000'000;

/* sched_setattr(2), whose struct only new C libraries declare. */
struct Schedule {
	uint32 size, policy;
	uint64 flags;
	int32 nice;
	uint32 priority;
	uint64 runtime, deadline, period;
};

void
request_shutdown(int signal)
{
	QueryCancelPending = true;
	InterruptPending = true;
	SignalHandlerForShutdownRequest(signal);
}

} // namespace

void
handle_signals()
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, request_shutdown);
	BackgroundWorkerUnblockSignals();
}

void
describe_worker(BackgroundWorker &worker, const char *name, const char *function, int restart)
{
	memset(&worker, 0, sizeof worker);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = restart;
	strlcpy(worker.bgw_library_name, "pg_tenancy", sizeof worker.bgw_library_name);
	strlcpy(worker.bgw_function_name, function, sizeof worker.bgw_function_name);
	strlcpy(worker.bgw_name, name, sizeof worker.bgw_name);
	strlcpy(worker.bgw_type, name, sizeof worker.bgw_type);
}

void
let_others_go_first(uint32 slice_ms)
{
	int32 const nice = getpriority(PRIO_PROCESS, 0);
	Schedule const schedule = {sizeof schedule, SCHED_BATCH, 0, nice, 0, slice_ms * ns_per_ms, 0, 0};
	(void) syscall(SYS_sched_setattr, 0, &schedule, 0);
}

void
pin_settings()
{
	static constexpr const char *settings[][2] = {{"role", "none"},
	                                              {"exit_on_error", "off"},
	                                              {"search_path", "pg_catalog, pg_temp"},
	                                              {"session_replication_role", "origin"},
	                                              {"row_security", "on"},
	                                              {"default_transaction_isolation", "read committed"},
	                                              {"default_transaction_read_only", "off"},
	                                              {"statement_timeout", "0"},
	                                              {"lock_timeout", "3s"},
	                                              {"idle_in_transaction_session_timeout", "0"},
	                                              {"plan_cache_mode", "force_generic_plan"},
	                                              {"enable_seqscan", "off"},
	                                              {"jit", "off"},
	                                              {"work_mem", "64MB"}};
	for (auto const &setting : settings)
		SetConfigOption(setting[0], setting[1], PGC_SUSET, PGC_S_OVERRIDE);
#ifdef USE_LZ4
	/* lz4 is many times as fast, and the workers write many texts. */
	SetConfigOption("default_toast_compression", "lz4", PGC_SUSET, PGC_S_OVERRIDE);
#endif
	/* This setting of 17 and later would end the process, not only the transaction. */
	if (GetConfigOption("transaction_timeout", true, false) != nullptr)
		SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
}

bool
run_in_transaction(void (*fn)(void *), void *arg, ErrorData **error)
{
	MemoryContext const context = CurrentMemoryContext;
	volatile bool done = false;
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (OidIsValid(MyDatabaseId))
			hold_extension();
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		PushActiveSnapshot(GetTransactionSnapshot());
		fn(arg);
		PopActiveSnapshot();
		SPI_finish();
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	pgstat_report_activity(STATE_IDLE, nullptr);
	MemoryContextSwitchTo(context);
	return done;
}

bool
run_alone(void (*fn)(void *), void *arg, ErrorData **error)
{
	MemoryContext const context = CurrentMemoryContext;
	volatile bool done = false;
	PG_TRY();
	{
		fn(arg);
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
}

bool
extension_exists(const char *who)
{
	ErrorData *error = nullptr;
	if (run_in_transaction([](void *) {}, nullptr, &error))
		return true;
	bool const is_gone = error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
	if (!is_gone && error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		complain(who, "could not look for the extension", error);
	FreeErrorData(error);
	return !is_gone;
}

void
complain(const char *who, const char *what, const ErrorData *error)
{
	struct Complaint {
		const char *what;
		int sqlstate;
		TimestampTz when;
	};
	static Complaint made[8] = {};
	TimestampTz const now = GetCurrentTimestamp();
	Complaint *place = &made[0];
	for (Complaint &complaint : made) {
		if (complaint.what == what && complaint.sqlstate == error->sqlerrcode) {
			place = &complaint;
			break;
		}
		if (complaint.when < place->when)
			place = &complaint;
	}
	if (place->what == what && place->sqlstate == error->sqlerrcode &&
	    !TimestampDifferenceExceeds(place->when, now, complaint_ms))
		return;
	*place = {what, error->sqlerrcode, now};
	say([=] {
		ereport(LOG, (errcode(error->sqlerrcode), errmsg("%s: %s: %s", who, what, error->message),
		              error->detail != nullptr ? errdetail_internal("%s", error->detail) : 0,
		              error->hint != nullptr ? errhint("%s", error->hint) : 0));
	});
}

void
serve_interrupts()
{
	MemoryContext const context = CurrentMemoryContext;
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	if (ConfigReloadPending) {
		ConfigReloadPending = 0;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

bool
rest(long timeout)
{
	bool const woken =
		(WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout, PG_WAIT_EXTENSION) &
	     WL_LATCH_SET) != 0;
	if (woken)
		ResetLatch(MyLatch);
	serve_interrupts();
	return woken;
}

} // namespace tenancy::bridge

/*
 * Scans that run at the same time below one Append. PG regime.
 *
 * A scan sends its statement and lets the Append wait for the first sign of the answer; the rest of the answer it then
 * reads as every scan does, while the other servers go on working. Two scans of one connection follow each other.
 */
#include "fdw/fdw.hpp"
#include "fdw/relation.hpp"
#include "fdw/scan.hpp"

extern "C" {
#include "executor/execAsync.h"
#include "storage/latch.h"
}

namespace tenancy::fdw {

namespace {

Scan *
scan_of(const AsyncRequest *request)
{
	return fdw::scan_of(reinterpret_cast<ForeignScanState *>(request->requestee));
}

bool
is_capable(ForeignPath *path)
{
	const ForeignRelation *const relation = relation_of(path->path.parent);
	return relation != nullptr && relation->options.async_capable;
}

/* Start, unless a scan of the same Append reads from the connection: it goes on by itself, and ends. */
void
start_or_queue(AsyncRequest *request)
{
	Scan *const scan = scan_of(request);
	Scan *const reader = reader_of(scan->activity);
	scan->requestor = request->requestor;
	if (reader != nullptr && reader != scan && reader->requestor == request->requestor) {
		scan->progress = Progress::queued;
		return;
	}
	start_scan(scan, true);
	if (scan->progress == Progress::waiting && socket_of(scan->channel) < 0)
		scan->progress = Progress::reading;
}

/* A row, or NULL at the end; waits for what is not there yet. */
void
answer(AsyncRequest *request)
{
	request->callback_pending = false;
	ExecAsyncRequestDone(request, request->requestee->ExecProcNodeReal(request->requestee));
}

void
request_row(AsyncRequest *request)
{
	Scan *const scan = scan_of(request);
	if (scan->progress == Progress::idle || scan->progress == Progress::queued) {
		check_again(scan->activity);
		start_or_queue(request);
	}
	if (can_answer(scan))
		answer(request);
	else
		ExecAsyncRequestPending(request);
}

/* Since the request somebody else may have needed the connection, and had the answer read or abandoned. */
void
configure_wait(AsyncRequest *request)
{
	Scan *const scan = scan_of(request);
	if (scan->progress == Progress::queued)
		start_or_queue(request);
	if (can_answer(scan)) {
		answer(request);
		ExecAsyncResponse(request);
	} else if (scan->progress == Progress::waiting) {
		auto *const append = reinterpret_cast<AppendState *>(request->requestor);
		AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE, socket_of(scan->channel), nullptr, request);
	}
}

} // namespace

void
set_async_callbacks(FdwRoutine *routine)
{
	routine->IsForeignPathAsyncCapable = is_capable;
	routine->ForeignAsyncRequest = request_row;
	routine->ForeignAsyncConfigureWait = configure_wait;
	routine->ForeignAsyncNotify = answer;
}

} // namespace tenancy::fdw

/*
 * Remote transactions end with the local one, and subtransactions with theirs. PG regime; what happens at an abort
 * neither raises nor waits for long.
 */
#include "fdw/channels.hpp"

#include "bridge/abort.hpp"
#include "bridge/owned.hpp"
#include "bridge/wait.hpp"
#include "remote/stop_limit.hpp"

extern "C" {
#include "access/xact.h"
}

namespace tenancy::fdw {

namespace {

class OwnedStatement final : public Statement {
public:
	~OwnedStatement()
	{
		if (!is_open())
			return;
		remote::StopLimit const limit(bridge::end_of_abort());
		close();
	}
};

/*
 * Commit those that only read first: when one of them fails, nothing has happened yet. Several that wrote commit one
 * after the other; there is no promise that all of them do.
 */
void
commit_channels()
{
	for (bool const writers : {false, true})
		for (Channel *channel = channels; channel != nullptr; channel = channel->next) {
			Line *const line = channel->line;
			if (line == nullptr || line->has_written() != writers)
				continue;
			core::Deadline const deadline = core::Deadline::after(channel->timeout_ms);
			bridge::enter([&] { line->commit(deadline, bridge::waiter()); });
		}
}

void
abort_channels() noexcept
{
	core::Deadline const deadline = bridge::end_of_abort();
	remote::StopLimit const limit(deadline);
	for (Channel *channel = channels; channel != nullptr; channel = channel->next)
		if (channel->line != nullptr)
			channel->line->abort(deadline);
}

/* Sessions go back to the pool; the channels themselves go with the transaction's memory. */
void
release_channels() noexcept
{
	for (Channel *channel = channels; channel != nullptr; channel = channel->next) {
		delete channel->line;
		channel->line = nullptr;
		if (channel->writes)
			query::end_write(channel->place);
	}
	channels = nullptr;
}

void
at_transaction(XactEvent event, void *)
{
	if (channels == nullptr)
		return;
	switch (event) {
	case XACT_EVENT_PRE_COMMIT: commit_channels(); break;
	case XACT_EVENT_PRE_PREPARE:
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("cannot PREPARE a transaction that has operated on foreign tables of tenant_fdw")));
		break;
	case XACT_EVENT_COMMIT: release_channels(); break;
	case XACT_EVENT_ABORT:
		abort_channels();
		release_channels();
		break;
	default: break;
	}
}

void
at_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *)
{
	if (channels == nullptr || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	int const level = GetCurrentTransactionNestLevel();
	core::Deadline const deadline = bridge::end_of_abort();
	remote::StopLimit const limit(deadline);
	for (Channel *channel = channels; channel != nullptr; channel = channel->next) {
		if (channel->line == nullptr)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			channel->line->subcommit(level);
		else
			channel->line->subabort(level, deadline);
	}
}

} // namespace

Statement *
make_statement(MemoryContext context)
{
	return bridge::owned<OwnedStatement>(context);
}

void
initialize_channels()
{
	RegisterXactCallback(at_transaction, nullptr);
	RegisterSubXactCallback(at_subtransaction, nullptr);
}

} // namespace tenancy::fdw

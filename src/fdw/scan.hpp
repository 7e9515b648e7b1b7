/*
 * The state of a foreign scan. PG regime, private to the files that execute scans.
 */
#pragma once

#include "bridge/cell.hpp"
#include "fdw/channel.hpp"
#include "fdw/plan.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/execnodes.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"
}

namespace tenancy::fdw {

enum class Progress : uint8 {
	idle,    /* nothing has been asked of the remote server, or all of it is to be asked again */
	queued,  /* asynchronous: waits until a sibling has read its answer to the end */
	waiting, /* asynchronous: the statement is on its way, nothing is known of the answer */
	reading, /* rows come from the statement's batch */
	stored,  /* rows come from the tuplestore */
	broken,  /* putting rows aside failed, for somebody else's statement: some are gone, and so is the run */
	done
};

struct Scan {
	Holder holder; /* first: the channel knows the scan by it */
	Activity activity;
	ScanPlan plan;
	ForeignScanState *node;
	MemoryContext memory; /* of the scan */
	ResourceOwner owner;  /* of the query */
	int level;            /* of the transaction that the query began in */
	Channel *channel;     /* of the current transaction, once the scan has started */
	Statement *statement; /* NULL until then */
	bool need_known;
	Need need;

	/* Each remote column: where it goes and how. */
	int width;
	AttrNumber *attributes;
	bridge::Converter *converters;
	int column;        /* whose value is being converted, for errors; -1: none is */
	int row_level;     /* of the transaction that asked for the row that is being converted */
	bool error_passed; /* while that goes on: it may have been caught */

	List *argument_states; /* ExprState * */
	Oid *argument_types;
	remote::ParamView *arguments;
	MemoryContext argument_memory;

	Progress progress;
	const PlanState *requestor; /* of an asynchronous scan: the node that asks several at once */
	bool matched;               /* the converters know the columns of this execution */
	int batches;                /* read so far */
	std::size_t next;           /* row of the batch */
	std::size_t rows;           /* in the batch */
	Tuplestorestate *store;
	bool store_is_whole; /* from the first row on */
	TupleTableSlot *store_slot;
};

inline Scan *
scan_of(ForeignScanState *node)
{
	return static_cast<Scan *>(node->fdw_state);
}

/* The next row of the batch into slot; by-reference values in CurrentMemoryContext. */
void convert_row(Scan *scan, TupleTableSlot *slot);
/* Ask the remote server; with deferred only send the question, if the driver can. */
void start_scan(Scan *scan, bool deferred);
/* The scan that reads from the activity's connection at this moment, or NULL. */
Scan *reader_of(const Activity &activity);
/* Can the next row be had without waiting for the socket first? */
inline bool
can_answer(const Scan *scan)
{
	return scan->progress != Progress::queued && scan->progress != Progress::waiting;
}

/* The Need of a scan that starts for the first time. */
Need need_of_scan(const ForeignScanState *node, const Activity &activity);
/* Has the statement one scan of the activity's connection at most, and that runs once? */
bool reads_once(const PlannedStmt *statement, Oid server, const Activity &activity);

} // namespace tenancy::fdw

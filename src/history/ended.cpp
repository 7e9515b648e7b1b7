/*
 * See ended.hpp. PG regime.
 */
#include "history/ended.hpp"

#include <string_view>

#include "history/history.hpp"

#include "bridge/datum.hpp"

extern "C" {
#include "executor/spi.h"
}

namespace tenancy::history {

namespace {

/* The columns of running_queries that query_history takes over, in its order; NULL where it has one of its own. */
constexpr const char *names[attribute_count] = {"id",
                                                "user_id",
                                                "database_connection_id",
                                                "natural_language_query",
                                                "generated_sql_query",
                                                "execution_time_ms",
                                                "row_count",
                                                "status",
                                                "error_message",
                                                "result_hash",
                                                nullptr,
                                                nullptr,
                                                "source",
                                                "connection_name",
                                                "error_code",
                                                "result_bytes",
                                                "truncated",
                                                "cached",
                                                "started_at",
                                                "finished_at",
                                                "application_name",
                                                "client_addr",
                                                "role_name",
                                                "backend_pid",
                                                nullptr,
                                                nullptr};

/* Where the columns are. */
struct Layout {
	TupleDesc description;
	int numbers[attribute_count]; /* 0: not in running_queries */
	int transaction;
};

Layout
layout_of(TupleDesc description)
{
	auto const number_of = [&](const char *name) { return bridge::column_of(description, "running_queries", name); };
	Layout layout = {description, {}, number_of("transaction_id")};
	for (int i = 0; i < attribute_count; ++i)
		if (names[i] != nullptr)
			layout.numbers[i] = number_of(names[i]);
	return layout;
}

/* The text of a column that is not null. */
std::string_view
word_of(Datum value)
{
	text *const word = DatumGetTextPP(value);
	return {VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word)};
}

bool
has_ended(TupleTableSlot *slot, int status)
{
	bool is_null;
	return word_of(slot_getattr(slot, status, &is_null)) != name_of(Status::running);
}

void
set_default(Entry &entry, Attribute attribute, Datum value)
{
	if (entry.nulls[attribute])
		entry.set(attribute, value);
}

core::Uuid
take_uuid(Entry &entry, Attribute attribute)
{
	core::Uuid const uuid = entry.nulls[attribute] ? core::Uuid{} : bridge::uuid_value(entry.values[attribute]);
	entry.nulls[attribute] = true;
	return uuid;
}

/* The tuple is kept: what is no plain number lies in it. */
void
read(HeapTuple tuple, const Layout &layout, Ended &run)
{
	Entry &entry = run.entry;
	for (int i = 0; i < attribute_count; ++i) {
		int const number = layout.numbers[i];
		entry.nulls[i] = true;
		entry.values[i] =
			number == 0 ? static_cast<Datum>(0) : SPI_getbinval(tuple, layout.description, number, &entry.nulls[i]);
	}
	run.transaction.value = SPI_getbinval(tuple, layout.description, layout.transaction, &run.transaction.isnull);
	run.id = bridge::uuid_value(entry.values[attribute_id]);
	run.user = take_uuid(entry, attribute_user);
	run.connection = take_uuid(entry, attribute_connection);
	Datum const now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	for (Attribute const attribute : {attribute_created, attribute_updated, attribute_finished})
		set_default(entry, attribute, now);
	for (Attribute const attribute : {attribute_truncated, attribute_cached})
		set_default(entry, attribute, BoolGetDatum(false));
	run.connected = !DatumGetBool(entry.values[attribute_cached]) &&
	                word_of(entry.values[attribute_status]) == name_of(Status::success);
}

} // namespace

EndedRuns
read_ended(const TriggerData &trigger)
{
	Layout const layout = layout_of(RelationGetDescr(trigger.tg_relation));
	EndedRuns runs = {nullptr, 0};
	bridge::for_each_new_row(trigger, [&](TupleTableSlot *slot) {
		if (!has_ended(slot, layout.numbers[attribute_status]))
			return;
		if (runs.first == nullptr)
			runs.first = static_cast<Ended *>(MemoryContextAllocHuge(
				CurrentMemoryContext, sizeof(Ended) * static_cast<Size>(tuplestore_tuple_count(trigger.tg_newtable))));
		read(ExecCopySlotHeapTuple(slot), layout, runs.first[runs.count++]);
	});
	return runs;
}

} // namespace tenancy::history

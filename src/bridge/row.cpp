/*
 * See row.hpp. PG regime.
 */
#include "bridge/row.hpp"

#include "bridge/extension.hpp"
#include "bridge/param.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

namespace tenancy::bridge {

namespace {

constexpr int max_keys = 2;

/* The index by its name, which is looked for under the lock of its table: REINDEX CONCURRENTLY hands names on. */
Relation
open_index(Relation table, const char *name)
{
	Oid const found = get_relname_relid(name, RelationGetNamespace(table));
	if (!OidIsValid(found))
		elog(ERROR, "there is no index \"%s\"", name);
	Relation const index = index_open(found, AccessShareLock);
	if (index->rd_index->indrelid != RelationGetRelid(table))
		elog(ERROR, "\"%s\" is an index of another table", name);
	return index;
}

struct Cell {
	Datum value;
	Oid type;
	bool is_null;
};

Cell
get(const Row &row, const char *column)
{
	TupleDesc const columns = row.slot->tts_tupleDescriptor;
	int const number = SPI_fnumber(columns, column);
	if (number <= 0)
		elog(ERROR, "there is no column \"%s\"", column);
	Cell cell{};
	cell.type = TupleDescAttr(columns, number - 1)->atttypid;
	cell.value = slot_getattr(row.slot, number, &cell.is_null);
	return cell;
}

} // namespace

Row
open_row(const char *table, const char *index, std::initializer_list<RowKey> keys)
{
	Row row{};
	row.buffers = pgBufferUsage;
	Oid const relation = get_relname_relid(table, get_namespace_oid("tenancy", true));
	row.table = OidIsValid(relation) ? try_table_open(relation, AccessShareLock) : nullptr;
	/* Whatever has these names after the extension has gone is somebody else's. */
	if (row.table == nullptr || !has_extension())
		return row;
	row.index = open_index(row.table, index);
	row.slot = table_slot_create(row.table, nullptr);
	row.pushed = spi::push_latest();

	ScanKeyData scan_keys[max_keys];
	Assert(keys.size() <= max_keys);
	int count = 0;
	for (auto const &[equal, value] : keys) {
		ScanKeyEntryInitialize(&scan_keys[count], 0, static_cast<AttrNumber>(count + 1), BTEqualStrategyNumber,
		                       InvalidOid, row.index->rd_indcollation[count], equal, value);
		++count;
	}
	row.scan = compat::begin_index_scan(row.table, row.index, GetActiveSnapshot(), count);
	index_rescan(row.scan, scan_keys, count, nullptr, 0);
	row.found = index_getnext_slot(row.scan, ForwardScanDirection, row.slot);
	return row;
}

void
close_row(Row &row)
{
	if (row.scan != nullptr) {
		index_endscan(row.scan);
		ExecDropSingleTupleTableSlot(row.slot);
		index_close(row.index, AccessShareLock);
	}
	if (row.pushed)
		PopActiveSnapshot();
	if (row.table != nullptr)
		table_close(row.table, AccessShareLock);
	pgBufferUsage = row.buffers;
}

bool
is_null(const Row &row, const char *column)
{
	return get(row, column).is_null;
}

Datum
value_of(const Row &row, const char *column)
{
	Cell const cell = get(row, column);
	if (cell.is_null)
		elog(ERROR, "column \"%s\" is null", column);
	return cell.value;
}

char *
text_of(const Row &row, const char *column)
{
	Cell const cell = get(row, column);
	return cell.is_null ? nullptr : output_text(cell.type, cell.value);
}

} // namespace tenancy::bridge

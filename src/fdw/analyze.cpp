/*
 * ANALYZE: a sample that the remote server draws, thinned here to what is wanted. PG regime.
 */
#include "fdw/fdw.hpp"

#include "bridge/cell.hpp"
#include "bridge/param.hpp"
#include "fdw/channel.hpp"
#include "fdw/render.hpp"

extern "C" {
#include "catalog/pg_attribute.h"
#include "commands/vacuum.h"
#include "optimizer/plancat.h"
#include "utils/rel.h"
#include "utils/sampling.h"
#include "utils/syscache.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

/* A remote sample has as many rows as it likes: enough for a full one here, most of the time. */
constexpr double surplus = 1.25;
/* Leaving out less than this saves nothing. */
constexpr double whole = 0.8;
constexpr int fetch_rows = 1000;

/* One foreign table while it is analyzed. */
struct Sampling {
	const Table *table;
	Renderer *renderer;
	Activity activity;
	char kind; /* relkind of a PostgreSQL server, 0 when it is not known */
};

bool
keeps_statistics(Oid relation, AttrNumber number)
{
	HeapTuple const tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(number));
	if (!HeapTupleIsValid(tuple))
		return false;
	bool is_null;
	Datum const target = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &is_null);
	bool const keeps = is_null || static_cast<int16>(target) != 0;
	ReleaseSysCache(tuple);
	return keeps;
}

bool
has_statistics(const Table &table)
{
	for (int i = 0; i < table.width; ++i)
		if (is_remote(table.columns[i]) && keeps_statistics(table.relation, static_cast<AttrNumber>(i + 1)))
			return true;
	return false;
}

Sampling *
open_sampling(const Table *table)
{
	auto *const sampling = static_cast<Sampling *>(palloc0(sizeof(Sampling)));
	DatabaseType const type = connection::type_of(table->options.connection);
	sampling->table = table;
	sampling->renderer = make_renderer(type);
	Renderer &renderer = *sampling->renderer;
	renderer.out = makeStringInfo();
	renderer.relids = bms_make_singleton(1);
	renderer.sources = static_cast<Source *>(palloc(sizeof(Source)));
	renderer.sources[0] = {1, table};
	renderer.source_count = 1;
	begin(sampling->activity, table->server, type);
	return sampling;
}

void
print_from(const Sampling &sampling)
{
	appendStringInfoString(sampling.renderer->out, " FROM ");
	sampling.renderer->relation(*sampling.table);
	if (sampling.table->query != nullptr)
		appendStringInfoString(sampling.renderer->out, " r1");
}

Statement *
start_statement(Sampling &sampling, const char *sql, remote::ParamList params)
{
	report(sampling.activity, sql);
	Channel *const channel = channel_for(sampling.activity, Need::statement);
	Statement *const statement = make_statement(CurrentMemoryContext);
	remote::RunOptions options;
	options.fetch_rows = fetch_rows;
	options.native = true;
	options.repeatable = true;
	start(channel, sampling.activity, statement, converting(), sql, params, options);
	return statement;
}

/* The numbers in the first row of an answer; false when there is no row, or the first is null. */
bool
ask_numbers(Sampling &sampling, const char *sql, remote::ParamList params, double *numbers, int count)
{
	Statement *const statement = start_statement(sampling, sql, params);
	bool known = fetch(sampling.activity, statement, count) && statement->batch().rows() > 0;
	for (int i = 0; known && i < count; ++i) {
		bridge::Converter converter = bridge::make_converter(FLOAT8OID, -1);
		bridge::match(converter, statement->columns()[static_cast<size_t>(i)]);
		bool is_null;
		Datum const number = bridge::cell_datum(converter, statement->batch().row(0)[i], &is_null);
		known = !is_null;
		numbers[i] = is_null ? 0 : DatumGetFloat8(number);
	}
	stop(statement);
	end(sampling.activity);
	return known;
}

/* What the remote catalog says of the table's rows; negative when it says nothing. */
double
ask_catalog(Sampling &sampling)
{
	const char *sql;
	switch (sampling.renderer->type()) {
	case DatabaseType::postgresql:
		sql = "SELECT c.reltuples::pg_catalog.float8, pg_catalog.ascii(c.relkind::pg_catalog.text)::pg_catalog.float8"
			  " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
			  " WHERE n.nspname = $1 AND c.relname = $2";
		break;
	case DatabaseType::mysql:
		sql = "SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = coalesce(?, database())"
			  " AND TABLE_NAME = ?";
		break;
	default: return -1;
	}
	if (sampling.table->query != nullptr)
		return -1;
	remote::ParamView names[2];
	const char *const texts[] = {sampling.table->schema_name, sampling.table->table_name};
	for (int i = 0; i < 2; ++i)
		if (texts[i] != nullptr) {
			names[i].kind = remote::Param::Kind::text;
			names[i].text = bridge::utf8(texts[i]);
		}
	bool const postgres = sampling.renderer->type() == DatabaseType::postgresql;
	double numbers[2] = {-1, 0};
	if (!ask_numbers(sampling, sql, {names, 2}, numbers, postgres ? 2 : 1))
		return -1;
	sampling.kind = static_cast<char>(numbers[1]);
	return numbers[0];
}

/* How many rows there are, roughly. Zero may also mean that nobody has looked yet. */
double
ask_rows(Sampling &sampling)
{
	double rows = ask_catalog(sampling);
	if (rows > 0)
		return rows;
	StringInfo const out = sampling.renderer->out;
	resetStringInfo(out);
	appendStringInfoString(out, "SELECT count(*)");
	print_from(sampling);
	if (!ask_numbers(sampling, out->data, {}, &rows, 1))
		rows = 0;
	return rows;
}

/* The columns, in order; then each row with that probability. */
const char *
sample_statement(const Sampling &sampling, TupleDesc descriptor, double ratio)
{
	Renderer &renderer = *sampling.renderer;
	StringInfo const out = renderer.out;
	resetStringInfo(out);
	appendStringInfoString(out, "SELECT ");
	const char *separator = "";
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute const attribute = TupleDescAttr(descriptor, i);
		if (!is_remote(sampling.table->columns[i]))
			continue;
		appendStringInfoString(out, separator);
		separator = ", ";
		Var *const var =
			makeVar(1, attribute->attnum, attribute->atttypid, attribute->atttypmod, attribute->attcollation, 0);
		if (!renderer.output(reinterpret_cast<Node *>(var)))
			elog(ERROR, "column \"%s\" cannot be read", NameStr(attribute->attname));
	}
	if (separator[0] == 0)
		appendStringInfoChar(out, '1');
	print_from(sampling);
	if (ratio >= whole)
		return out->data;
	bool const table = sampling.kind == RELKIND_RELATION || sampling.kind == RELKIND_MATVIEW ||
	                   sampling.kind == RELKIND_PARTITIONED_TABLE;
	switch (renderer.type()) {
	case DatabaseType::postgresql:
		appendStringInfo(out, table ? " TABLESAMPLE BERNOULLI (%.9f)" : " WHERE pg_catalog.random() < %.11f",
		                 table ? ratio * 100 : ratio);
		break;
	case DatabaseType::mysql: appendStringInfo(out, " WHERE rand() < %.11f", ratio); break;
	case DatabaseType::sqlite:
		/* 53 of its 64 random bits */
		appendStringInfo(out, " WHERE (random() & 9007199254740991) < %.0f", ratio * 9007199254740992.0);
		break;
	}
	return out->data;
}

/* Rows that arrive, and the places of those that stay. */
struct Reservoir {
	HeapTuple *rows;
	int wanted, kept;
	double seen, skip;
	ReservoirStateData state;
};

/* Where the next row goes, or -1 when it is passed over. */
int
place_for_next(Reservoir &reservoir)
{
	reservoir.seen += 1;
	if (reservoir.kept < reservoir.wanted)
		return reservoir.kept++;
	if (reservoir.skip < 0)
		reservoir.skip = reservoir_get_next_S(&reservoir.state, reservoir.seen - 1, reservoir.wanted);
	if ((reservoir.skip -= 1) >= 0)
		return -1;
	int const place = Min(static_cast<int>(reservoir.wanted * sampler_random_fract(&reservoir.state.randstate)),
	                      reservoir.wanted - 1);
	heap_freetuple(reservoir.rows[place]);
	return place;
}

/* The attribute that each remote column is. */
struct Shape {
	TupleDesc descriptor;
	const Column *columns; /* [attno - 1], and so on */
	bridge::Converter *converters;
	Datum *values;
	bool *nulls;
};

HeapTuple
make_row(const Shape &shape, const remote::Cell *cells, MemoryContext row_memory)
{
	MemoryContext const outer = MemoryContextSwitchTo(row_memory);
	int column = 0;
	for (int i = 0; i < shape.descriptor->natts; ++i) {
		shape.nulls[i] = true;
		if (is_remote(shape.columns[i]))
			shape.values[i] = bridge::cell_datum(shape.converters[i], cells[column++], &shape.nulls[i]);
	}
	MemoryContextSwitchTo(outer);
	HeapTuple const row = heap_form_tuple(shape.descriptor, shape.values, shape.nulls);
	MemoryContextReset(row_memory);
	return row;
}

void
match_columns(const Shape &shape, const Statement &statement)
{
	size_t column = 0;
	for (int i = 0; i < shape.descriptor->natts; ++i)
		if (is_remote(shape.columns[i]))
			bridge::match(shape.converters[i], statement.columns()[column++]);
}

void
draw(Sampling &sampling, TupleDesc descriptor, const char *sql, Reservoir &reservoir)
{
	MemoryContext const row_memory =
		AllocSetContextCreate(CurrentMemoryContext, "tenant_fdw sample", ALLOCSET_DEFAULT_SIZES);
	auto const natts = static_cast<Size>(Max(descriptor->natts, 1));
	Shape const shape = {descriptor, sampling.table->columns, bridge::make_converters(descriptor),
	                     static_cast<Datum *>(palloc0(natts * sizeof(Datum))),
	                     static_cast<bool *>(palloc(natts * sizeof(bool)))};
	int width = 0;
	for (int i = 0; i < descriptor->natts; ++i)
		width += is_remote(shape.columns[i]) ? 1 : 0;
	Statement *const statement = start_statement(sampling, sql, {});
	bool matched = false;
	while (fetch(sampling.activity, statement, width)) {
		if (!matched)
			match_columns(shape, *statement);
		matched = true;
		const remote::Batch &batch = statement->batch();
		for (size_t i = 0; i < batch.rows(); ++i) {
			int const place = place_for_next(reservoir);
			if (place >= 0)
				reservoir.rows[place] = make_row(shape, batch.row(i), row_memory);
		}
		CHECK_FOR_INTERRUPTS();
	}
	stop(statement);
	end(sampling.activity);
	MemoryContextDelete(row_memory);
}

int
acquire_sample(Relation relation, int level, HeapTuple *rows, int wanted, double *total, double *total_dead)
{
	Sampling *const sampling = open_sampling(load_table(RelationGetRelid(relation)));
	double const there = ask_rows(*sampling);
	double const ratio = there > 0 ? Min(1.0, wanted * surplus / there) : 1.0;
	Reservoir reservoir{};
	reservoir.rows = rows;
	reservoir.wanted = wanted;
	reservoir.skip = -1;
	reservoir_init_selection_state(&reservoir.state, wanted);
	draw(*sampling, RelationGetDescr(relation), sample_statement(*sampling, RelationGetDescr(relation), ratio),
	     reservoir);
	*total = ratio >= whole ? reservoir.seen : reservoir.seen / ratio;
	*total_dead = 0;
	ereport(level, (errmsg("\"%s\": the client database sent %.0f rows of about %.0f; %d of them are the sample",
	                       RelationGetRelationName(relation), reservoir.seen, *total, reservoir.kept)));
	return reservoir.kept;
}

/* Where no column keeps statistics there is nothing to ask for. */
bool
analyze_foreign_table(Relation relation, AcquireSampleRowsFunc *acquire, BlockNumber *pages)
{
	const Table *const table = load_table(RelationGetRelid(relation));
	if (!has_statistics(*table))
		return false;
	Sampling *const sampling = open_sampling(table);
	double const width = get_relation_data_width(RelationGetRelid(relation), nullptr) + SizeofHeapTupleHeader;
	*pages = static_cast<BlockNumber>(Min(ask_rows(*sampling) * width / BLCKSZ + 1, 1e9));
	*acquire = acquire_sample;
	return true;
}

} // namespace

void
set_analyze_callbacks(FdwRoutine *routine)
{
	routine->AnalyzeForeignTable = analyze_foreign_table;
}

} // namespace tenancy::fdw

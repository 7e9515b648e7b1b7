/*
 * What paths cost: by local statistics, or by what the remote server's own planner says (use_remote_estimate).
 * PG regime.
 */
#include <cmath>

#include "fdw/relation.hpp"

#include "fdw/channel.hpp"

extern "C" {
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
}

namespace tenancy::fdw {

namespace {

/*
 * A warm prepared lookup costs the time of about a hundred rows of a scan. Rows that only a scan of the remote table
 * finds cost it one comparison each.
 */
constexpr Cost lookup_cost = 3.0;
constexpr double remote_row_cost = 0.0025;
constexpr double sort_cost_per_comparison = 0.002;

/* The number behind word in a line of EXPLAIN; false when it is not there. */
bool
number_after(const char *line, const char *word, double *number)
{
	const char *const at = strstr(line, word);
	if (at == nullptr)
		return false;
	char *end;
	*number = strtod(at + strlen(word), &end);
	return end != at + strlen(word) && std::isfinite(*number) && *number >= 0;
}

/* PostgreSQL's first line says it all: "Seq Scan on t  (cost=0.00..18.50 rows=850 width=36)". */
bool
read_estimate(const remote::Batch &batch, double *rows, Cost *total)
{
	if (batch.rows() == 0 || batch.row(0)[0].kind != remote::CellKind::text)
		return false;
	const char *const line = batch.row(0)[0].data;
	return number_after(line, "..", total) && number_after(line, " rows=", rows);
}

} // namespace

bool
ask_remote_planner(PlannerInfo *root, ForeignRelation *relation)
{
	if (relation->type != remote::DatabaseType::postgresql)
		return false;
	Renderer *const renderer = renderer_for(root, relation);
	appendStringInfoString(renderer->out, "EXPLAIN SELECT 1");
	/* The values of parameters are not known yet; without them there is nothing to ask. */
	if (!print_from_where(*renderer, relation, NIL) || renderer->params != NIL)
		return false;
	Activity activity{};
	begin(activity, relation->server, relation->type);
	Channel *const channel = channel_for(activity, Need::statement);
	Statement *const statement = make_statement(CurrentMemoryContext);
	remote::RunOptions options;
	options.repeatable = true;
	start(channel, activity, statement, nullptr, renderer->out->data, {}, options);
	double rows;
	Cost total;
	bool const known = fetch(activity, statement, 1) && read_estimate(statement->batch(), &rows, &total);
	stop(statement);
	end(activity);
	if (known) {
		relation->rows = clamp_row_est(rows);
		relation->remote_cost = total;
	}
	return known;
}

/*
 * What the remote server must have done before its first row counts as startup, so that a LIMIT here, which would
 * stop in the middle, looks no cheaper than one there.
 */
Estimate
estimate(PlannerInfo *root, const RelOptInfo *rel, const ForeignRelation *relation, bool sorted)
{
	QualCost local;
	cost_qual_eval(&local, relation->local_clauses, root);
	Cost remote = relation->remote_cost > 0 ? relation->remote_cost : relation->scanned * remote_row_cost;
	if (sorted && relation->rows > 1)
		remote += sort_cost_per_comparison * relation->rows * std::log2(relation->rows);
	bool const collects = sorted || relation->grouped || relation->distinct || relation->windowed;
	Estimate result;
	result.rows = relation->rows_here;
	result.startup = relation->options.startup_cost + local.startup + rel->reltarget->cost.startup;
	result.startup += collects ? remote : 0;
	result.total = result.startup + (collects ? 0 : remote) +
	               relation->rows * (relation->options.tuple_cost + cpu_tuple_cost + local.per_tuple) +
	               relation->rows_here * rel->reltarget->cost.per_tuple;
	return result;
}

Estimate
estimate_limited(PlannerInfo *root, const RelOptInfo *rel, const ForeignRelation *relation, bool sorted, double count)
{
	Estimate result = estimate(root, rel, relation, sorted);
	double const fraction = result.rows > count && count > 0 ? count / result.rows : 1.0;
	result.rows = clamp_row_est(result.rows * fraction);
	result.total = result.startup + (result.total - result.startup) * fraction;
	/* Rows that nobody wants are not sent ahead either. */
	result.startup -= relation->options.startup_cost / 10;
	result.total -= relation->options.startup_cost / 10;
	return result;
}

Estimate
estimate_lookup(const ForeignRelation *relation, double rows, bool by_key)
{
	Estimate result;
	result.rows = rows;
	result.startup = lookup_cost;
	result.total = lookup_cost + rows * (relation->options.tuple_cost + cpu_tuple_cost);
	if (!by_key)
		result.total += relation->scanned * remote_row_cost;
	return result;
}

} // namespace tenancy::fdw

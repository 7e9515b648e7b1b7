/*
 * What years of history cost who looks at it: the same calls for the same last 30 days of a tenant, on a platform with
 * nothing else, and when millions of older and of others' rows have been added.
 */
#include "clients.hpp"

#include <map>

using namespace bench;

namespace {

struct Work {
	const char *name;
	const char *sql;
	bool promised;
};

constexpr Work tenant[] = {
	{"history page", "SELECT count(*) FROM tenancy.history()", true},
	{"history page of failures", "SELECT count(*) FROM tenancy.history(status => 'error')", true},
	{"history page since yesterday", "SELECT count(*) FROM tenancy.history(since => now() - interval '1 day')", true},
	{"dashboard_overview", "SELECT tenancy.dashboard_overview()", true},
	{"dashboard_charts, 30 days", "SELECT tenancy.dashboard_charts()", true},
	{"dashboard_analytics, 30 days", "SELECT tenancy.dashboard_analytics()", true},
};
constexpr Work admin[] = {
	{"dashboard_overview of all users", "SELECT tenancy.dashboard_overview()", false},
	{"dashboard_charts of all users", "SELECT tenancy.dashboard_charts()", false},
	{"dashboard_analytics of all users", "SELECT tenancy.dashboard_analytics()", false},
};

using Times = std::map<std::string, double>;

template <std::size_t count>
void
time_all(Postgres &session, const Work (&works)[count], Times &times)
{
	for (const Work &work : works) {
		session.prepare(work.name, work.sql);
		for (int i = 0; i < 6; ++i)
			session.call(work.name, {}); /* the sixth has the plan that stays */
		times[work.name] = 1e3 * time_of(quick() ? 5 : 25, [&] { session.call(work.name, {}); });
	}
}

std::string
superuser()
{
	return "host=" + required("PGHOST") + " port=" + required("PGPORT") + " user=" + required("PGUSER") +
	       " dbname=" + required("PGDATABASE");
}

Times
time_platform()
{
	Times times;
	Postgres session(Postgres::platform("async"));
	time_all(session, tenant, times);
	Postgres all(superuser());
	time_all(all, admin, times);
	return times;
}

void
add_rows(int owners, long many, long own, int days, int ago)
{
	std::string const command = "psql -X -q -At -v owners=" + std::to_string(owners) +
	                            " -v many=" + std::to_string(many) + " -v own=" + std::to_string(own) +
	                            " -v days=" + std::to_string(days) + " -v ago=" + std::to_string(ago) + " -f " +
	                            required("BENCH_DIRECTORY") + "/history_rows.sql >&2";
	if (std::system(command.c_str()) != 0)
		throw std::runtime_error("could not add rows of history");
}

double
rows_per_second(Postgres &session, const char *name, const std::string &sql, double rows)
{
	session.prepare(name, sql);
	auto const begun = Clock::now();
	session.call(name, {});
	return rows / seconds_since(begun);
}

/* Whole chains, by verify_history() and by the query that it replaces. */
void
measure_proof(Postgres &all, double rows)
{
	double const ours = rows_per_second(all, "verify", "SELECT count(problem) FROM tenancy.verify_history()", rows);
	double const peer = rows_per_second(
		all, "by query",
		"SELECT count(*) FROM (SELECT chain_hash, tenancy.history_chain_hash(NULL, tenancy.history_entry_digest(q))"
		" OVER (PARTITION BY user_id ORDER BY chain_seq) AS expected FROM tenancy.query_history AS q) AS l"
		" WHERE chain_hash <> expected",
		rows);
	report("verify_history, window query", {ours, peer}, "%.0f rows/s");
}

} // namespace

int
main()
{
	return run_main([] {
		long const rows = std::stol(required("BENCH_HISTORY"));
		if (rows < 10'000)
			throw std::runtime_error("too few rows of history");
		add_rows(0, 0, 10'000, 30, 0);
		Postgres all(superuser());
		all.prepare("rebuild", "SELECT tenancy.rebuild_rollups()");
		all.prepare("analyze", "VACUUM ANALYZE");
		all.call("rebuild", {});
		all.call("analyze", {});
		Times const small = time_platform();
		auto const begun = Clock::now();
		add_rows(1000, rows * 9 / 10 / 1000, rows / 10, 900, 31);
		std::fprintf(stderr, "made %ld rows of history in %.0f s\n", rows, seconds_since(begun));
		std::fprintf(stderr, "rebuild_rollups: %.0f rows/s\n",
		             rows_per_second(all, "again", "SELECT tenancy.rebuild_rollups()", static_cast<double>(rows)));
		all.call("analyze", {});
		Times const large = time_platform();
		std::string const title = std::to_string(rows / 1000) + ",000 rows of history, and 10,000: ";
		for (const Work &work : tenant)
			report(title + work.name, {large.at(work.name), small.at(work.name)}, "%.2f ms", Promise::at_most, 1.2);
		for (const Work &work : admin)
			report(title + work.name, {large.at(work.name), small.at(work.name)}, "%.2f ms");
		measure_proof(all, static_cast<double>(rows));
	});
}

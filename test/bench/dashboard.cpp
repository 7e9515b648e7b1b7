/*
 * What years of history cost who looks at it or adds to it: the same calls for the same last 60 days of a tenant, in a
 * database of the platform with nothing else, and in one with millions of older and of others' rows, in turns.
 */
#include "clients.hpp"

using namespace bench;

namespace {

constexpr char small[] = "bench_small", large[] = "bench_large";
constexpr int recent_rows = 10'000; /* of the tenant's last days, in both databases */
constexpr int recent_days = 61;     /* dashboard_overview looks at 60 of them */
constexpr int owners = 1000;

struct Work {
	const char *name;
	const char *sql;
};

constexpr Work tenant[] = {
	{"history page", "SELECT count(*) FROM tenancy.history()"},
	{"history page of failures", "SELECT count(*) FROM tenancy.history(status => 'error')"},
	{"history page since yesterday", "SELECT count(*) FROM tenancy.history(since => now() - interval '1 day')"},
	{"dashboard_overview", "SELECT tenancy.dashboard_overview()"},
	{"dashboard_charts, 30 days", "SELECT tenancy.dashboard_charts()"},
	{"dashboard_analytics, 30 days", "SELECT tenancy.dashboard_analytics()"},
};
constexpr Work admin[] = {
	{"dashboard_overview of all users", "SELECT tenancy.dashboard_overview()"},
	{"dashboard_charts of all users", "SELECT tenancy.dashboard_charts()"},
	{"dashboard_analytics of all users", "SELECT tenancy.dashboard_analytics()"},
};

std::string
superuser(const std::string &database)
{
	return "host=" + required("PGHOST") + " port=" + required("PGPORT") + " user=" + required("PGUSER") +
	       " dbname=" + database;
}

/* The same tenant, under the same role, in a database of its own: other programs have left runs of theirs elsewhere. */
void
make_database(const std::string &name)
{
	Postgres(superuser(required("PGDATABASE"))).execute("CREATE DATABASE " + name);
	Postgres all(superuser(name));
	all.execute("CREATE EXTENSION pg_tenancy");
	all.execute("SELECT tenancy.bind_role(tenancy.register('bench@example.com', '" + required("BENCH_PASSWORD") +
	            "'), 'bench_async')");
	Postgres(Postgres::platform("async", name))
		.execute("SELECT tenancy.create_connection('sqlite', 'sqlite', database_name => 'bench.db',"
	             " options => '{\"create\": true}')");
}

/* Rows of as many owners, and of the tenant, over so many days until so many days ago. */
void
add_rows(const std::string &database, int many_owners, long many, long own, int days, int ago)
{
	std::string const command = "psql -X -q -At -d " + database + " -v owners=" + std::to_string(many_owners) +
	                            " -v many=" + std::to_string(many) + " -v own=" + std::to_string(own) +
	                            " -v days=" + std::to_string(days) + " -v ago=" + std::to_string(ago) + " -f " +
	                            required("BENCH_DIRECTORY") + "/history_rows.sql >/dev/null";
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

void
fill(long rows)
{
	add_rows(small, 0, 0, recent_rows, recent_days, 0);
	add_rows(large, 0, 0, recent_rows, recent_days, 0);
	auto const begun = Clock::now();
	add_rows(large, owners, rows * 9 / 10 / owners, 0, 900, 0);
	add_rows(large, 0, 0, rows / 10, 900, recent_days + 1);
	std::fprintf(stderr, "made %ld rows of history in %.0f s\n", rows, seconds_since(begun));
	for (std::string const database : {small, large}) {
		Postgres all(superuser(database));
		double const total = static_cast<double>(database == small ? recent_rows : recent_rows + rows);
		std::fprintf(stderr, "rebuild_rollups of %.0f rows: %.0f rows/s\n", total,
		             rows_per_second(all, "rebuild", "SELECT tenancy.rebuild_rollups()", total));
		all.execute("VACUUM ANALYZE");
	}
}

template <std::size_t count>
void
measure_reading(const std::string &title, Postgres &with, Postgres &without, const Work (&works)[count],
                Promise promise)
{
	for (const Work &work : works) {
		for (Postgres *const session : {&with, &without}) {
			session->prepare(work.name, work.sql);
			for (int i = 0; i < 6; ++i)
				session->call(work.name, {}); /* the sixth has the plan that stays */
		}
		auto const of = [&](Postgres &session) {
			return [&] { return 1e3 * time_of(5, [&] { session.call(work.name, {}); }); };
		};
		report(title + work.name, in_turns(quick() ? 1 : 7, of(with), of(without)), "%.2f ms", promise, 1.2);
	}
}

/* Runs per second through the worker, from the first until the last one is written. */
double
recorded(const std::string &database)
{
	constexpr int sessions = 8, runs = 500;
	std::vector<std::unique_ptr<Postgres>> platforms;
	for (int i = 0; i < sessions; ++i) {
		platforms.push_back(std::make_unique<Postgres>(Postgres::platform("async", database)));
		platforms.back()->prepare("run", "SELECT tenancy.execute_query('sqlite', 'SELECT 1') ->> 'status'");
		(void) platforms.back()->call("run", {});
	}
	settle(database);
	std::vector<std::thread> threads;
	auto const begun = Clock::now();
	for (auto const &platform : platforms)
		threads.emplace_back([&] {
			for (int i = 0; i < runs; ++i)
				(void) platform->call("run", {});
		});
	for (auto &thread : threads)
		thread.join();
	settle(database);
	return sessions * runs / seconds_since(begun);
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

/* With a comma between each three digits. */
std::string
in_digits(long number)
{
	std::string digits = std::to_string(number);
	for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
		digits.insert(static_cast<std::size_t>(at), 1, ',');
	return digits;
}

} // namespace

int
main()
{
	return run_main([] {
		long const rows = std::stol(required("BENCH_HISTORY"));
		if (rows < recent_rows)
			throw std::runtime_error("too few rows of history");
		for (const char *const name : {small, large})
			make_database(name);
		fill(rows);
		Postgres all(superuser(large)), few(superuser(small));
		std::string const title = in_digits(rows) + " rows of history, and " + in_digits(recent_rows) + ": ";
		Postgres with(Postgres::platform("async", large)), without(Postgres::platform("async", small));
		measure_reading(title, with, without, tenant, Promise::at_most);
		measure_reading(title, all, few, admin, Promise::none);
		measure_proof(all, static_cast<double>(rows));
		report(title + "runs recorded",
		       in_turns(
				   quick() ? 1 : 5, [] { return recorded(large); }, [] { return recorded(small); }),
		       "%.0f/s", Promise::at_least, 1 / 1.2);
	});
}

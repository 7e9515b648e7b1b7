/*
 * Streams: all rows of the measured table through tenancy.query and through a cursor of tenancy.open_query, against the
 * bare client library's loop over the same rows; and the memory of the backend meanwhile.
 */
#include <fstream>

#include "clients.hpp"

using namespace bench;

namespace {

constexpr char whole[] = "SELECT * FROM measured";

struct Engine {
	const char *name;
	std::function<long()> direct;
	double limit; /* promised for tenancy.query */
};

void
expect(long rows)
{
	if (rows != row_total())
		throw std::runtime_error("read " + std::to_string(rows) + " rows instead of " + std::to_string(row_total()));
}

/* Seconds of a body that reads all rows, as in_turns() wants it. */
std::function<double()>
through(std::function<long()> body)
{
	return [body = std::move(body)] { return time_of(1, [&] { expect(body()); }); };
}

long
through_query(Postgres &platform, const char *engine, const std::string &sql = whole)
{
	return std::stol(platform.execute("SELECT count(*) FROM tenancy.query('" + std::string(engine) + "', '" + sql +
	                                  "') AS t(" + column_list + ")"));
}

long
through_cursor(Postgres &platform, const char *engine)
{
	platform.execute("BEGIN");
	platform.execute("SELECT tenancy.open_query('" + std::string(engine) + "', '" + whole + "', cursor => 'rows')");
	long rows = 0;
	for (long got = 1; got > 0; rows += got)
		got = platform.fetch("FETCH 10000 FROM rows");
	platform.execute("COMMIT");
	return rows;
}

/* Memory of a process that is its own, in megabytes; shared buffers are not. */
double
own_memory(int pid)
{
	std::ifstream status("/proc/" + std::to_string(pid) + "/status");
	for (std::string line; std::getline(status, line);)
		if (line.starts_with("RssAnon:"))
			return std::stod(line.substr(8)) / 1024;
	throw std::runtime_error("cannot read the memory of a backend");
}

/* The most that the backend has while body runs. */
double
peak_memory(Postgres &platform, const std::function<void()> &body)
{
	std::atomic<bool> stop = false;
	double peak = 0;
	std::thread watch([&] {
		while (!stop) {
			peak = std::max(peak, own_memory(platform.process()));
			std::this_thread::sleep_for(std::chrono::milliseconds(5));
		}
	});
	body();
	stop = true;
	watch.join();
	return peak;
}

void
measure_time(const Engine &engine, int turns)
{
	Postgres platform(Postgres::platform("finished"));
	auto const peer = through(engine.direct);
	report(std::string("all rows, ") + engine.name + ", tenancy.query",
	       in_turns(turns, through([&] { return through_query(platform, engine.name); }), peer), "%.2f s",
	       Promise::at_most, engine.limit);
	report(std::string("all rows, ") + engine.name + ", tenancy.open_query, FETCH",
	       in_turns(turns, through([&] { return through_cursor(platform, engine.name); }), peer), "%.2f s");
}

/* All rows against half of them, each in a fresh backend. */
void
measure_memory(const Engine &engine)
{
	std::string const half = std::string(whole) + " WHERE id <= " + std::to_string(row_total() / 2);
	Postgres one(Postgres::platform("finished")), other(Postgres::platform("finished"));
	double const ours = peak_memory(one, [&] { through_query(one, engine.name); });
	double const peer = peak_memory(other, [&] { through_query(other, engine.name, half); });
	report(std::string("memory, ") + engine.name + ", all rows and half of them", {ours, peer}, "%.1f MB",
	       Promise::at_most, 1.1);
}

} // namespace

int
main()
{
	return run_main([] {
		Postgres postgres(Postgres::client());
		Maria maria(whole);
		Sqlite sqlite(whole);
		Engine const engines[] = {{"postgresql", [&] { return postgres.stream(whole); }, 1.6},
		                          {"mariadb", [&] { return maria.run(); }, 1.6},
		                          {"sqlite", [&] { return sqlite.run(); }, 1.4}};
		for (auto const &engine : engines)
			measure_time(engine, quick() ? 3 : 5);
		for (auto const &engine : engines)
			measure_memory(engine);
	});
}

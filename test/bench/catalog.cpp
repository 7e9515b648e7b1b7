/*
 * The schema of a thousand tables on each engine: its detection, and the cached answer, in the server and as text at
 * the client. There is no peer: beside our figure stands the one that was promised.
 */
#include "clients.hpp"

using namespace bench;

namespace {

constexpr int tables = 1000;
constexpr double promised_seconds = 2, promised_ms = 5;

/* A statement per table, run on the engine through the platform. */
void
fill(Postgres &platform, const char *engine)
{
	platform.prepare("run", "SELECT tenancy.execute_query($1::text, $2) ->> 'status'");
	for (int i = 0; i < tables; ++i) {
		std::string const number = std::to_string(i), parent = std::to_string(i / 2);
		std::string const made = platform.call(
			"run",
			{engine, "CREATE TABLE IF NOT EXISTS catalog_" + number +
		                 " (id integer PRIMARY KEY, parent integer, name varchar(100) NOT NULL, price decimal(12,2),"
		                 " placed timestamp NULL, note text, FOREIGN KEY (parent) REFERENCES catalog_" +
		                 parent + " (id))"});
		if (made != "success")
			throw std::runtime_error("table " + number + " of " + engine + ": " + made);
	}
}

void
measure(const char *engine, int turns)
{
	Postgres platform(Postgres::platform("async"));
	fill(platform, engine);
	platform.prepare("detect", "SELECT jsonb_array_length(tenancy.detect_client_schema($1::text) -> 'tables')");
	platform.prepare("cached", "SELECT tenancy.schema($1::text) IS NOT NULL");
	platform.prepare("whole", "SELECT tenancy.schema($1::text)");
	std::string const name = std::string("schema of ") + std::to_string(tables) + " tables, " + engine + ", ";

	double const detection = time_of(turns, [&] {
		if (std::stoi(platform.call("detect", {engine})) < tables)
			throw std::runtime_error("tables are missing");
	});
	settle();
	platform.call("detect", {engine}); /* nothing is stale now */
	double const cached = 1e3 * time_of(turns * 10, [&] { platform.call("cached", {engine}); });
	double const whole = 1e3 * time_of(turns * 10, [&] { platform.call("whole", {engine}); });
	report(name + "detected", {detection, promised_seconds}, "%.3f s", Promise::at_most, 1);
	report(name + "cached", {cached, promised_ms}, "%.2f ms", Promise::at_most, 1);
	report(name + "cached, as text", {whole, promised_ms}, "%.2f ms", Promise::at_most, 1);
}

} // namespace

int
main()
{
	return run_main([] {
		for (const char *const engine : {"postgresql", "mariadb", "sqlite"})
			measure(engine, quick() ? 1 : 5);
	});
}

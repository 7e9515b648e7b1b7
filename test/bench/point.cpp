/*
 * Point queries: tenancy.execute_query of a row by its primary key, warm, against the client library's prepared
 * statement on its own connection to the same server. Ours makes one more round trip, and answers JSON. And answers
 * from the cache, against the same statement run each time.
 */
#include "clients.hpp"

using namespace bench;

namespace {

/* Keys all over the table, the same for both sides. */
class Keys {
public:
	std::int64_t next()
	{
		state_ += 104729;
		return state_ % row_total_ + 1;
	}

private:
	std::int64_t state_ = 0, row_total_ = row_total();
};

struct Engine {
	const char *name;
	const char *sql;
	std::function<void(std::int64_t)> direct;
	Promise promise;
};

void
measure(const Engine &engine, const char *durability, int turns, int calls)
{
	Postgres platform(Postgres::platform(durability));
	platform.prepare("run", "SELECT tenancy.execute_query($1::text, $2, $3)");
	Keys ours_keys, peer_keys;
	auto const ours = [&] {
		double const ms = 1e3 * time_of(calls, [&] {
							  std::string const key = "[" + std::to_string(ours_keys.next()) + "]";
							  std::string const answer = platform.call("run", {engine.name, engine.sql, key});
							  if (answer.find("\"row_count\":1,") == answer.npos)
								  throw std::runtime_error(answer);
						  });
		settle();
		return ms;
	};
	auto const peer = [&] { return 1e3 * time_of(calls, [&] { engine.direct(peer_keys.next()); }); };
	Promise const promise = durability == std::string("async") ? engine.promise : Promise::none;
	report(std::string("point query, ") + engine.name + ", history " + durability, in_turns(turns, ours, peer),
	       "%.3f ms", promise, 2);
}

/* What a client of the platform waits in any case: how much of a point query is only the second connection. */
void
measure_floor(Postgres &direct, int turns, int calls)
{
	Postgres platform(Postgres::platform("async"));
	platform.prepare("lookup", "SELECT word FROM public.lookup WHERE id = $1");
	Keys keys;
	auto const ours = [&] { return 1e3 * time_of(calls, [&] { platform.call("lookup", {"7"}); }); };
	auto const peer = [&] {
		return 1e3 * time_of(calls, [&] { direct.call("point", {std::to_string(keys.next())}); });
	};
	report("round trip to the platform alone, postgresql", in_turns(turns, ours, peer), "%.3f ms");
}

/* A question that takes a while, asked again: from the cache, against running it. Both are execute_query. */
void
measure_cache(const char *engine, int turns, int calls)
{
	constexpr char sql[] = "SELECT code, count(*), avg(price) FROM measured GROUP BY code ORDER BY code";
	Postgres platform(Postgres::platform("async"));
	platform.prepare("cached", "SELECT tenancy.execute_query($1::text, $2, cache_ttl => '1 hour')");
	platform.prepare("fresh", "SELECT tenancy.execute_query($1::text, $2, cache_ttl => '0')");
	(void) platform.call("cached", {engine, sql});
	auto const asked = [&](const char *statement, const char *mark) {
		std::string const answer = platform.call(statement, {engine, sql});
		if (answer.find("\"row_count\":1000,") == answer.npos || answer.find(mark) == answer.npos)
			throw std::runtime_error(answer);
	};
	auto const ours = [&] {
		double const ms = 1e3 * time_of(calls, [&] { asked("cached", "\"cached\":true"); });
		settle();
		return ms;
	};
	auto const peer = [&] { return 1e3 * time_of(1, [&] { asked("fresh", "\"cached\":false"); }); };
	report(std::string("cached answer of 1000 groups, ") + engine + ", not cached", in_turns(turns, ours, peer),
	       "%.3f ms");
}

} // namespace

int
main()
{
	return run_main([] {
		constexpr char numbered[] = "SELECT * FROM measured WHERE id = $1";
		constexpr char marked[] = "SELECT * FROM measured WHERE id = ?";
		Postgres postgres(Postgres::client());
		postgres.prepare("point", numbered);
		Maria maria(marked);
		Sqlite sqlite(marked);
		Engine const engines[] = {{"postgresql", numbered,
		                           [&](std::int64_t key) { postgres.call("point", {std::to_string(key)}); },
		                           Promise::at_most},
		                          {"mariadb", marked, [&](std::int64_t key) { maria.run(key); }, Promise::at_most},
		                          {"sqlite", marked, [&](std::int64_t key) { sqlite.run(key); }, Promise::none}};
		measure_floor(postgres, quick() ? 3 : 9, 500);
		for (auto const &engine : engines)
			for (const char *const durability : {"async", "finished"})
				measure(engine, durability, quick() ? 3 : 9, quick() ? 100 : 300);
		for (auto const &engine : engines)
			measure_cache(engine.name, quick() ? 3 : 9, quick() ? 50 : 200);
	});
}

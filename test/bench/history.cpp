/*
 * What history costs: the cheapest query in each durability, against the commit of a row in the same server; and the
 * throughput of many sessions, against as many direct connections.
 */
#include "clients.hpp"

using namespace bench;

namespace {

constexpr char cheapest[] = "SELECT 1";
constexpr int many = 32;

void
expect_success(const std::string &status)
{
	if (status != "success")
		throw std::runtime_error("a query ended with " + status);
}

void
measure_cost(const char *durability, int turns, int calls)
{
	Postgres platform(Postgres::platform(durability));
	platform.prepare("run", "SELECT tenancy.execute_query('sqlite', $1) ->> 'status'");
	platform.prepare("commit", "INSERT INTO public.committed VALUES (now())");
	auto const ours = [&] {
		double const ms = 1e3 * time_of(calls, [&] { expect_success(platform.call("run", {cheapest})); });
		settle();
		return ms;
	};
	auto const peer = [&] { return 1e3 * time_of(calls, [&] { platform.call("commit", {}); }); };
	report(std::string("cheapest query, history ") + durability + ", plain INSERT", in_turns(turns, ours, peer),
	       "%.3f ms");
}

using Connections = std::vector<std::unique_ptr<Postgres>>;
using Calls = std::vector<std::function<void()>>;

/* Each session asks for other rows. */
std::string
next_key()
{
	static thread_local unsigned long state = std::hash<std::thread::id>{}(std::this_thread::get_id());
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return std::to_string((state >> 33) % static_cast<unsigned long>(row_total()) + 1);
}

void
measure_throughput(const char *durability, int turns, double seconds, Promise promise)
{
	constexpr char sql[] = "SELECT * FROM measured WHERE id = $1";
	Connections platforms, directs;
	Calls ours, peer;
	for (int i = 0; i < many; ++i) {
		platforms.push_back(std::make_unique<Postgres>(Postgres::platform(durability)));
		platforms.back()->prepare("run", "SELECT tenancy.execute_query('postgresql', $1, $2) ->> 'status'");
		ours.push_back([&, platform = platforms.back().get()] {
			expect_success(platform->call("run", {sql, "[" + next_key() + "]"}));
		});
		directs.push_back(std::make_unique<Postgres>(Postgres::client()));
		directs.back()->prepare("point", sql);
		peer.push_back([&, direct = directs.back().get()] { direct->call("point", {next_key()}); });
	}
	auto const ours_rate = [&] {
		double const rate = throughput(ours, seconds);
		settle();
		return rate;
	};
	report("point queries of " + std::to_string(many) + " sessions, history " + durability,
	       in_turns(turns, ours_rate, [&] { return throughput(peer, seconds); }), "%.0f/s", promise, 0.5);
}

} // namespace

int
main()
{
	return run_main([] {
		for (const char *const durability : {"async", "finished", "started"})
			measure_cost(durability, quick() ? 1 : 7, quick() ? 50 : 200);
		measure_throughput("finished", quick() ? 1 : 7, quick() ? 1 : 3, Promise::at_least);
		measure_throughput("async", quick() ? 1 : 7, quick() ? 1 : 3, Promise::none);
	});
}

/*
 * What one tenant at full load does to another: the slowest hundredth of the other's queries, beside it and alone. The
 * load is one of our queues, not of the processors, which PostgreSQL shares out: as many queries as a user may run, most
 * of them waiting for their client database, and the user's whole share of history in texts that are long.
 */
#include <algorithm>

#include "clients.hpp"

using namespace bench;

namespace {

/* tenancy.max_running_queries_per_user is 64, and one session keeps 8 connections of a user. */
constexpr int sleepers = 40;
constexpr int fillers = 3;
constexpr int cursors = 7;

double
slowest_hundredth(Postgres &platform, int calls)
{
	std::vector<double> times;
	for (int i = 0; i < calls; ++i) {
		auto const begun = Clock::now();
		if (platform.call("run", {"SELECT 1"}) != "success")
			throw std::runtime_error("a query failed");
		times.push_back(1e3 * seconds_since(begun));
	}
	std::ranges::sort(times);
	return times[times.size() * 99 / 100];
}

/* Queries one after the other, as long as it lives. */
class Rival {
public:
	Rival()
	{
		for (int i = 0; i < sleepers; ++i)
			threads_.emplace_back([this] { sleep_remotely(); });
		for (int i = 0; i < fillers; ++i)
			threads_.emplace_back([this] { fill_history(); });
		while (ready_ < sleepers + fillers)
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
	Rival(const Rival &) = delete;
	Rival &operator=(const Rival &) = delete;
	~Rival()
	{
		stop_ = true;
		for (auto &thread : threads_)
			thread.join();
	}

private:
	void sleep_remotely()
	{
		Postgres platform(Postgres::platform("rival"));
		platform.prepare("run", "SELECT tenancy.execute_query('postgresql', 'SELECT pg_sleep(0.2)') ->> 'status'");
		(void) platform.call("run", {});
		for (++ready_; !stop_;)
			(void) platform.call("run", {});
	}
	/* Cursors with texts of half a megabyte stay open until there are many; then all over again. */
	void fill_history()
	{
		Postgres platform(Postgres::platform("rival"));
		platform.execute("SET client_min_messages = error");
		for (++ready_; !stop_;) {
			platform.execute("BEGIN");
			try {
				for (int i = 0; i < cursors && !stop_; ++i) {
					platform.execute("SELECT tenancy.open_query('sqlite', 'SELECT 1' || repeat(' ', 500000))");
					std::this_thread::sleep_for(std::chrono::milliseconds(20));
				}
			} catch (const std::runtime_error &) {
				/* The share is used up: that is the load. */
			}
			platform.execute("ROLLBACK");
		}
	}

	std::atomic<bool> stop_ = false;
	std::atomic<int> ready_ = 0;
	std::vector<std::thread> threads_;
};

} // namespace

int
main()
{
	return run_main([] {
		int const turns = quick() ? 1 : 5, calls = quick() ? 300 : 2000;
		for (std::string const durability : {"async", "finished"}) {
			Postgres platform(Postgres::platform(durability));
			platform.prepare("run", "SELECT tenancy.execute_query('sqlite', $1) ->> 'status'");
			auto const beside = [&] {
				Rival const rival;
				return slowest_hundredth(platform, calls);
			};
			auto const alone = [&] {
				settle();
				return slowest_hundredth(platform, calls);
			};
			report("p99 of a query beside a tenant at full load, alone, history " + durability,
			       in_turns(turns, beside, alone), "%.3f ms", Promise::at_most, 2);
		}
	});
}

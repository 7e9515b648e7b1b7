/*
 * What one tenant at full load does to another: the slowest hundredth of the other's queries, beside it and alone. The
 * load is as many queries as a user may run, which wait for their client database; and, as a tenant would who means
 * harm, a part of them with texts so long that they fill the user's whole share of history. As that takes processors
 * and disk too, which PostgreSQL shares out, the same queries are measured beside as many sessions of plain PostgreSQL
 * that sleep and store such texts themselves.
 */
#include <algorithm>

#include "clients.hpp"

using namespace bench;

namespace {

/* Of a session that stores long texts: open ones are running queries, and it has 8 connections of a user at most. */
constexpr int cursors = 7;

/* What is measured: the cheapest query, and one that waits for its database as it would behind a network. */
struct Query {
	std::string words, connection, sql;
};

/*
 * For much longer than a round of the load takes, however quick the query is; with a pause after each, as without one
 * the cheapest query fills its own user's share of the history queue.
 */
double
slowest_hundredth(Postgres &platform, const Query &query)
{
	double const duration = quick() ? 1 : 5;
	std::vector<double> times;
	for (auto const start = Clock::now(); seconds_since(start) < duration;) {
		auto const begun = Clock::now();
		if (platform.call("run", {query.connection, query.sql}) != "success")
			throw std::runtime_error("a query failed");
		times.push_back(1e3 * seconds_since(begun));
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}
	std::ranges::sort(times);
	return times[times.size() * 99 / 100];
}

/* The load: sessions that sleep, and some that store long texts. */
using Work = void(const std::function<void()> &ready, const std::atomic<bool> &stop);
struct Load {
	int sleepers;
	Work *sleep;
	int fillers;
	Work *fill;
};

void
pause()
{
	std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

/* The session is ready when it has done its work once. */
void
repeat(const std::function<void()> &work, const std::function<void()> &ready, const std::atomic<bool> &stop)
{
	work();
	for (ready(); !stop;)
		work();
}

void
sleep_by_us(const std::function<void()> &ready, const std::atomic<bool> &stop)
{
	Postgres platform(Postgres::platform("rival"));
	platform.prepare("run", "SELECT tenancy.execute_query('postgresql', 'SELECT pg_sleep(0.2)') ->> 'status'");
	repeat([&] { (void) platform.call("run", {}); }, ready, stop);
}

/* Cursors with texts of half a megabyte stay open until there are many, or the share is used up: that is the load. */
void
fill_share(Postgres &platform, const std::atomic<bool> &stop)
{
	platform.execute("BEGIN");
	try {
		for (int i = 0; i < cursors && !stop; ++i) {
			platform.execute("SELECT tenancy.open_query('sqlite', 'SELECT 1' || repeat(' ', 500000))");
			pause();
		}
	} catch (const std::runtime_error &error) {
		if (std::string(error.what()).find("share") == std::string::npos)
			throw;
	}
	platform.execute("ROLLBACK");
}

void
fill_history(const std::function<void()> &ready, const std::atomic<bool> &stop)
{
	Postgres platform(Postgres::platform("rival"));
	platform.execute("SET client_min_messages = error");
	repeat([&] { fill_share(platform, stop); }, ready, stop);
}

void
sleep_directly(const std::function<void()> &ready, const std::atomic<bool> &stop)
{
	Postgres client(Postgres::client());
	client.prepare("run", "SELECT pg_sleep(0.2)");
	repeat([&] { (void) client.call("run", {}); }, ready, stop);
}

void
fill_table(const std::function<void()> &ready, const std::atomic<bool> &stop)
{
	Postgres platform(Postgres::platform("rival"));
	auto const fill = [&] {
		platform.execute("INSERT INTO public.texts SELECT 'SELECT 1' || repeat(' ', 500000)");
		pause();
	};
	repeat(fill, ready, stop);
}

/* tenancy.max_running_queries_per_user is 16. */
constexpr Load nothing = {0, sleep_by_us, 0, fill_history};
constexpr Load queries = {16, sleep_by_us, 0, fill_history};
constexpr Load long_queries = {2, sleep_by_us, 2, fill_history};
constexpr Load plain = {16, sleep_directly, 0, fill_table};
constexpr Load long_plain = {2, sleep_directly, 2, fill_table};

/* Queries one after the other, as long as it lives. */
class Rival {
public:
	explicit Rival(const Load &load)
	{
		int const sessions = load.sleepers + load.fillers;
		for (int i = 0; i < sessions; ++i)
			threads_.emplace_back(
				[this, work = i < load.sleepers ? load.sleep : load.fill] { work([this] { ++ready_; }, stop_); });
		while (ready_ < sessions)
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
	std::atomic<bool> stop_ = false;
	std::atomic<int> ready_ = 0;
	std::vector<std::thread> threads_;
};

void
measure(const std::string &durability, const Query &query)
{
	Postgres platform(Postgres::platform(durability));
	platform.prepare("run", "SELECT tenancy.execute_query($1, $2) ->> 'status'");
	auto const beside = [&](const Load &load) {
		return [&] {
			settle();
			Rival const rival(load);
			return slowest_hundredth(platform, query);
		};
	};
	auto const figures = in_turns(
		quick() ? 1 : 5, {beside(nothing), beside(queries), beside(plain), beside(long_queries), beside(long_plain)});
	double const alone = figures[0], ours = figures[1], peer = figures[2], long_ours = figures[3],
				 long_peer = figures[4];
	std::string const name =
		"p99 of " + query.words + ", history " + durability + ": beside as many queries as a user may run";
	report(name + ", and alone", {ours, alone}, "%.3f ms", Promise::at_most, 2);
	report(name + ", and beside the same load on plain PostgreSQL", {ours, peer}, "%.3f ms");
	report(name + ", some long, and alone", {long_ours, alone}, "%.3f ms", Promise::at_most, 2);
	report(name + ", some long, and beside the same load on plain PostgreSQL", {long_ours, long_peer}, "%.3f ms");
}

} // namespace

int
main()
{
	return run_main([] {
		for (std::string const durability : {"async", "finished"}) {
			measure(durability, {"the cheapest query", "sqlite", "SELECT 1"});
			measure(durability, {"a query of 20 ms", "postgresql", "SELECT pg_sleep(0.02)"});
		}
	});
}

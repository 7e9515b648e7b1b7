/*
 * What the benchmarks share: the clock, medians of interleaved repetitions, and the rows that scripts/bench prints.
 * Both sides of a ratio are measured in turns in one run, because no two runs on a shared machine are alike.
 */
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double
seconds_since(Clock::time_point begun)
{
	return std::chrono::duration<double>(Clock::now() - begun).count();
}

/* The environment is how scripts/bench and the sandbox tell a program where the servers are. */
inline std::string
required(const char *name)
{
	const char *const value = std::getenv(name);
	if (value == nullptr)
		throw std::runtime_error(std::string(name) + " is not set: run scripts/bench");
	return value;
}

inline bool
quick()
{
	return std::getenv("BENCH_QUICK") != nullptr;
}

inline long
row_total()
{
	return std::stol(required("BENCH_ROWS"));
}

inline double
median(std::vector<double> values)
{
	std::ranges::sort(values);
	std::size_t const middle = values.size() / 2;
	return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Pair {
	double ours, peer;
};

/* Each side answers one figure per call, of which it gets the median; the first turn of all only warms up. */
inline std::vector<double>
in_turns(int turns, const std::vector<std::function<double()>> &sides)
{
	std::vector<std::vector<double>> figures(sides.size());
	for (int turn = 0; turn <= turns; ++turn)
		for (std::size_t i = 0; i < sides.size(); ++i)
			if (double const figure = sides[i](); turn > 0)
				figures[i].push_back(figure);
	std::vector<double> medians;
	for (auto &of_side : figures)
		medians.push_back(median(std::move(of_side)));
	return medians;
}

inline Pair
in_turns(int turns, const std::function<double()> &ours, const std::function<double()> &peer)
{
	auto const medians = in_turns(turns, {ours, peer});
	return {medians[0], medians[1]};
}

/* Seconds of a call of body, the median of so many: what else runs on the machine delays some calls by much. */
inline double
time_of(int calls, const std::function<void()> &body)
{
	std::vector<double> times;
	for (int i = 0; i < calls; ++i) {
		auto const begun = Clock::now();
		body();
		times.push_back(seconds_since(begun));
	}
	return median(std::move(times));
}

/* Calls per second of one thread for each body together, during so many seconds. */
inline double
throughput(const std::vector<std::function<void()>> &bodies, double seconds)
{
	std::atomic<bool> go = false, stop = false;
	std::atomic<long> calls = 0;
	std::atomic<int> failures = 0;
	std::vector<std::thread> threads;
	for (auto const &body : bodies)
		threads.emplace_back([&] {
			go.wait(false);
			long mine = 0;
			try {
				while (!stop) {
					body();
					++mine;
				}
			} catch (const std::exception &error) {
				std::fprintf(stderr, "%s\n", error.what());
				++failures;
			}
			calls += mine;
		});
	auto const begun = Clock::now();
	go = true;
	go.notify_all();
	std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
	stop = true;
	for (auto &thread : threads)
		thread.join();
	/* A slow call ends after the bell; it counts with its time. */
	double const elapsed = seconds_since(begun);
	if (failures > 0)
		throw std::runtime_error("a session failed");
	return static_cast<double>(calls) / elapsed;
}

enum class Promise { none, at_most, at_least };

/* One line of the table, fields separated by tabs: name, ours, peer, ratio, promise. */
inline void
report(const std::string &name, Pair figures, const char *format, Promise promise = Promise::none, double limit = 0)
{
	double const ratio = figures.ours / figures.peer;
	char ours[64], peer[64], promised[64] = "";
	std::snprintf(ours, sizeof ours, format, figures.ours);
	std::snprintf(peer, sizeof peer, format, figures.peer);
	if (promise != Promise::none) {
		bool const kept = promise == Promise::at_most ? ratio <= limit : ratio >= limit;
		std::snprintf(promised, sizeof promised, "%s %.3g%s", promise == Promise::at_most ? "≤" : "≥", limit,
		              kept ? "" : ", missed");
	}
	std::printf("%s\t%s\t%s\t%.2f\t%s\n", name.c_str(), ours, peer, ratio, promised);
	std::fflush(stdout);
}

inline int
run_main(const std::function<void()> &body)
{
	try {
		body();
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s\n", error.what());
		return 1;
	}
}

} // namespace bench

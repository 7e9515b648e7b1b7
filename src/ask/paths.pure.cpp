/*
 * Searching the graph of foreign keys. Pure regime.
 */
#include "ask/paths.pure.hpp"

#include <algorithm>

#include "ask/query.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

constexpr int most_steps = 200'000; /* of one search */

/* All simple paths of at most longest_path steps. Throws Refusal when there is no telling in a bounded time. */
class Search {
public:
	Search(const Lexicon &of, int target, bool only_up, const Hints &told)
		: lexicon(of), hints(told), to(target), up(only_up)
	{
		if (up)
			look_down();
	}

	void walk(int at)
	{
		for (auto const &step : lexicon.steps(at)) {
			spend();
			if ((up && (!step.up || !leads[static_cast<std::size_t>(step.to)])) || passed(step.to) || wanders(step))
				continue;
			path.push_back(step);
			if (step.to == to)
				found.push_back(path);
			else if (path.size() < longest_path)
				walk(step.to);
			path.pop_back();
		}
	}

	std::vector<Path> found;

private:
	void spend()
	{
		if (--budget < 0 || !lexicon.may_step())
			throw Refusal{"there are too many ways to " + lexicon.table(to).name};
	}

	/* The tables that keys lead up from to the target: a climb has no business in others. */
	void look_down()
	{
		leads.resize(lexicon.schema().tables.size());
		leads[static_cast<std::size_t>(to)] = true;
		std::vector<int> reached{to};
		for (std::size_t length = 1; length < longest_path && !reached.empty(); ++length) {
			std::vector<int> next;
			for (int const table : reached)
				for (auto const &step : lexicon.steps(table)) {
					spend();
					if (step.up || leads[static_cast<std::size_t>(step.to)])
						continue;
					leads[static_cast<std::size_t>(step.to)] = true;
					next.push_back(step.to);
				}
			reached = std::move(next);
		}
	}

	bool wanders(const Step &step) const
	{
		return step.from == step.to && std::none_of(hints.roles.begin(), hints.roles.end(),
		                                            [&](const std::string &role) { return plays(step, role); });
	}

	bool passed(int table) const
	{
		return std::any_of(path.begin(), path.end(), [table](const Step &step) { return step.from == table; }) ||
		       (path.empty() ? false : path.back().to == table);
	}

	const Lexicon &lexicon;
	const Hints &hints;
	int to;
	bool up;
	int budget = most_steps;
	std::vector<bool> leads;
	Path path;
};

/* The members of paths that are best by some measure. */
template <typename Measure>
void
keep_best(std::vector<Path> &paths, Measure measure)
{
	long best = 0;
	for (auto const &path : paths)
		best = std::max(best, measure(path));
	std::erase_if(paths, [&](const Path &path) { return measure(path) < best; });
}

void
keep_hinted(std::vector<Path> &paths, const Hints &hints)
{
	keep_best(paths, [&](const Path &path) {
		return std::count_if(path.begin(), path.end(), [&](const Step &step) {
			return std::any_of(hints.roles.begin(), hints.roles.end(),
			                   [&](const std::string &role) { return plays(step, role); });
		});
	});
	keep_best(paths, [&](const Path &path) {
		return std::count_if(path.begin(), path.end() - 1, [&](const Step &step) {
			/* A key from a table to itself leads through no other. */
			return step.from != step.to &&
			       std::find(hints.tables.begin(), hints.tables.end(), step.to) != hints.tables.end();
		});
	});
}

void
keep_shortest(std::vector<Path> &paths)
{
	keep_best(paths, [](const Path &path) { return static_cast<long>(longest_path + 1 - path.size()); });
}

[[noreturn]] void
refuse_several(const Lexicon &lexicon, int from, int to)
{
	throw Refusal{"there is more than one way from " + lexicon.table(from).name + " to " + lexicon.table(to).name};
}

/* "people of a project" may be its members as well as its owner: a table of pairs leads there, too. */
bool
is_paired(const Lexicon &lexicon, const Step &step, const Hints &hints)
{
	if (step.from == step.to ||
	    std::any_of(hints.roles.begin(), hints.roles.end(), [&](const std::string &role) { return plays(step, role); }))
		return false;
	for (auto const &down : lexicon.steps(step.from)) {
		auto const &keys = lexicon.table(down.to).primary_key;
		auto const within = [&](const Step &s) {
			return s.key->columns.size() == 1 && std::find(keys.begin(), keys.end(), s.key->columns[0]) != keys.end();
		};
		if (down.up || keys.size() != 2 || !within(down))
			continue;
		for (auto const &up : lexicon.steps(down.to))
			if (up.up && up.to == step.to && within(up))
				return true;
	}
	return false;
}

} // namespace

bool
plays(const Step &step, const std::string &role)
{
	for (auto const &column : step.key->columns)
		for (auto const &word : split_name(column))
			if (word != "id" && related(word, role))
				return true;
	return false;
}

bool
climbs(const Path &path)
{
	return std::all_of(path.begin(), path.end(), [](const Step &step) { return step.up; });
}

std::optional<Path>
climb(const Lexicon &lexicon, int from, int to, const Hints &hints)
{
	if (from == to)
		return Path{};
	if (!lexicon.rises(from, to))
		return std::nullopt;
	Search search(lexicon, to, true, hints);
	search.walk(from);
	auto &paths = search.found;
	if (paths.empty())
		return std::nullopt;
	if (paths.size() > 1)
		keep_hinted(paths, hints);
	keep_shortest(paths);
	if (paths.size() > 1)
		refuse_several(lexicon, from, to);
	for (auto const &step : paths.front())
		if (is_paired(lexicon, step, hints))
			refuse_several(lexicon, step.from, step.to);
	return paths.front();
}

Path
find_path(const Lexicon &lexicon, int from, int to, const Hints &hints)
{
	if (auto path = climb(lexicon, from, to, hints))
		return *path;
	if (auto path = climb(lexicon, to, from, hints))
		return reversed(*path);
	Search search(lexicon, to, false, hints);
	search.walk(from);
	auto &paths = search.found;
	if (paths.empty())
		throw Refusal{"no foreign keys lead from " + lexicon.table(from).name + " to " + lexicon.table(to).name};
	if (paths.size() > 1) {
		std::size_t const all = paths.size();
		keep_hinted(paths, hints);
		if (paths.size() == all)
			refuse_several(lexicon, from, to);
		keep_shortest(paths);
	}
	if (paths.size() > 1)
		refuse_several(lexicon, from, to);
	return paths.front();
}

bool
meets(const Path &path, int table)
{
	return std::any_of(path.begin(), path.end(), [table](const Step &step) { return step.to == table; });
}

Path
reversed(const Path &path)
{
	Path back;
	for (auto step = path.rbegin(); step != path.rend(); ++step)
		back.push_back({step->to, step->from, step->key, !step->up});
	return back;
}

} // namespace tenancy::ask

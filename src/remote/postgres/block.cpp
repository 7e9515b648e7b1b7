/*
 * The commands of a transaction and when they go. Pure regime.
 */
#include "remote/postgres/block.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace tenancy::remote::postgres {

namespace {

constexpr std::string_view begin_word = "BEGIN";
constexpr const char *set_guard = "SAVEPOINT tenancy_guard";
constexpr const char *release_guard = "RELEASE SAVEPOINT tenancy_guard";

std::string
with_name(const char *verb, int level)
{
	return verb + (" s" + std::to_string(level));
}

} // namespace

void
Block::begin(std::string sql)
{
	end();
	open_ = true;
	waiting_.push_back(std::move(sql));
}

/* The guard is always the innermost savepoint: one that is still needed after this is set again. */
void
Block::drop_guard()
{
	if (!guarded_)
		return;
	guarded_ = false;
	if (!waiting_.empty() && waiting_.back() == set_guard)
		waiting_.pop_back();
	else
		waiting_.push_back(release_guard);
}

void
Block::savepoint(int level)
{
	drop_guard();
	waiting_.push_back(with_name("SAVEPOINT", level));
}

/*
 * All commands that wait were put behind the savepoint, or behind one of the same depth that was sent and is released
 * before.
 */
void
Block::release(int level)
{
	guarded_ = false;
	auto const set = std::ranges::find(waiting_, with_name("SAVEPOINT", level));
	if (set != waiting_.end()) {
		waiting_.erase(set, waiting_.end());
		return;
	}
	waiting_.clear();
	waiting_.push_back(with_name("RELEASE SAVEPOINT", level));
}

std::vector<std::string>
Block::roll_back_to(int level)
{
	guarded_ = false;
	auto const set = std::ranges::find(waiting_, with_name("SAVEPOINT", level));
	if (set != waiting_.end()) {
		waiting_.erase(set, waiting_.end());
		return {};
	}
	waiting_.clear();
	return {with_name("ROLLBACK TO SAVEPOINT", level), with_name("RELEASE SAVEPOINT", level)};
}

void
Block::die() noexcept
{
	dead_ = true;
	begun_ = guarded_ = false;
	waiting_.clear();
}

void
Block::end() noexcept
{
	open_ = begun_ = dead_ = guarded_ = false;
	waiting_.clear();
	told_.clear();
}

void
Block::before_statement(bool reads)
{
	if (!reads)
		drop_guard();
	else if (!std::exchange(guarded_, true))
		waiting_.push_back(set_guard);
}

void
Block::told() noexcept
{
	begun_ = true;
	told_.swap(waiting_);
	waiting_.clear();
}

std::string
Block::retry()
{
	if (guarded_)
		return to_guard;
	bool const fresh = !told_.empty() && std::string_view(told_.front()).starts_with(begin_word);
	if (!fresh)
		return {};
	begun_ = false;
	waiting_.swap(told_);
	return "ROLLBACK";
}

} // namespace tenancy::remote::postgres

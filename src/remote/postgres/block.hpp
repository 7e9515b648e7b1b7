/*
 * A transaction that spans statements: how deep it is, and what of that the server has not been told yet, because it
 * can travel with the next statement. Pure regime.
 */
#pragma once

#include <string>
#include <vector>

namespace tenancy::remote::postgres {

class Block {
public:
	bool is_open() const noexcept { return open_; }
	/* The server is in it as well. */
	bool is_begun() const noexcept { return begun_; }
	/* Has it ended on the server alone, so that what is left of it is to be rolled back here? */
	bool is_dead() const noexcept { return dead_; }
	/* Is the innermost savepoint our guard, with only statements that read behind it? Rolling back then undoes no more.
	 */
	bool is_guarded() const noexcept { return guarded_; }

	void begin(std::string sql);
	void savepoint(int level);
	void release(int level);
	/* The commands for the server; none for a savepoint that it has not heard of. */
	std::vector<std::string> roll_back_to(int level);
	void die() noexcept;
	void end() noexcept;

	/*
	 * A statement comes next. One that only reads runs behind a savepoint of ours, so that stopping it early does not
	 * cost the transaction; one that writes must not be undone with it.
	 */
	void before_statement(bool reads);
	const std::vector<std::string> &waiting() const noexcept { return waiting_; }
	/* The server is told what waits. */
	void told() noexcept;
	/*
	 * The statement failed and is to run again: the command that makes this possible. Empty when it is not, as
	 * something else of the transaction would be lost.
	 */
	std::string retry();

	static constexpr const char *to_guard = "ROLLBACK TO SAVEPOINT tenancy_guard";

private:
	void drop_guard();

	std::vector<std::string> waiting_; /* commands in order */
	std::vector<std::string> told_;    /* those that went with the last statement */
	bool open_ = false, begun_ = false, dead_ = false, guarded_ = false;
};

} // namespace tenancy::remote::postgres

/*
 * One statement of a foreign table on a line: its cursor and the batch that PG code reads. Pure regime.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "remote/driver.hpp"

namespace tenancy::fdw {

class Line;

class Statement {
public:
	Statement() = default;
	~Statement() { close(); }
	Statement(const Statement &) = delete;
	Statement &operator=(const Statement &) = delete;

	/* The line must be ready (Line::reach) and no other statement open on it. */
	void open(Line &line, std::string_view sql, remote::ParamList params, const remote::RunOptions &options,
	          core::Waiter &waiter);
	/* Any number of columns will do: nobody reads them. */
	static constexpr int any_width = -1;

	/*
	 * False at the end, when the cursor is gone and affected() is known; the batch before the end stays readable. Its
	 * rows have so many columns, HV021 otherwise: a remote server answers what it likes.
	 */
	bool fetch(int width, core::Waiter &waiter);
	/*
	 * Stop. What is unread of a statement that changes or locks rows inside a remote transaction stays with the line:
	 * stopping it there could take the transaction with it.
	 */
	void close() noexcept;

	bool is_open() const noexcept { return cursor_ != nullptr; }
	const std::vector<remote::Column> &columns() const noexcept { return columns_; } /* after the first fetch */
	const remote::Batch &batch() const noexcept { return batch_; }
	std::int64_t affected() const noexcept { return affected_; }

private:
	friend class Line;

	void learn_columns();
	/* Lets go of the cursor without asking the line. */
	void drop() noexcept;

	Line *line_ = nullptr; /* while it is open */
	std::unique_ptr<remote::Cursor> cursor_;
	std::vector<remote::Param> params_; /* their memory is used again by the next open() */
	std::vector<remote::Column> columns_;
	remote::Batch batch_, spare_;
	std::int64_t affected_ = 0;
	bool described_ = false;
	bool reads_ = false; /* and does nothing else */
};

} // namespace tenancy::fdw

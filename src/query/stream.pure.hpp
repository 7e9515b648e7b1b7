/*
 * One statement on a leased session, batch by batch: what every kind of query runs on. Pure regime;
 * PG code reads its batch and columns between the crossings.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "connection/pool.pure.hpp"
#include "remote/driver.hpp"

namespace tenancy::query {

/* Refuse what no row of PostgreSQL could hold (54011): a client database says itself how many columns it has. */
void check_columns(const std::vector<remote::Column> &columns);

class Stream {
public:
	/* Acquire a session and start the statement. */
	void open(connection::Pool &pool, connection::Opening &opening, std::string_view sql, remote::ParamList params,
	          int fetch_rows, core::Waiter &waiter);
	/* The next batch; false at the true end of the data, after which the session is back in its pool. */
	bool fetch(core::Waiter &waiter);
	/* To the true end of the data, of which nothing is kept. */
	void read_on(core::Waiter &waiter);
	/* Stop here: the remote statement ends too, and the session goes back or is closed. */
	void close() noexcept;

	const std::vector<remote::Column> &columns() const noexcept { return columns_; }
	const remote::Batch &batch() const noexcept { return batch_; }
	bool is_open() const noexcept { return cursor_ != nullptr || lease_.has_value(); }
	bool at_end() const noexcept { return at_end_; }
	/* Fetched so far; after the end of a statement without rows, those it changed. */
	std::int64_t rows() const noexcept { return rows_; }
	/* Of values fetched so far. */
	std::int64_t bytes() const noexcept { return bytes_; }

private:
	std::optional<connection::Lease> lease_; /* outlives the cursor */
	std::unique_ptr<remote::Cursor> cursor_;
	std::vector<remote::Column> columns_;
	remote::Batch batch_;
	bool at_end_ = false;
	std::int64_t rows_ = 0, bytes_ = 0;
};

} // namespace tenancy::query

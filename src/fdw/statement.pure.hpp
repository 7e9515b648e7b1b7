/*
 * One statement of a foreign table on a leased session: its cursor and the batch that PG code reads. Pure regime.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "remote/driver.hpp"

namespace tenancy::fdw {

class Statement {
public:
	void open(remote::Session &session, std::string_view sql, remote::ParamList params,
	          const remote::RunOptions &options, core::Waiter &waiter);
	/* False at the end, when the cursor is gone and affected() is known. */
	bool fetch(core::Waiter &waiter);
	void close() noexcept { cursor_.reset(); }

	bool is_open() const noexcept { return cursor_ != nullptr; }
	const std::vector<remote::Column> &columns() const noexcept { return columns_; } /* after the first fetch */
	const remote::Batch &batch() const noexcept { return batch_; }
	std::int64_t affected() const noexcept { return affected_; }

private:
	std::unique_ptr<remote::Cursor> cursor_;
	std::vector<remote::Param> params_; /* their memory is used again by the next open() */
	std::vector<remote::Column> columns_;
	remote::Batch batch_;
	std::int64_t affected_ = 0;
};

} // namespace tenancy::fdw

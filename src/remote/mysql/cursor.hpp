/*
 * The rows of a statement, in batches. Pure regime.
 */
#pragma once

#include "remote/mysql/session.hpp"

namespace tenancy::remote::mysql {

class RowCursor final : public Cursor {
public:
	RowCursor(Connection &connection, core::Deadline deadline, const RunOptions &options);

	/* The statement is sent through this; then one of the next two is called. */
	Flow &flow() noexcept { return flow_; }
	void begin(std::shared_ptr<const Layout> layout);
	void finish(std::int64_t affected, const Budget &budget);

	const std::vector<Column> &columns() const noexcept override
	{
		return layout_ != nullptr ? layout_->columns : no_columns_;
	}
	bool fetch(Batch &batch, core::Waiter &waiter) override;
	std::int64_t affected() const noexcept override { return affected_; }

private:
	bool fetch_row(Batch &batch, const Budget &budget);
	bool fetch_text_row(Batch &batch, const Budget &budget);

	Flow flow_;
	std::shared_ptr<const Layout> layout_; /* null when there are no rows */
	std::vector<Column> no_columns_;
	core::Deadline deadline_;
	std::size_t fetch_rows_;
	bool native_;
	std::int64_t affected_ = 0; /* rows changed, or fetched so far */
};

} // namespace tenancy::remote::mysql

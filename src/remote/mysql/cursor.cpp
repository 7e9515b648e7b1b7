/*
 * Fetching: the library's rows into batches, as they arrive. Pure regime.
 */
#include <algorithm>

#include "core/error.hpp"
#include "remote/mysql/cursor.hpp"
#include "remote/mysql/decode.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/row.hpp"
#include "remote/room.hpp"

namespace tenancy::remote::mysql {

RowCursor::RowCursor(Connection &connection, core::Deadline deadline, const RunOptions &options)
	: flow_(connection), deadline_(deadline), fetch_rows_(static_cast<std::size_t>(std::max(options.fetch_rows, 1))),
	  native_(options.native)
{}

void
RowCursor::begin(std::shared_ptr<const Layout> layout)
{
	layout_ = std::move(layout);
}

void
RowCursor::finish(std::int64_t affected, const Budget &budget)
{
	affected_ = affected;
	flow_.owner.finish(flow_, budget);
}

bool
RowCursor::fetch(Batch &batch, core::Waiter &waiter)
{
	batch.reset(columns().size());
	if (!flow_.open)
		return false;
	Budget const budget = {deadline_, waiter};
	waiter.serve();
	if (deadline_.passed())
		throw core::Error(core::FailureKind::timeout, "57014", "remote statement timed out");
	bool more = true;
	auto const fill = [&] {
		while (more && batch.rows() < fetch_rows_ && has_room(batch))
			more = flow_.text != nullptr ? fetch_text_row(batch, budget) : fetch_row(batch, budget);
	};
	flow_.owner.handle().together(fill, budget);
	if (!more)
		flow_.owner.finish(flow_, budget);
	affected_ += static_cast<std::int64_t>(batch.rows());
	return batch.rows() > 0;
}

/* False at the end of the rows, which only the server can declare: whatever else happens is an error. */
bool
RowCursor::fetch_row(Batch &batch, const Budget &budget)
{
	MYSQL_STMT *const stmt = flow_.statement->stmt;
	Handle &handle = flow_.owner.handle();
	switch (handle.fetch(stmt, budget)) {
	case 0: decode_row(layout_->shapes, handle.row(), native_, batch); return true;
	case MYSQL_NO_DATA: return false;
	default: throw statement_error(report_of(stmt));
	}
}

bool
RowCursor::fetch_text_row(Batch &batch, const Budget &budget)
{
	MYSQL_ROW const row = flow_.owner.handle().fetch_row(flow_.text, budget);
	if (row == nullptr) {
		if (has_failed(flow_.owner.handle().get()))
			throw statement_error(report_of(flow_.owner.handle().get()));
		return false;
	}
	auto const *const lengths = mysql_fetch_lengths(flow_.text);
	Cell *const cells = batch.add_row();
	for (std::size_t i = 0; i < layout_->shapes.size(); ++i)
		if (row[i] != nullptr)
			decode_text(layout_->shapes[i], {row[i], lengths[i]}, batch, cells[i]);
	return true;
}

} // namespace tenancy::remote::mysql

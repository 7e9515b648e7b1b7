/*
 * See stream.pure.hpp. Pure regime.
 */
#include "query/stream.pure.hpp"

#include "core/error.hpp"

namespace tenancy::query {

namespace {

constexpr std::size_t most_columns = 1664; /* MaxTupleAttributeNumber */

} // namespace

void
check_columns(const std::vector<remote::Column> &columns)
{
	if (columns.size() > most_columns)
		throw core::Error(core::FailureKind::query, "54011",
		                  "the statement returns " + std::to_string(columns.size()) + " columns",
		                  "A row has at most " + std::to_string(most_columns) + " columns.");
}

void
Stream::open(connection::Pool &pool, connection::Opening &opening, std::string_view sql, remote::ParamList params,
             int fetch_rows, core::Waiter &waiter)
{
	lease_.emplace(pool, opening, waiter);
	remote::RunOptions options;
	options.timeout_ms = opening.statement_timeout_ms;
	options.read_only = opening.read_only;
	options.fetch_rows = fetch_rows;
	std::vector<remote::Param> owned;
	remote::assign(owned, params);
	cursor_ = lease_->session().execute(sql, owned, options, waiter);
	check_columns(cursor_->columns());
	columns_ = cursor_->columns();
}

bool
Stream::fetch(core::Waiter &waiter)
{
	if (at_end_)
		return false;
	if (cursor_->fetch(batch_, waiter)) {
		rows_ += static_cast<std::int64_t>(batch_.rows());
		bytes_ += static_cast<std::int64_t>(batch_.bytes() + batch_.rows() * batch_.width() * 8);
		return true;
	}
	at_end_ = true;
	if (columns_.empty())
		rows_ = cursor_->affected();
	close();
	return false;
}

void
Stream::read_on(core::Waiter &waiter)
{
	while (fetch(waiter))
		;
}

void
Stream::close() noexcept
{
	cursor_.reset();
	lease_.reset();
}

} // namespace tenancy::query

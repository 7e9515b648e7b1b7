/*
 * See statement.pure.hpp. Pure regime.
 */
#include "fdw/statement.pure.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "fdw/line.pure.hpp"

namespace tenancy::fdw {

namespace {

/* Throws unless as many columns came as were wanted; for none, there may be one that says nothing. */
void
check_width(std::size_t given, int wanted)
{
	if (wanted == Statement::any_width || given == static_cast<std::size_t>(wanted) || (wanted == 0 && given == 1))
		return;
	throw core::Error(core::FailureKind::query, "HV021",
	                  "the remote server answers " + std::to_string(given) + " columns instead of " +
	                      std::to_string(wanted),
	                  {}, "Import the foreign tables again.");
}

} // namespace

void
Statement::open(Line &line, std::string_view sql, remote::ParamList params, const remote::RunOptions &options,
                core::Waiter &waiter)
{
	close();
	remote::assign(params_, params);
	affected_ = 0;
	described_ = false;
	reads_ = options.repeatable;
	bool const tried = line.tried_;
	Line::Trial trial(line);
	cursor_ = line.session().execute(sql, params_, options, waiter);
	line_ = &line;
	line.open_ = this;
	trial.pass();
	if (options.deferred)
		line.tried_ = tried; /* nothing was heard of this one yet */
}

/* Most statements run again and again and answer the same columns: their names need not be copied each time. */
void
Statement::learn_columns()
{
	auto const same = [](const remote::Column &a, const remote::Column &b) {
		return a.type_oid == b.type_oid && a.typmod == b.typmod;
	};
	if (!std::ranges::equal(columns_, cursor_->columns(), same))
		columns_ = cursor_->columns();
	described_ = true;
}

bool
Statement::fetch(int width, core::Waiter &waiter)
{
	if (cursor_ == nullptr)
		return false;
	Line::Trial trial(*line_);
	bool const more = cursor_->fetch(spare_, waiter);
	if (!described_)
		learn_columns();
	if (more) {
		check_width(spare_.width(), width);
		std::swap(batch_, spare_);
	} else {
		affected_ = cursor_->affected();
	}
	trial.pass();
	if (!more)
		drop();
	return more;
}

void
Statement::drop() noexcept
{
	cursor_.reset();
	if (line_ != nullptr && line_->open_ == this)
		line_->open_ = nullptr;
	line_ = nullptr;
}

void
Statement::close() noexcept
{
	if (cursor_ == nullptr)
		return;
	Line &line = *line_;
	if (line.depth_ > 0 && line.failed_ == 0 && !reads_)
		line.leftover_ = std::move(cursor_);
	drop();
	line.lost_ = line.lost_ || (line.depth_ > 0 && !line.session().in_transaction());
}

} // namespace tenancy::fdw

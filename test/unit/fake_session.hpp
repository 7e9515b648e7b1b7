/*
 * A client database that answers each question with rows of the test: what a hostile one can say. Pure regime.
 */
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "remote/driver.hpp"

namespace tenancy::test {

using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

/* Rows by a part of the statement that asks for them; every value is a text. */
struct Answers {
	std::vector<std::pair<std::string, Rows>> rows;
	std::vector<std::string> asked;
	std::string refused; /* a part of statements that fail, with 22021 */
	core::FailureKind refusal = core::FailureKind::query;
	std::string version = "16.0";
};

class FakeCursor final : public remote::Cursor {
public:
	explicit FakeCursor(const Rows &rows) : rows_(rows) {}
	const std::vector<remote::Column> &columns() const noexcept override { return columns_; }
	bool fetch(remote::Batch &batch, core::Waiter &) override
	{
		if (at_ == rows_.size()) {
			batch.reset(0);
			return false;
		}
		batch.reset(rows_[at_].size());
		remote::Cell *const cells = batch.add_row();
		for (std::size_t i = 0; i < rows_[at_].size(); ++i) {
			if (!rows_[at_][i])
				continue;
			cells[i].kind = remote::CellKind::text;
			cells[i].data = rows_[at_][i]->data();
			cells[i].size = static_cast<std::uint32_t>(rows_[at_][i]->size());
		}
		++at_;
		return true;
	}
	std::int64_t affected() const noexcept override { return 0; }

private:
	const Rows &rows_;
	std::vector<remote::Column> columns_;
	std::size_t at_ = 0;
};

class FakeSession final : public remote::Session {
public:
	explicit FakeSession(Answers &answers) : answers_(answers) {}
	std::unique_ptr<remote::Cursor> execute(std::string_view sql, std::span<const remote::Param>,
	                                        const remote::RunOptions &, core::Waiter &) override
	{
		answers_.asked.emplace_back(sql);
		if (!answers_.refused.empty() && sql.find(answers_.refused) != std::string_view::npos)
			throw core::Error(answers_.refusal, "22021", "refused");
		for (auto const &[part, rows] : answers_.rows)
			if (sql.find(part) != std::string_view::npos)
				return std::make_unique<FakeCursor>(rows);
		return std::make_unique<FakeCursor>(none_);
	}
	std::vector<remote::Column> describe(std::string_view, const remote::RunOptions &, core::Waiter &) override
	{
		return {};
	}
	void transact(const remote::TransactionStep &, core::Deadline, core::Waiter &) override {}
	bool in_transaction() const noexcept override { return false; }
	bool reusable() const noexcept override { return true; }
	bool ping(core::Deadline, core::Waiter &) override { return true; }
	const std::string &server_version() const noexcept override { return answers_.version; }

private:
	Answers &answers_;
	Rows none_;
};

template <typename Call>
void
expect_sqlstate(Call call, std::string_view sqlstate, std::string_view what)
{
	try {
		call();
		ADD_FAILURE() << what << ": no error";
	} catch (const core::Error &error) {
		EXPECT_EQ(std::string_view(error.sqlstate, 5), sqlstate) << what << ": " << error.message;
	}
}

} // namespace tenancy::test

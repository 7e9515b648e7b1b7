/*
 * What the tests of the SQLite driver share: a private directory, sessions in it, rows as text. Pure regime.
 */
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "remote/driver.hpp"
#include "waiter.hpp"

namespace tenancy::test {

using namespace tenancy::remote;
using core::FailureKind;
namespace fs = std::filesystem;

/* What an operation failed with; sqlstate "00000" when it did not. */
struct Failure {
	std::string sqlstate = "00000", message, detail, hint;
	FailureKind kind = FailureKind::other;
};

template <typename Work>
Failure
failure_of(Work work)
{
	try {
		work();
	} catch (const core::Error &error) {
		return {error.sqlstate, error.message, error.detail, error.hint, error.kind};
	}
	return {};
}

inline Param
number(std::int64_t value)
{
	Param param;
	param.kind = Param::Kind::integer;
	param.integer = value;
	return param;
}

inline Param
real_number(double value)
{
	Param param;
	param.kind = Param::Kind::float8;
	param.real = value;
	return param;
}

inline Param
string(Param::Kind kind, std::string text)
{
	Param param;
	param.kind = kind;
	param.text = std::move(text);
	return param;
}

inline std::string
show(const Cell &cell)
{
	switch (cell.kind) {
	case CellKind::null: return "null";
	case CellKind::boolean: return cell.integer != 0 ? "bool true" : "bool false";
	case CellKind::integer: return "int " + std::to_string(cell.integer);
	case CellKind::float8: {
		char buffer[32];
		std::snprintf(buffer, sizeof buffer, "real %.17g", cell.real);
		return buffer;
	}
	case CellKind::text: return "text " + std::string(cell.view());
	case CellKind::bytes: return "bytes " + std::to_string(cell.size);
	default: break;
	}
	return "?";
}

/* A directory of SQLite databases, and statements on them in one line. */
class SqliteFixture : public testing::Test {
protected:
	void SetUp() override
	{
		char pattern[] = "/tmp/tenancy_sqlite_XXXXXX";
		ASSERT_NE(mkdtemp(pattern), nullptr);
		root_ = pattern;
		fs::create_directory(home());
	}
	void TearDown() override
	{
		if (!root_.empty())
			fs::remove_all(root_);
	}

	fs::path home() const { return root_ / "0190b5f0-user"; }
	Target target(const std::string &name, bool create = true, bool read_only = false) const
	{
		Target target;
		target.type = DatabaseType::sqlite;
		target.database = name;
		target.sqlite_directory = home();
		target.create = create;
		target.read_only = read_only;
		target.connect_timeout_ms = 1000;
		return target;
	}
	std::unique_ptr<Session> open(const std::string &name = "a.db", bool read_only = false)
	{
		return connect(target(name, true, read_only), waiter_);
	}
	/* Rows as text, cells separated by bars. */
	std::vector<std::string> rows(Session &session, std::string_view sql, std::vector<Param> params = {},
	                              RunOptions options = {})
	{
		auto const cursor = session.execute(sql, params, options, waiter_);
		Batch batch;
		std::vector<std::string> lines;
		while (cursor->fetch(batch, waiter_))
			for (std::size_t i = 0; i < batch.rows(); ++i) {
				std::string line;
				for (std::size_t j = 0; j < batch.width(); ++j)
					line += (j > 0 ? "|" : "") + show(batch.row(i)[j]);
				lines.push_back(line);
			}
		affected_ = cursor->affected();
		return lines;
	}
	std::string value(Session &session, std::string_view sql, std::vector<Param> params = {})
	{
		auto const lines = rows(session, sql, std::move(params));
		return lines.size() == 1 ? lines[0] : "rows: " + std::to_string(lines.size());
	}
	Failure fails(Session &session, std::string_view sql, RunOptions options = {})
	{
		return failure_of([&] { rows(session, sql, {}, options); });
	}
	Failure refuses(const std::string &name, bool create = false)
	{
		return failure_of([&] { connect(target(name, create), waiter_); });
	}

	fs::path root_;
	PollWaiter waiter_;
	std::int64_t affected_ = 0;
};

inline double
seconds_of(const std::function<void()> &work)
{
	auto const start = std::chrono::steady_clock::now();
	work();
	return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace tenancy::test

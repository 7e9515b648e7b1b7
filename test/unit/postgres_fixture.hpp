/*
 * Sessions of the PostgreSQL driver with the server that CLIENT_PG* in the environment name. Pure regime.
 * Without that server the tests fail: a driver that was not tested does not pass.
 */
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "remote/address.hpp"
#include "remote/driver.hpp"
#include "waiter.hpp"

namespace tenancy::test {

using namespace remote;
using core::Deadline;
using core::Error;
using core::FailureKind;
using Clock = std::chrono::steady_clock;
namespace pgtype = core::pgtype;

inline std::string
environment(const char *name)
{
	const char *const value = std::getenv(name);
	if (value == nullptr || *value == '\0')
		throw std::runtime_error(std::string(name) + " is not set: the tests need a PostgreSQL server");
	return value;
}

inline double
seconds_since(Clock::time_point start)
{
	return std::chrono::duration<double>(Clock::now() - start).count();
}

/* Sessions with the client database, and what tests of them have in common. */
class PostgresDriver : public testing::Test {
protected:
	Target target()
	{
		Target made;
		made.host = environment("CLIENT_PGHOST");
		made.port = static_cast<std::uint16_t>(std::stoi(environment("CLIENT_PGPORT")));
		made.database = environment("CLIENT_PGDATABASE");
		made.username = environment("CLIENT_PGUSER");
		made.password.assign(environment("CLIENT_PGPASSWORD"));
		made.tls = TlsMode::prefer;
		made.application_name = "postgres_driver_test";
		made.allowed_networks = &loopback;
		return made;
	}
	std::unique_ptr<Session> open(bool read_only = false)
	{
		Target made = target();
		made.read_only = read_only;
		return postgres::connect(made, waiter);
	}
	/*
	 * All rows as text: cells joined by '|', null as '~', booleans yes or no, bytes in <>, dates
	 * and times as @number, wire forms in [].
	 */
	std::vector<std::string> rows(Session &session, std::string_view sql, const RunOptions &options = {},
	                              std::vector<Param> params = {})
	{
		auto cursor = session.execute(sql, params, options, waiter);
		std::vector<std::string> all;
		Batch batch;
		while (cursor->fetch(batch, waiter))
			for (std::size_t row = 0; row < batch.rows(); ++row)
				all.push_back(row_text(batch, row));
		EXPECT_EQ(batch.rows(), 0u);
		EXPECT_FALSE(cursor->fetch(batch, waiter));
		affected = cursor->affected();
		return all;
	}
	std::string one(Session &session, std::string_view sql, const RunOptions &options = {},
	                std::vector<Param> params = {})
	{
		auto const all = rows(session, sql, options, std::move(params));
		return all.size() == 1 ? all[0] : std::to_string(all.size()) + " rows";
	}
	static std::string row_text(const Batch &batch, std::size_t row)
	{
		std::string text;
		for (std::size_t i = 0; i < batch.width(); ++i)
			text += (i == 0 ? "" : "|") + cell_text(batch.row(row)[i]);
		return text;
	}
	static std::string cell_text(const Cell &cell)
	{
		char digits[64];
		switch (cell.kind) {
		case CellKind::null: return "~";
		case CellKind::boolean: return cell.integer != 0 ? "yes" : "no";
		case CellKind::integer: return std::to_string(cell.integer);
		case CellKind::float4:
		case CellKind::float8: std::snprintf(digits, sizeof digits, "%a", cell.real); return digits;
		case CellKind::date:
		case CellKind::time:
		case CellKind::timestamp: return "@" + std::to_string(cell.integer);
		case CellKind::wire: return "[" + std::string(cell.view()) + "]";
		case CellKind::bytes: return "<" + std::string(cell.view()) + ">";
		case CellKind::text: break;
		}
		EXPECT_EQ(cell.data[cell.size], '\0');
		return std::string(cell.view());
	}
	std::optional<Error> failure_of(const std::function<void()> &body)
	{
		try {
			body();
		} catch (const Error &error) {
			return error;
		}
		return std::nullopt;
	}
	void expect_failure(const std::function<void()> &body, FailureKind kind, const char *sqlstate)
	{
		auto const error = failure_of(body);
		ASSERT_TRUE(error.has_value()) << "nothing failed, expected " << sqlstate;
		EXPECT_EQ(core::name_of(error->kind), core::name_of(kind)) << error->message;
		EXPECT_STREQ(error->sqlstate, sqlstate) << error->message;
		EXPECT_EQ(error->message.find('\n'), std::string::npos) << error->message;
		EXPECT_EQ(error->message.find(environment("CLIENT_PGPASSWORD")), std::string::npos) << error->message;
	}
	/* How many statements marked so the server runs, after giving it seconds to end them. */
	int running(const std::string &mark, double within = in_time)
	{
		auto observer = open();
		auto const start = Clock::now();
		int count = 0;
		do {
			count = std::stoi(one(*observer,
			                      "SELECT count(*)::int4 FROM pg_stat_activity WHERE state <> 'idle'"
			                      " AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'",
			                      {}, {text_param(mark)}));
		} while (count > 0 && seconds_since(start) < within);
		return count;
	}
	static Param text_param(std::string text, std::uint32_t oid = pgtype::text)
	{
		Param param;
		param.kind = Param::Kind::text;
		param.text = std::move(text);
		param.type_oid = oid;
		return param;
	}
	static Param integer_param(std::int64_t value, std::uint32_t oid = 0)
	{
		Param param;
		param.kind = Param::Kind::integer;
		param.integer = value;
		param.type_oid = oid;
		return param;
	}

	NetworkList loopback = NetworkList::parse("127.0.0.0/8");
	PollWaiter waiter;
	std::int64_t affected = -1; /* of the last rows() */
};

} // namespace tenancy::test

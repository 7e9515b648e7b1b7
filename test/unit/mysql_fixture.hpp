/*
 * What the tests of the MySQL/MariaDB driver share: sessions of a real server, named by MYSQL_HOST, MYSQL_PORT,
 * MYSQL_USER, MYSQL_PASSWORD and MYSQL_DATABASE, and rows as text. Pure regime.
 */
#pragma once

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "remote/address.hpp"
#include "remote/driver.hpp"
#include "waiter.hpp"

namespace tenancy::test::maria {

using namespace tenancy::remote;
using core::FailureKind;
using std::chrono::steady_clock;

inline std::string
setting(const char *name)
{
	const char *const value = std::getenv(name);
	if (value == nullptr || *value == 0)
		throw std::runtime_error(std::string(name) + " is not set");
	return value;
}

inline double
seconds_since(steady_clock::time_point start)
{
	return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/* What the kernel says of this process' memory, by its word for it. */
inline long
memory_kb(std::string_view word)
{
	std::ifstream status("/proc/self/status");
	for (std::string line; std::getline(status, line);)
		if (line.starts_with(word))
			return std::atol(line.c_str() + word.size());
	return 0;
}

inline long
resident_kb()
{
	return memory_kb("VmRSS:");
}

/* The most that it ever had. */
inline long
peak_kb()
{
	return memory_kb("VmHWM:");
}

inline std::string
show(const Cell &cell)
{
	std::ostringstream out;
	out.precision(17);
	switch (cell.kind) {
	case CellKind::null: return "NULL";
	case CellKind::boolean:
	case CellKind::integer: return std::to_string(cell.integer);
	case CellKind::float4: out.precision(9); [[fallthrough]];
	case CellKind::float8: out << cell.real; return out.str();
	case CellKind::text: return std::string(cell.view());
	case CellKind::bytes: break;
	case CellKind::date: return "date " + std::to_string(cell.integer);
	case CellKind::timestamp: return "timestamp " + std::to_string(cell.integer);
	default: return "?";
	}
	out << "\\x" << std::hex;
	for (unsigned char const c : cell.view())
		out << (c < 16 ? "0" : "") << static_cast<unsigned>(c);
	return out.str();
}

using Rows = std::vector<std::vector<std::string>>;

/* An error is expected: what it is. */
inline core::Error
failure(const std::function<void()> &body)
{
	try {
		body();
	} catch (const core::Error &error) {
		return error;
	}
	ADD_FAILURE() << "no error";
	return {FailureKind::other, "00000", "no error"};
}

class MysqlFixture : public testing::Test {
protected:
	void SetUp() override { ASSERT_NO_THROW(session = connect()); }

	Target target()
	{
		Target result;
		result.type = DatabaseType::mysql;
		result.host = setting("MYSQL_HOST");
		result.port = static_cast<std::uint16_t>(std::stoi(setting("MYSQL_PORT")));
		result.username = setting("MYSQL_USER");
		result.password = core::Secret(std::string_view(setting("MYSQL_PASSWORD")));
		result.database = setting("MYSQL_DATABASE");
		result.application_name = "driver test";
		result.allowed_networks = &networks;
		return result;
	}
	std::unique_ptr<Session> connect() { return mysql::connect(target(), waiter); }

	Rows rows(Session &on, std::string_view sql, std::span<const Param> params = {}, const RunOptions &options = {})
	{
		Rows result;
		auto const cursor = on.execute(sql, params, options, waiter);
		Batch batch;
		while (cursor->fetch(batch, waiter))
			for (std::size_t r = 0; r < batch.rows(); ++r) {
				result.emplace_back();
				for (std::size_t c = 0; c < batch.width(); ++c)
					result.back().push_back(show(batch.row(r)[c]));
			}
		affected = cursor->affected();
		return result;
	}
	Rows rows(std::string_view sql, std::span<const Param> params = {}, const RunOptions &options = {})
	{
		return rows(*session, sql, params, options);
	}
	/* Through a session of its own, since creating something may leave a session changed. */
	void define(std::string_view sql)
	{
		if (definer == nullptr)
			definer = connect();
		rows(*definer, sql);
	}
	/* A table in the place of one with the same name. */
	void define_table(const std::string &name, const std::string &definition)
	{
		define("drop table if exists " + name);
		define("create table " + name + " " + definition);
	}
	bool is_mariadb() const { return session->server_version().starts_with("MariaDB"); }
	/* Is the session in a transaction, to its server? */
	bool server_in_transaction(Session &on)
	{
		return rows(on, is_mariadb() ? "select @@in_transaction"
		                             : "select count(*) from performance_schema.events_transactions_current "
		                               "join performance_schema.threads using (thread_id) where processlist_id = "
		                               "connection_id() and state = 'ACTIVE' and autocommit = 'NO'") == Rows({{"1"}});
	}
	std::string one(std::string_view sql, std::span<const Param> params = {})
	{
		Rows const result = rows(sql, params);
		return result.size() == 1 && result[0].size() == 1 ? result[0][0] : "not one value";
	}
	/* Does the server still run a statement with this text? Asked from another session, for at most a second. */
	bool vanishes(const std::string &text)
	{
		auto const observer = connect();
		auto const start = steady_clock::now();
		do {
			if (rows(*observer, "select id from information_schema.processlist where info like '%" + text +
			                        "%' and id <> connection_id()")
			        .empty())
				return true;
			std::this_thread::sleep_for(std::chrono::milliseconds(20));
		} while (seconds_since(start) < test::in_time);
		return false;
	}

	NetworkList networks = NetworkList::parse("127.0.0.0/8");
	test::PollWaiter waiter;
	std::unique_ptr<Session> session, definer;
	std::int64_t affected = 0;
};

inline Param
text_param(std::string text, std::uint32_t oid = 0)
{
	Param param;
	param.kind = Param::Kind::text;
	param.text = std::move(text);
	param.type_oid = oid;
	return param;
}

inline Param
integer_param(std::int64_t value)
{
	Param param;
	param.kind = Param::Kind::integer;
	param.integer = value;
	return param;
}

} // namespace tenancy::test::maria

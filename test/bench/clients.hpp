/*
 * The bare client libraries, as a careful application would use them: the peers that pg_tenancy is measured against,
 * and the libpq connection through which it is called.
 */
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <libpq-fe.h>
#include <mysql.h>
#include <sqlite3.h>

#include "bench.hpp"

namespace bench {

/* The ten columns of the measured table, as tenancy.query wants them declared. */
inline constexpr char column_list[] =
	"id bigint, n integer, name text, note text, price numeric, ratio double precision, day date, at timestamp,"
	" flag boolean, code smallint";
inline constexpr int column_count = 10;

/* Keeps the compiler from dropping what a loop has read. */
inline void
consume(std::uint64_t value)
{
	static thread_local volatile std::uint64_t sink;
	sink = sink + value;
}

class Postgres {
public:
	explicit Postgres(const std::string &conninfo) : connection_(PQconnectdb(conninfo.c_str()))
	{
		if (PQstatus(connection_) != CONNECTION_OK)
			fail();
	}
	Postgres(const Postgres &) = delete;
	Postgres &operator=(const Postgres &) = delete;
	~Postgres() { PQfinish(connection_); }

	/* The platform, as a role with the history durability of its name. Over TCP, like its peer. */
	static std::string platform(const std::string &durability, const std::string &database = required("PGDATABASE"))
	{
		return "host=127.0.0.1 port=" + required("PGPORT") + " dbname=" + database + " user=bench_" + durability +
		       " password=" + required("BENCH_PASSWORD");
	}
	static std::string client()
	{
		return "host=" + required("CLIENT_PGHOST") + " port=" + required("CLIENT_PGPORT") +
		       " dbname=" + required("CLIENT_PGDATABASE") + " user=" + required("CLIENT_PGUSER") +
		       " password=" + required("CLIENT_PGPASSWORD");
	}

	void prepare(const char *name, const std::string &sql)
	{
		check(PQprepare(connection_, name, sql.c_str(), 0, nullptr));
	}
	std::string execute(const std::string &sql) { return check(PQexec(connection_, sql.c_str())); }
	/* The first value of the result. */
	std::string call(const char *name, const std::vector<std::string> &arguments)
	{
		std::vector<const char *> values;
		for (auto const &argument : arguments)
			values.push_back(argument.c_str());
		int const count = static_cast<int>(values.size());
		return check(PQexecPrepared(connection_, name, count, values.data(), nullptr, nullptr, 0));
	}
	/* Number of rows of a statement, each value looked at, one row in memory at a time. */
	long stream(const char *sql)
	{
		if (PQsendQuery(connection_, sql) != 1 || PQsetSingleRowMode(connection_) != 1)
			fail();
		long rows = 0;
		while (PGresult *const result = PQgetResult(connection_)) {
			int const count = PQntuples(result);
			for (int row = 0; row < count; ++row)
				for (int i = 0; i < PQnfields(result); ++i)
					consume(static_cast<std::uint64_t>(PQgetlength(result, row, i) + *PQgetvalue(result, row, i)));
			rows += count;
			ExecStatusType const status = PQresultStatus(result);
			PQclear(result);
			if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK)
				fail();
		}
		return rows;
	}
	/* Rows of one FETCH. */
	long fetch(const char *sql)
	{
		PGresult *const result = PQexec(connection_, sql);
		long const rows = PQntuples(result);
		check(result);
		return rows;
	}
	void copy(const char *sql, const std::string &lines)
	{
		PGresult *const begun = PQexec(connection_, sql);
		bool const ready = PQresultStatus(begun) == PGRES_COPY_IN;
		PQclear(begun);
		if (!ready || PQputCopyData(connection_, lines.data(), static_cast<int>(lines.size())) != 1 ||
		    PQputCopyEnd(connection_, nullptr) != 1)
			fail();
		check(PQgetResult(connection_));
		while (PGresult *const rest = PQgetResult(connection_))
			PQclear(rest);
	}
	int process() const { return PQbackendPID(connection_); }

private:
	[[noreturn]] void fail() const { throw std::runtime_error(PQerrorMessage(connection_)); }
	std::string check(PGresult *result) const
	{
		ExecStatusType const status = PQresultStatus(result);
		std::string const value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
		PQclear(result);
		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
			fail();
		return value;
	}

	PGconn *connection_;
};

/* Wait until nothing of an earlier measurement is left for the history worker to do. */
inline void
settle(const std::string &database = required("PGDATABASE"))
{
	Postgres admin("host=" + required("PGHOST") + " port=" + required("PGPORT") + " dbname=" + database +
	               " user=" + required("PGUSER"));
	while (admin.execute("SELECT sum(queued) FROM tenancy.history_queue()") != "0")
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

inline MYSQL *
connect_to_maria()
{
	MYSQL *const mysql = mysql_init(nullptr);
	auto const port = static_cast<unsigned>(std::stoul(required("MYSQL_PORT")));
	if (mysql_real_connect(mysql, required("MYSQL_HOST").c_str(), required("MYSQL_USER").c_str(),
	                       required("MYSQL_PASSWORD").c_str(), required("MYSQL_DATABASE").c_str(), port, nullptr,
	                       0) == nullptr)
		throw std::runtime_error(mysql_error(mysql));
	return mysql;
}

/* Statements of MariaDB as text, whatever their columns. */
class MariaText {
public:
	MariaText() : mysql_(connect_to_maria()) {}
	MariaText(const MariaText &) = delete;
	MariaText &operator=(const MariaText &) = delete;
	~MariaText() { mysql_close(mysql_); }

	/* Number of rows. */
	long run(const std::string &sql)
	{
		if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0)
			throw std::runtime_error(mysql_error(mysql_));
		MYSQL_RES *const result = mysql_use_result(mysql_);
		if (result == nullptr)
			return 0;
		long rows = 0;
		while (char **const row = mysql_fetch_row(result)) {
			for (unsigned i = 0; i < mysql_num_fields(result); ++i)
				consume(row[i] == nullptr ? 0 : static_cast<unsigned char>(*row[i]));
			++rows;
		}
		mysql_free_result(result);
		return rows;
	}

private:
	MYSQL *mysql_;
};

/* A prepared statement of MariaDB whose ten columns are bound in their own binary types. */
class Maria {
public:
	explicit Maria(const char *sql) : mysql_(connect_to_maria())
	{
		statement_ = mysql_stmt_init(mysql_);
		check(mysql_stmt_prepare(statement_, sql, std::strlen(sql)));
		bind_columns();
	}
	Maria(const Maria &) = delete;
	Maria &operator=(const Maria &) = delete;
	~Maria()
	{
		mysql_stmt_close(statement_);
		mysql_close(mysql_);
	}

	/* Number of rows; key is the parameter, when there is one. */
	long run(std::int64_t key = 0)
	{
		MYSQL_BIND parameter{};
		parameter.buffer_type = MYSQL_TYPE_LONGLONG;
		parameter.buffer = &key;
		if (mysql_stmt_param_count(statement_) == 1)
			check(mysql_stmt_bind_param(statement_, &parameter));
		check(mysql_stmt_execute(statement_));
		if (mysql_stmt_field_count(statement_) == 0)
			return 0;
		check(mysql_stmt_bind_result(statement_, columns_));
		long rows = 0;
		for (int code; (code = mysql_stmt_fetch(statement_)) != MYSQL_NO_DATA; ++rows) {
			check(code);
			for (std::size_t i = 0; i < column_count; ++i)
				consume(lengths_[i] + static_cast<unsigned char>(buffers_[i][0]));
		}
		return rows;
	}

private:
	void bind_columns()
	{
		static constexpr enum_field_types types[column_count] = {
			MYSQL_TYPE_LONGLONG, MYSQL_TYPE_LONG, MYSQL_TYPE_STRING,   MYSQL_TYPE_STRING, MYSQL_TYPE_STRING,
			MYSQL_TYPE_DOUBLE,   MYSQL_TYPE_DATE, MYSQL_TYPE_DATETIME, MYSQL_TYPE_TINY,   MYSQL_TYPE_SHORT};
		for (std::size_t i = 0; i < column_count; ++i) {
			columns_[i].buffer_type = types[i];
			columns_[i].buffer = buffers_[i];
			columns_[i].buffer_length = sizeof buffers_[i];
			columns_[i].length = &lengths_[i];
		}
	}
	void check(int code) const
	{
		if (code != 0)
			throw std::runtime_error(std::string("MariaDB: ") + mysql_stmt_error(statement_));
	}

	MYSQL *mysql_;
	MYSQL_STMT *statement_;
	MYSQL_BIND columns_[column_count]{};
	alignas(MYSQL_TIME) char buffers_[column_count][128];
	unsigned long lengths_[column_count]{};
};

class Sqlite {
public:
	explicit Sqlite(const char *sql)
	{
		check(sqlite3_open_v2(required("BENCH_SQLITE").c_str(), &database_, SQLITE_OPEN_READONLY, nullptr));
		check(sqlite3_prepare_v2(database_, sql, -1, &statement_, nullptr));
	}
	Sqlite(const Sqlite &) = delete;
	Sqlite &operator=(const Sqlite &) = delete;
	~Sqlite()
	{
		sqlite3_finalize(statement_);
		sqlite3_close(database_);
	}

	long run(std::int64_t key = 0)
	{
		if (sqlite3_bind_parameter_count(statement_) == 1)
			check(sqlite3_bind_int64(statement_, 1, key));
		long rows = 0;
		int code;
		for (; (code = sqlite3_step(statement_)) == SQLITE_ROW; ++rows)
			for (int i = 0; i < sqlite3_column_count(statement_); ++i)
				read(i);
		if (code != SQLITE_DONE)
			check(code);
		check(sqlite3_reset(statement_));
		return rows;
	}

private:
	void read(int column)
	{
		switch (sqlite3_column_type(statement_, column)) {
		case SQLITE_INTEGER: return consume(static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column)));
		case SQLITE_FLOAT: return consume(static_cast<std::uint64_t>(sqlite3_column_double(statement_, column)));
		case SQLITE_NULL: return;
		default:
			consume(sqlite3_column_text(statement_, column)[0]);
			return consume(static_cast<std::uint64_t>(sqlite3_column_bytes(statement_, column)));
		}
	}
	void check(int code) const
	{
		if (code != SQLITE_OK)
			throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(database_));
	}

	sqlite3 *database_ = nullptr;
	sqlite3_stmt *statement_ = nullptr;
};

/* The handle of SQLite that changes the measured file. */
class SqliteWriter {
public:
	SqliteWriter()
	{
		if (sqlite3_open_v2(required("BENCH_SQLITE").c_str(), &database_, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK)
			fail();
		sqlite3_busy_timeout(database_, 10000);
	}
	SqliteWriter(const SqliteWriter &) = delete;
	SqliteWriter &operator=(const SqliteWriter &) = delete;
	~SqliteWriter() { sqlite3_close(database_); }

	void run(const std::string &sql)
	{
		if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
			fail();
	}
	/* A prepared statement with each key. */
	void change(const std::string &sql, const std::vector<std::int64_t> &keys)
	{
		sqlite3_stmt *statement = nullptr;
		if (sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
			fail();
		for (std::int64_t const key : keys) {
			sqlite3_bind_int64(statement, 1, key);
			if (sqlite3_step(statement) != SQLITE_DONE)
				fail();
			sqlite3_reset(statement);
		}
		sqlite3_finalize(statement);
	}

private:
	[[noreturn]] void fail() const { throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(database_)); }

	sqlite3 *database_ = nullptr;
};

} // namespace bench

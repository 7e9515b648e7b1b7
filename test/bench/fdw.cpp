/*
 * Foreign tables: tenant_fdw, the wrappers that are installed beside it, and the bare client library, all on the same
 * rows. Every side does the same work in turns. test/bench/fdw.sql makes the tables; a wrapper that is not there has no
 * line.
 */
#include <map>

#include "clients.hpp"

using namespace bench;

namespace {

constexpr long inserted = 100000;
constexpr int rows_per_insert = 1000;

/* Keys all over the table, the same sequence for each side. */
class Keys {
public:
	std::int64_t next()
	{
		state_ += 104729;
		return state_ % row_total() + 1;
	}

private:
	std::int64_t state_ = 0;
};

/* A side that is measured: what it is called, and what it does in seconds; nothing when it has no such work. */
struct Side {
	std::string name;
	std::function<double()> body;
	Promise promise = Promise::none;
	double limit = 0;
};

constexpr double too_long = 10; /* seconds: not repeated */

/*
 * The first side against each of the others, all in turns; the first turn only warms up, unless it took too long to do
 * it again. A peer that cannot do the work at all has no line.
 */
void
compare(const std::string &work, const char *format, double factor, int turns, const std::vector<Side> &sides)
{
	std::vector<std::vector<double>> figures(sides.size());
	std::vector<bool> ended(sides.size());
	for (int turn = 0; turn <= turns; ++turn)
		for (std::size_t i = 0; i < sides.size(); ++i) {
			if (ended[i])
				continue;
			try {
				double const figure = sides[i].body();
				ended[i] = turn == 0 && figure > too_long;
				if (turn > 0 || ended[i])
					figures[i].push_back(factor * figure);
			} catch (const std::exception &error) {
				if (i == 0 || turn > 0)
					throw;
				std::fprintf(stderr, "%s, %s: %s", work.c_str(), sides[i].name.c_str(), error.what());
				ended[i] = true;
			}
		}
	for (std::size_t i = 1; i < sides.size(); ++i)
		if (!figures[i].empty())
			report(work + ", " + sides[i].name, {median(figures[0]), median(figures[i])}, format, sides[i].promise,
			       sides[i].limit);
}

/* A client database as an application reaches it without us. */
struct Direct {
	const char *loop;                                              /* name of the client library's side */
	std::function<void(const std::string &)> execute;              /* a statement without rows */
	std::function<long(const std::string &)> read;                 /* rows of a statement, each value looked at */
	std::function<void(const std::vector<std::int64_t> &)> points; /* SELECT * by each key, prepared once */
	std::function<void(const char *, const std::vector<std::int64_t> &)> change; /* a prepared change by each key */
};

struct Limits {
	double wrapper; /* of the full scan, against the peer's wrapper */
	double loop;    /* of the full scan, against the client library */
	Promise point;  /* against which a point query is held */
};

class Engine {
public:
	Engine(const char *name, const char *wrapper, Limits limits, Direct direct)
		: name_(name), limits_(limits), direct_(std::move(direct)), platform_(Postgres::platform("async"))
	{
		add(std::string(name) + "_ours", "tenant_fdw");
		add(std::string(name) + "_" + wrapper, wrapper);
		add(std::string(name) + "_" + wrapper + "_tuned", std::string(wrapper) + " tuned");
		if (schemas_.size() == 1)
			std::fprintf(stderr, "%s is not installed: no line for it\n", wrapper);
	}

	void measure()
	{
		int const turns = quick() ? 1 : 5;
		measure_reading(turns);
		measure_points(turns);
		measure_parameterised(quick() ? 1 : 3);
		measure_inserts(quick() ? 1 : 3);
		measure_changes(turns);
	}

private:
	struct Schema {
		std::string name, wrapper;
	};

	void add(const std::string &schema, const std::string &wrapper)
	{
		if (platform_.execute("SELECT count(*) FROM pg_namespace WHERE nspname = '" + schema + "'") == "1")
			schemas_.push_back({schema, wrapper});
	}
	/* Ahead of each wrapper in any work; what was promised against the client library differs. */
	Side side(std::size_t i, std::function<void()> body, double limit = 1) const
	{
		return {schemas_[i].wrapper, [body = std::move(body)] { return time_of(1, body); }, Promise::at_most, limit};
	}
	Side loop(std::function<void()> body, Promise promise = Promise::none, double limit = 0) const
	{
		return {direct_.loop, [body = std::move(body)] { return time_of(1, body); }, promise, limit};
	}
	/* Of a prepared statement: sql with @ for the schema. */
	std::string in_schema(std::size_t i, std::string sql) const
	{
		return sql.replace(sql.find('@'), 1, schemas_[i].name + ".");
	}
	void use(std::size_t i) { platform_.execute("SET search_path = " + schemas_[i].name + ", public"); }

	/* Each wrapper runs sql in its own schema; the client library runs remote. */
	void read(const char *work, const std::string &sql, const std::string &remote, int turns, double limit = 1,
	          Promise promise = Promise::none, double loop_limit = 0)
	{
		std::vector<Side> sides;
		for (std::size_t i = 0; i < schemas_.size(); ++i)
			sides.push_back(side(
				i,
				[this, i, sql] {
					use(i);
					platform_.execute(sql);
				},
				i == 1 ? limit : 1)); /* what is promised of a wrapper means one that nobody has tuned */
		sides.push_back(loop([this, remote] { direct_.read(remote); }, promise, loop_limit));
		compare(std::string(work) + ", " + name_, "%.3f s", 1, turns, sides);
	}
	void measure_reading(int turns)
	{
		/* EXPLAIN ANALYZE reads all rows and columns without sending them on to a client. */
		std::string const all = "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) ";
		std::string const whole = "SELECT * FROM measured";
		read("full scan", all + whole, whole, turns, limits_.wrapper, Promise::at_most, limits_.loop);
		std::string const filtered = whole + " WHERE n < " + std::to_string(row_total() / 10);
		read("filtered scan", all + filtered, filtered, turns);
		std::string const count = "SELECT count(*) FROM measured";
		read("count", count, count, turns);
		std::string const group = "SELECT code, count(*), sum(n) FROM measured GROUP BY code";
		read("group by", group, group, turns);
		std::string const top = whole + " ORDER BY n DESC, id LIMIT 10";
		read("top 10", top, top, turns);
		std::string const join =
			"SELECT d.region, count(*), sum(m.n) FROM measured AS m JOIN dimension AS d ON d.id = m.code"
			" GROUP BY d.region";
		read("join with aggregate", join, join, turns);
	}
	void measure_points(int turns)
	{
		long const calls = quick() ? 100 : 1000;
		std::vector<Side> sides;
		for (std::size_t i = 0; i < schemas_.size(); ++i) {
			std::string const statement = "point_" + schemas_[i].name;
			platform_.prepare(statement.c_str(), in_schema(i, "SELECT * FROM @measured WHERE id = $1"));
			sides.push_back(side(i, [this, statement, calls] {
				Keys keys;
				for (long call = 0; call < calls; ++call)
					platform_.call(statement.c_str(), {std::to_string(keys.next())});
			}));
		}
		sides.push_back(loop([this, calls] { direct_.points(keys(calls)); }, limits_.point, 2));
		compare(std::string("point query, ") + name_, "%.3f ms", 1e3 / static_cast<double>(calls), turns, sides);
	}
	/* A nested loop over 10,000 keys where the wrapper can do that; else it plans as it likes. */
	void measure_parameterised(int turns)
	{
		std::string const sql = "SELECT count(m.note) FROM outer_side AS o JOIN measured AS m ON m.id = o.id";
		std::vector<Side> sides;
		for (std::size_t i = 0; i < schemas_.size(); ++i) {
			bool const nested = i == 0 || name_ == std::string("postgresql");
			sides.push_back(side(i, [this, i, sql, nested] {
				use(i);
				platform_.execute(std::string("SET enable_hashjoin = ") + (nested ? "off" : "on"));
				platform_.execute(std::string("SET enable_mergejoin = ") + (nested ? "off" : "on"));
				platform_.execute(sql);
				platform_.execute("RESET enable_hashjoin");
				platform_.execute("RESET enable_mergejoin");
			}));
		}
		sides.push_back(loop([this] { direct_.points(keys(10000)); }));
		compare(std::string("join of 10,000 outer rows, ") + name_, "%.3f s", 1, turns, sides);
	}
	void measure_inserts(int turns)
	{
		std::string const sql = "INSERT INTO written SELECT i, i % 1000, 'customer ' || i, i % 100000 / 100.0,"
		                        " date '2020-01-01' + (i % 2000)::integer FROM generate_series(1, " +
		                        std::to_string(inserted) + ") AS i";
		std::string lines;
		for (long i = 1; i <= inserted; ++i)
			lines += line(i, '\t', "") + "\n";
		for (bool const copy : {false, true}) {
			std::vector<Side> sides;
			for (std::size_t i = 0; i < schemas_.size(); ++i)
				sides.push_back({schemas_[i].wrapper,
				                 [this, i, copy, &sql, &lines] {
									 use(i);
									 direct_.execute("DELETE FROM written");
									 return time_of(1, [&] {
										 if (copy)
											 platform_.copy("COPY written FROM STDIN", lines);
										 else
											 platform_.execute(sql);
									 });
								 },
				                 Promise::at_most, 1});
			sides.push_back({direct_.loop, [this] {
								 direct_.execute("DELETE FROM written");
								 return time_of(1, [&] { insert_directly(); });
							 }});
			compare(std::string(copy ? "COPY" : "insert") + " of 100,000 rows, " + name_, "%.3f s", 1, turns, sides);
		}
	}
	static std::string line(long i, char separator, const char *quote)
	{
		char price[32], day[32];
		std::snprintf(price, sizeof price, "%ld.%02ld", i % 100000 / 100, i % 100);
		std::snprintf(day, sizeof day, "%s2020-%02ld-%02ld%s", quote, i % 12 + 1, i % 28 + 1, quote);
		return std::to_string(i) + separator + std::to_string(i % 1000) + separator + quote + "customer " +
		       std::to_string(i) + quote + separator + price + separator + day;
	}
	/* As many rows per statement as tenant_fdw's batches have, in one transaction. */
	void insert_directly()
	{
		direct_.execute("BEGIN");
		for (long first = 1; first <= inserted; first += rows_per_insert) {
			std::string sql = "INSERT INTO written VALUES ";
			for (long i = first; i < first + rows_per_insert; ++i)
				sql += (i > first ? ",(" : "(") + line(i, ',', "'") + ")";
			direct_.execute(sql);
		}
		direct_.execute("COMMIT");
	}
	/* Each in a transaction of its own. */
	void measure_changes(int turns)
	{
		long const calls = quick() ? 50 : 300;
		change("update by key", "UPDATE @measured SET n = n + 1 WHERE id = $1",
		       "UPDATE measured SET n = n + 1 WHERE id = ", calls, turns);
		/* Rows that are not there any more cost the same on all sides, and leave the table as it is. */
		change("delete by key", "DELETE FROM @written WHERE id = $1", "DELETE FROM written WHERE id = ", calls, turns);
	}
	void change(const char *work, const char *sql, const char *remote, long calls, int turns)
	{
		std::vector<Side> sides;
		for (std::size_t i = 0; i < schemas_.size(); ++i) {
			std::string const statement = std::string(work, 6) + schemas_[i].name;
			platform_.prepare(statement.c_str(), in_schema(i, sql));
			sides.push_back(side(i, [this, statement, calls] {
				for (std::int64_t const key : next_keys(calls))
					platform_.call(statement.c_str(), {std::to_string(key)});
			}));
		}
		sides.push_back(loop([this, remote, calls] { direct_.change(remote, next_keys(calls)); }));
		compare(std::string(work) + ", " + name_, "%.3f ms", 1e3 / static_cast<double>(calls), turns, sides);
	}
	static std::vector<std::int64_t> keys(long count)
	{
		Keys keys;
		std::vector<std::int64_t> list(static_cast<std::size_t>(count));
		for (auto &key : list)
			key = keys.next();
		return list;
	}
	/* Keys of written that no side has had yet. */
	std::vector<std::int64_t> next_keys(long count)
	{
		std::vector<std::int64_t> list(static_cast<std::size_t>(count));
		for (auto &key : list)
			key = used_++ % inserted + 1;
		return list;
	}

	const char *name_;
	Limits limits_;
	Direct direct_;
	Postgres platform_;
	std::vector<Schema> schemas_;
	std::int64_t used_ = 0;
};

Direct
direct_postgres(Postgres &session)
{
	session.prepare("point", "SELECT * FROM measured WHERE id = $1");
	auto const each = [&session](const char *statement, const std::vector<std::int64_t> &keys) {
		for (std::int64_t const key : keys)
			session.call(statement, {std::to_string(key)});
	};
	return {"libpq", [&session](const std::string &sql) { session.execute(sql); },
	        [&session](const std::string &sql) { return session.stream(sql.c_str()); },
	        [each](const std::vector<std::int64_t> &keys) { each("point", keys); },
	        [&session, each](const char *sql, const std::vector<std::int64_t> &keys) {
				session.execute("DEALLOCATE ALL");
				session.prepare("point", "SELECT * FROM measured WHERE id = $1");
				session.prepare("change", std::string(sql) + "$1");
				each("change", keys);
			}};
}

/* Statements that have been prepared once, by their text. */
template <class Client> class Prepared {
public:
	Client &operator[](const std::string &sql)
	{
		auto &client = clients_[sql];
		if (client == nullptr)
			client = std::make_shared<Client>(sql.c_str());
		return *client;
	}

private:
	std::map<std::string, std::shared_ptr<Client>> clients_;
};

/* Maria knows the columns of the measured table; the few rows of other results are read as text. */
Direct
direct_maria(Prepared<Maria> &prepared, MariaText &text)
{
	return {"Connector/C", [&text](const std::string &sql) { text.run(sql); },
	        [&](const std::string &sql) { return sql.starts_with("SELECT *") ? prepared[sql].run() : text.run(sql); },
	        [&prepared](const std::vector<std::int64_t> &keys) {
				for (std::int64_t const key : keys)
					prepared["SELECT * FROM measured WHERE id = ?"].run(key);
			},
	        [&prepared](const char *sql, const std::vector<std::int64_t> &keys) {
				for (std::int64_t const key : keys)
					prepared[std::string(sql) + "?"].run(key);
			}};
}

/* One handle writes and reads what is not prepared, so that it never waits for itself. */
Direct
direct_sqlite(Prepared<Sqlite> &prepared, SqliteWriter &writer)
{
	return {"sqlite3", [&writer](const std::string &sql) { writer.run(sql); },
	        [&prepared](const std::string &sql) { return prepared[sql].run(); },
	        [&prepared](const std::vector<std::int64_t> &keys) {
				for (std::int64_t const key : keys)
					prepared["SELECT * FROM measured WHERE id = ?"].run(key);
			},
	        [&writer](const char *sql, const std::vector<std::int64_t> &keys) {
				writer.change(std::string(sql) + "?", keys);
			}};
}

} // namespace

int
main()
{
	return run_main([] {
		Postgres postgres(Postgres::client());
		Prepared<Maria> maria;
		MariaText text;
		Prepared<Sqlite> sqlite;
		SqliteWriter writer;
		Engine("postgresql", "postgres_fdw", {1 / 3.0, 1.6, Promise::at_most}, direct_postgres(postgres)).measure();
		Engine("mariadb", "mysql_fdw", {1 / 5.0, 1.6, Promise::at_most}, direct_maria(maria, text)).measure();
		Engine("sqlite", "sqlite_fdw", {1 / 1.7, 1.4, Promise::none}, direct_sqlite(sqlite, writer)).measure();
	});
}

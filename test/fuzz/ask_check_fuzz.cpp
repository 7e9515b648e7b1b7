/*
 * libFuzzer target: a text without objections, or one whose answer may be kept, is one statement that only reads to
 * SQLite's own parser as well; and no text gets out of quotes. Pure regime.
 */
#include <memory>

#include <sqlite3.h>

#include "ask/check.pure.hpp"
#include "fuzz.hpp"
#include "query/cacheable.pure.hpp"

using namespace tenancy;
using remote::DatabaseType;

namespace {

struct Close {
	void operator()(sqlite3 *database) const noexcept { sqlite3_close_v2(database); }
	void operator()(sqlite3_stmt *statement) const noexcept { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;

Database
make_database()
{
	sqlite3 *raw = nullptr;
	fuzz::require(sqlite3_open(":memory:", &raw) == SQLITE_OK);
	Database database(raw);
	sqlite3_limit(raw, SQLITE_LIMIT_EXPR_DEPTH, 500);
	fuzz::require(sqlite3_exec(raw, "CREATE TABLE t (a, b, c); CREATE TABLE u (a, id, name)", nullptr, nullptr,
	                           nullptr) == SQLITE_OK);
	return database;
}

/* What SQLite takes of it only reads, and nothing follows. */
void
check_with_sqlite(const std::string &text)
{
	static Database const database = make_database();
	sqlite3_stmt *raw = nullptr;
	const char *rest = nullptr;
	if (sqlite3_prepare_v2(database.get(), text.c_str(), -1, &raw, &rest) != SQLITE_OK)
		return;
	std::unique_ptr<sqlite3_stmt, Close> const statement(raw);
	fuzz::require(raw != nullptr && sqlite3_stmt_readonly(raw) != 0);
	sqlite3_stmt *second = nullptr;
	sqlite3_prepare_v2(database.get(), rest, -1, &second, nullptr);
	fuzz::require(second == nullptr);
}

std::string
quoted(const std::string &text, char quote)
{
	std::string out(1, quote);
	for (char const c : text)
		out.append(c == quote ? 2 : 1, c);
	return out + quote;
}

/* In quotes, any text is a text or a name. What a server's settings could make of a backslash is another matter. */
void
check_quotes(DatabaseType engine, const std::string &text)
{
	if (text.find('\\') != std::string::npos)
		return;
	char const name_quote = engine == DatabaseType::mysql ? '`' : '"';
	fuzz::require(ask::objection_to(engine, "SELECT " + quoted(text, '\'')).empty());
	fuzz::require(ask::objection_to(engine, "SELECT " + quoted(text, name_quote) + " FROM t").empty());
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	if (size == 0)
		return 0;
	auto const engine = static_cast<DatabaseType>(data[0] % 3);
	std::string const text(reinterpret_cast<const char *>(data + 1), size - 1);
	std::string const objection = ask::objection_to(engine, text);
	fuzz::require(!remote::has_control(objection) && (!remote::is_utf8(text) || remote::is_utf8(objection)));
	if (objection.empty()) {
		fuzz::require(!ask::objection_to(engine, text + "\n; SELECT 1").empty());
		fuzz::require(text.find(';') != std::string::npos ||
		              ask::objection_to(engine, "SELECT * FROM (" + text + "\n) AS s").empty());
	}
	if (engine == DatabaseType::sqlite && (objection.empty() || query::is_cacheable(engine, text)))
		check_with_sqlite(text);
	static_cast<void>(query::is_cacheable(engine, text));
	check_quotes(engine, text);
	return 0;
}

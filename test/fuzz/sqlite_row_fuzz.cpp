/*
 * libFuzzer target: any value under any declared type of SQLite becomes a cell or an error of data.
 * Pure regime.
 */
#include <memory>

#include "fuzz.hpp"
#include "remote/sqlite/exact.hpp"
#include "remote/sqlite/row.hpp"

using namespace tenancy;

namespace {

constexpr const char *declared[] = {"integer", "boolean",   "text",     "blob", "real", "numeric(10,2)",
                                    "date",    "timestamp", "datetime", "uuid", "json", ""};
constexpr const char *functions[] = {
	"%", "tenancy_int4(%)", "tenancy_float8(%)", "tenancy_sum(%)", "tenancy_avg(%)", "tenancy_sum_order(%)"};

struct Close {
	void operator()(sqlite3 *database) const noexcept { sqlite3_close_v2(database); }
	void operator()(sqlite3_stmt *statement) const noexcept { sqlite3_finalize(statement); }
};

remote::Param
pick_value(FuzzedDataProvider &input)
{
	remote::Param value;
	value.kind =
		static_cast<remote::Param::Kind>(input.ConsumeIntegralInRange(0, static_cast<int>(remote::Param::Kind::bytes)));
	value.integer =
		value.kind == remote::Param::Kind::boolean ? input.ConsumeBool() : input.ConsumeIntegral<std::int64_t>();
	value.real = input.ConsumeFloatingPoint<double>();
	value.text = value.kind == remote::Param::Kind::decimal ? std::to_string(value.integer)
	                                                        : input.ConsumeRandomLengthString(80);
	return value;
}

void
read_rows(sqlite3 *database, std::string sql, bool native)
{
	sqlite3_stmt *raw = nullptr;
	if (sqlite3_prepare_v2(database, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK)
		return;
	std::unique_ptr<sqlite3_stmt, Close> const statement(raw);
	remote::Batch batch;
	while (sqlite3_step(raw) == SQLITE_ROW) {
		auto const columns = remote::sqlite::columns_of(raw, true);
		batch.reset(columns.size());
		remote::sqlite::read_row(raw, columns, native, batch);
		fuzz::read_all(batch);
	}
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	sqlite3 *raw = nullptr;
	if (sqlite3_open(":memory:", &raw) != SQLITE_OK)
		return 0;
	std::unique_ptr<sqlite3, Close> const database(raw);
	fuzz::require(remote::sqlite::install_exact_functions(raw));
	std::string const table = std::string("CREATE TABLE t (c ") + input.PickValueInArray(declared) + ")";
	fuzz::require(sqlite3_exec(raw, table.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
	std::string sql = input.PickValueInArray(functions);
	bool const native = input.ConsumeBool();
	try {
		for (int i = 0; i < 3; ++i) {
			sqlite3_stmt *insert = nullptr;
			fuzz::require(sqlite3_prepare_v2(raw, "INSERT INTO t VALUES (?)", -1, &insert, nullptr) == SQLITE_OK);
			std::unique_ptr<sqlite3_stmt, Close> const guard(insert);
			remote::Param const value = pick_value(input);
			remote::sqlite::bind(insert, {&value, 1});
			sqlite3_step(insert);
		}
		read_rows(raw, "SELECT " + sql.replace(sql.find('%'), 1, "c") + " FROM t", native);
	} catch (const core::Error &error) {
		fuzz::require(std::string_view(error.sqlstate).starts_with("22"));
	}
	return 0;
}

/*
 * See type.pure.hpp. Pure regime.
 */
#include "catalog/type.pure.hpp"

#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "remote/postgres/types.hpp"

namespace tenancy::catalog {

namespace {

namespace pgtype = core::pgtype;

struct Rule {
	std::string_view word;
	std::uint32_t oid, natural; /* natural: of the unsigned type */
};

/* The local types that the driver delivers (remote/mysql/types.hpp). Whatever is not here is text. */
constexpr Rule rules[] = {
	{"tinyint", pgtype::int2, pgtype::int2},
	{"smallint", pgtype::int2, pgtype::int4},
	{"mediumint", pgtype::int4, pgtype::int4},
	{"int", pgtype::int4, pgtype::int8},
	{"bigint", pgtype::int8, pgtype::numeric},
	{"year", pgtype::int2, pgtype::int2},
	{"decimal", pgtype::numeric, pgtype::numeric},
	{"float", pgtype::float4, pgtype::float4},
	{"double", pgtype::float8, pgtype::float8},
	{"bit", pgtype::bit, pgtype::bit},
	{"date", pgtype::date, pgtype::date},
	{"datetime", pgtype::timestamp, pgtype::timestamp},
	{"timestamp", pgtype::timestamptz, pgtype::timestamptz},
	{"time", pgtype::interval, pgtype::interval},
	{"json", pgtype::json, pgtype::json},
	{"uuid", pgtype::uuid, pgtype::uuid},
	{"binary", pgtype::bytea, pgtype::bytea},
	{"varbinary", pgtype::bytea, pgtype::bytea},
	{"tinyblob", pgtype::bytea, pgtype::bytea},
	{"blob", pgtype::bytea, pgtype::bytea},
	{"mediumblob", pgtype::bytea, pgtype::bytea},
	{"longblob", pgtype::bytea, pgtype::bytea},
	{"vector", pgtype::bytea, pgtype::bytea},
	{"geometry", pgtype::bytea, pgtype::bytea},
	{"point", pgtype::bytea, pgtype::bytea},
	{"linestring", pgtype::bytea, pgtype::bytea},
	{"polygon", pgtype::bytea, pgtype::bytea},
	{"multipoint", pgtype::bytea, pgtype::bytea},
	{"multilinestring", pgtype::bytea, pgtype::bytea},
	{"multipolygon", pgtype::bytea, pgtype::bytea},
	{"geometrycollection", pgtype::bytea, pgtype::bytea},
	{"geomcollection", pgtype::bytea, pgtype::bytea},
};

/* The numbers of "word(a,b)", each 0 when it is not there. */
std::pair<int, int>
numbers_of(std::string_view type) noexcept
{
	int first = 0, second = 0;
	std::size_t const open = type.find('(');
	if (open == std::string_view::npos)
		return {0, 0};
	const char *const end = type.data() + type.size();
	auto const result = std::from_chars(type.data() + open + 1, end, first);
	if (result.ec == std::errc() && result.ptr != end && *result.ptr == ',')
		std::from_chars(result.ptr + 1, end, second);
	return {first, second};
}

} // namespace

LocalType
mysql_type(std::string_view word, std::string_view native, bool tinyint1_as_boolean)
{
	LocalType type;
	auto const rule = std::ranges::find(rules, word, &Rule::word);
	if (rule == std::end(rules))
		return type;
	bool const natural = word != "bit" && native.find(" unsigned") != std::string_view::npos;
	type.oid = natural ? rule->natural : rule->oid;
	auto const [first, second] = numbers_of(native);
	if (word == "decimal" && first > 0)
		type.typmod = pgtype::numeric_typmod(first, second);
	else if (word == "bigint" && natural)
		type.typmod = pgtype::numeric_typmod(20, 0);
	else if (word == "bit")
		type.typmod = std::max(first, 1);
	else if (tinyint1_as_boolean && native == "tinyint(1)")
		type.oid = pgtype::boolean;
	return type;
}

std::string
lower_mysql_type(std::string_view type)
{
	std::string result;
	bool label = false;
	for (char const c : type) {
		label = label != (c == '\'');
		result += label ? std::string(1, c) : lower_ascii({&c, 1});
	}
	return result;
}

void
ColumnSet::add(std::string table, std::string column)
{
	/* A client database says itself how much it has. */
	constexpr std::size_t most_columns = 500'000, most_bytes = 64 << 20;
	std::size_t const bytes = table.size() + column.size();
	if (!columns_.emplace(std::move(table), std::move(column)).second)
		return;
	bytes_ += bytes;
	if (columns_.size() > most_columns || bytes_ > most_bytes)
		throw core::Error(core::FailureKind::query, "54000",
		                  "the tables of the schema have more than " + std::to_string(most_columns) +
		                      " columns of one kind",
		                  "Or their names have more than " + std::to_string(most_bytes) + " bytes.");
}

ColumnSet
read_json_columns(CatalogQuery &query, const std::string &database)
{
	ColumnSet found;
	if (!contains_ignoring_case(query.server_version(), "mariadb"))
		return found;
	query("SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS"
	      " WHERE CONSTRAINT_SCHEMA = ?",
	      {database}, 3, [&found](const remote::Cell *cells) {
			  std::string column = text_of(cells[1]), check = "json_valid(`";
			  for (char const c : column)
				  check.append(c == '`' ? 2 : 1, c);
			  if (lower_ascii(text_of(cells[2])) == lower_ascii(check + "`)"))
				  found.add(text_of(cells[0]), std::move(column));
		  });
	return found;
}

std::string
type_name(LocalType type)
{
	const remote::postgres::Builtin *builtin = remote::postgres::find_kept(type.oid);
	if (builtin == nullptr)
		builtin = remote::postgres::find_sent(type.oid);
	if (builtin == nullptr)
		return "text";
	/* The modifier stands after the first word of times, as in timestamp(3) without time zone. */
	std::string name = builtin->name;
	std::size_t const with = name.find(" with");
	name.insert(std::min(with, name.size()),
	            pgtype::modifier_text(builtin->oid, pgtype::believable_typmod(builtin->oid, type.typmod)));
	return builtin->array == type.oid ? name + "[]" : name;
}

} // namespace tenancy::catalog

/*
 * Tables of a SQLite database, which says in tables what it can, and the rest only in the text of CREATE TABLE.
 * Pure regime.
 */
#include <map>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "fdw/import.pure.hpp"
#include "remote/ascii.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::fdw {

namespace {

using core::Error;
using core::FailureKind;
using remote::equal_ignoring_case;
using remote::sql::Kind;

enum TableField { table_name, table_kind, without_rowid, strict, text, table_fields };
enum ColumnField { column_table, column_name, declared, not_null, key, hidden, key_index, indexed, column_fields };

constexpr const char *row_number = "integer primary key";

#define COLUMN_FIELDS "x.name, x.type, x.\"notnull\", x.pk, x.hidden"

struct TableFacts {
	std::string name, kind, sql; /* sql: where it says something about collations */
	bool without_rowid = false, strict = false;
};

struct ColumnFacts {
	std::string name, declared;
	bool not_null = false, key = false, generated = false, key_index = false, indexed = false;
};

using Columns = std::map<std::string, std::vector<ColumnFacts>>; /* of the tables that are taken */

/*
 * Can types and collations of views be relied on? Not when one of the views may mix columns, or some column collates.
 */
struct ViewFacts {
	bool types = true, collations = true;
};

/* What is read of a schema. */
struct Facts {
	std::vector<TableFacts> tables;
	Columns columns;
	ViewFacts views;
	SchemaRoom room;
};

/* Words, names and signs of CREATE TABLE. */
class Words {
public:
	explicit Words(std::string_view sql) : tokens_(remote::sql::Dialect::sqlite, sql) {}
	/* False at the end, and where the text is not understood. */
	bool next()
	{
		token_ = tokens_.next_code();
		return token_.kind != Kind::end && token_.closed;
	}
	/* The word; a name in quotes is answered without them. */
	std::string word() const
	{
		if (!is_quoted())
			return std::string(token_.text);
		char const quote = token_.text.back();
		std::string word;
		for (std::size_t i = 1; i + 1 < token_.text.size(); ++i) {
			word += token_.text[i];
			if (token_.text[i] == quote) /* doubled */
				++i;
		}
		return word;
	}
	bool is(std::string_view lower) const { return !is_quoted() && equal_ignoring_case(token_.text, lower); }

private:
	bool is_quoted() const noexcept { return token_.kind == Kind::name || token_.kind == Kind::text; }

	remote::sql::Tokens tokens_;
	remote::sql::Token token_;
};

std::string
known_collation(std::string_view name)
{
	for (const char *const known : {"BINARY", "NOCASE", "RTRIM"})
		if (equal_ignoring_case(name, known))
			return known;
	return "unknown";
}

/* The collations of the definitions in the parentheses of CREATE TABLE, in order, constraints among them. */
struct Definition {
	std::string name, collation;
};

bool
read_definitions(std::string_view sql, std::vector<Definition> &definitions)
{
	Words words(sql);
	while (words.next() && !words.is("("))
		;
	if (!words.is("("))
		return false;
	int depth = 1;
	bool first = true;
	while (depth > 0) {
		if (!words.next())
			return false;
		if (first)
			definitions.push_back({words.word(), "BINARY"});
		else if (words.is("("))
			++depth;
		else if (words.is(")"))
			--depth;
		else if (depth == 1 && words.is("collate")) {
			if (!words.next())
				return false;
			definitions.back().collation = known_collation(words.word());
		}
		first = depth == 1 && words.is(",");
	}
	return true;
}

/* One collation for each column; "unknown" for all where the text and the columns do not agree. */
std::vector<std::string>
collations_of(const TableFacts &table, const std::vector<ColumnFacts> &columns)
{
	std::vector<std::string> collations(columns.size(), "BINARY");
	if (table.sql.empty())
		return collations;
	std::vector<Definition> definitions;
	bool agree =
		table.kind == "table" && read_definitions(table.sql, definitions) && definitions.size() >= columns.size();
	for (std::size_t i = 0; agree && i < columns.size(); ++i) {
		agree = definitions[i].name == columns[i].name;
		collations[i] = definitions[i].collation;
	}
	if (!agree)
		collations.assign(columns.size(), "unknown");
	return collations;
}

std::string_view
view_of(const remote::Cell &cell) noexcept
{
	return cell.kind == remote::CellKind::text || cell.kind == remote::CellKind::bytes ? cell.view()
	                                                                                   : std::string_view();
}

/*
 * Called for every table and view of the file, as a view may be over it; true when its text is needed for its own
 * columns.
 */
bool
note_text(ViewFacts &views, std::string_view kind, std::string_view sql)
{
	bool const collates = contains_ignoring_case(sql, "collate");
	if (collates || kind == "virtual")
		views.collations = false;
	for (const char *const word : {"union", "intersect", "except"})
		if (kind == "view" && contains_ignoring_case(sql, word))
			views.types = false;
	return collates;
}

/* Reads the tables that are taken; the others cost nothing, however long their texts are. */
void
read_tables(CatalogQuery &query, SchemaBuilder &builder, Facts &facts)
{
	query(sqlite_catalog_statement, {}, table_fields, [&](const remote::Cell *cells) {
		std::string_view const kind = view_of(cells[table_kind]), sql = view_of(cells[text]);
		bool const needed = note_text(facts.views, kind, sql);
		TableFacts table;
		table.name = text_of(cells[table_name]);
		if (!builder.takes_table(table.name) || !facts.columns.try_emplace(table.name).second)
			return;
		SchemaBuilder::require_room(facts.columns.size());
		table.kind = kind;
		table.without_rowid = truth_of(cells[without_rowid]);
		table.strict = truth_of(cells[strict]);
		if (needed)
			table.sql = sql;
		facts.room.take_bytes(table.name.size() + table.sql.size(), "tables", "definitions");
		facts.tables.push_back(std::move(table));
	});
}

void
add_column(Facts &into, const remote::Cell *cells)
{
	std::int64_t const kind = cells[hidden].integer;
	if (kind == 1)
		return; /* of a virtual table, and not in SELECT * */
	auto const table = into.columns.find(text_of(cells[column_table]));
	if (table == into.columns.end())
		return;
	ColumnFacts &facts = table->second.emplace_back();
	facts.name = text_of(cells[column_name]);
	facts.declared = text_of(cells[declared]);
	facts.not_null = truth_of(cells[not_null]);
	facts.key = truth_of(cells[key]);
	facts.generated = kind == 2 || kind == 3;
	facts.key_index = truth_of(cells[key_index]);
	facts.indexed = truth_of(cells[indexed]);
	into.room.take_column();
	into.room.take_bytes(facts.name.size() + facts.declared.size(), "tables", "definitions");
}

void
read_columns(CatalogQuery &query, Facts &facts)
{
	query("SELECT m.name, " COLUMN_FIELDS
	      ", EXISTS (SELECT 1 FROM pragma_index_list(m.name) AS i WHERE i.origin = 'pk'),"
	      " EXISTS (SELECT 1 FROM pragma_index_list(m.name) AS i JOIN pragma_index_info(i.name) AS n"
	      "         WHERE n.seqno = 0 AND n.cid = x.cid AND NOT i.partial)"
	      " FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS x"
	      " WHERE m.type = 'table' AND m.rootpage <> 0 ORDER BY m.name, x.cid",
	      {}, column_fields, [&facts](const remote::Cell *cells) { add_column(facts, cells); });
}

/* Called for a view or a virtual table by itself: it may be broken, and then only its own columns cannot be read. */
void
read_columns_of(CatalogQuery &query, const std::string &name, Facts &facts)
{
	query("SELECT ?1, " COLUMN_FIELDS ", 0, 0 FROM pragma_table_xinfo(?1) AS x ORDER BY x.cid", {name}, column_fields,
	      [&facts](const remote::Cell *cells) { add_column(facts, cells); });
}

std::string
quoted_name(std::string_view name)
{
	std::string quoted = "\"";
	for (char const c : name)
		quoted.append(c == '"' ? 2 : 1, c);
	return quoted += '"';
}

/* A client may call a type whatever it likes: also what says here that SQLite checks the values of a column. */
std::string
claimed_type(const ColumnFacts &column)
{
	constexpr std::string_view mark = " strict";
	std::string type = lower_ascii(column.declared);
	while (type.ends_with(mark))
		type.resize(type.size() - mark.size());
	return type == row_number ? "integer" : type;
}

void
add_table(CatalogQuery &query, SchemaBuilder &builder, const TableFacts &facts, const std::vector<ColumnFacts> &columns,
          const ViewFacts &views)
{
	/* The driver itself says what it makes of the declared types. */
	std::vector<remote::Column> const described = query.describe("SELECT * FROM main." + quoted_name(facts.name));
	bool const plain = facts.kind == "table";
	std::vector<std::string> const collations = collations_of(facts, columns);
	int keys = 0;
	for (const ColumnFacts &column : columns)
		keys += column.key;
	ImportedTable *const table = builder.table(facts.name);
	if (table == nullptr)
		return;
	table->read_only = facts.kind == "view";
	for (std::size_t i = 0; i < columns.size() && i < described.size(); ++i) {
		const ColumnFacts &from = columns[i];
		bool const rowid = plain && from.key && keys == 1 && !from.key_index && !facts.without_rowid &&
		                   lower_ascii(from.declared) == "integer";
		ImportedColumn column;
		column.name = from.name;
		column.type_oid = described[i].type_oid;
		column.native_type = rowid ? row_number : plain || views.types ? claimed_type(from) : "";
		if (facts.strict && !from.generated) /* whose values it does not check */
			column.native_type += " strict";
		column.collation = plain ? collations[i] : facts.kind == "view" && views.collations ? "BINARY" : "unknown";
		column.not_null = plain && (rowid || from.not_null || (facts.without_rowid && from.key));
		column.key = plain && from.key;
		column.indexed = plain && (rowid || from.indexed);
		column.generated = from.generated;
		column.identity = rowid;
		builder.column(*table, std::move(column));
	}
}

} // namespace

const char *const sqlite_catalog_statement =
	"SELECT l.name, l.type, l.wr, l.strict, m.sql"
	" FROM pragma_table_list AS l JOIN sqlite_schema AS m ON m.name = l.name AND m.type IN ('table', 'view')"
	" WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND substr(l.name, 1, 7) <> 'sqlite_'";

void
read_sqlite_schema(CatalogQuery &query, const ImportRequest &request, SchemaBuilder &builder)
{
	if (request.schema != "main")
		throw Error(FailureKind::query, "3F000",
		            "schema \"" + request.schema + "\" does not exist in the SQLite database", {},
		            "Its only schema is main.");
	Facts facts;
	read_tables(query, builder, facts);
	read_columns(query, facts);
	for (const TableFacts &table : facts.tables) {
		try {
			if (table.kind != "table")
				read_columns_of(query, table.name, facts);
			add_table(query, builder, table, facts.columns[table.name], facts.views);
		} catch (const Error &error) {
			if (table.kind == "table" || error.kind != FailureKind::query)
				throw;
			builder.warn(table.kind + " \"" + table.name + "\" is left out: " + error.message);
		}
	}
}

} // namespace tenancy::fdw

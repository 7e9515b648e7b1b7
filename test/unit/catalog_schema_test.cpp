/*
 * The document of a schema: what is written is read again, and what is not such a document is refused. Pure regime.
 */
#include "catalog/schema.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/json.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::catalog;

Schema
example()
{
	Schema schema;
	schema.engine = remote::DatabaseType::mysql;
	schema.server_version = "10.11.6-MariaDB";
	schema.default_schema = "shop";
	Table &orders = schema.tables.emplace_back();
	orders.schema = "shop";
	orders.name = "an \"order\"\n";
	orders.kind = "table";
	orders.comment = "";
	orders.row_estimate = 9'000'000'000;
	orders.columns.push_back({"id", "integer", "int(11)", false, false, {}, {}, {}});
	orders.columns.push_back({"état", "text", "varchar(10)", true, true, "'néw\\'", "of the order", {"new", "paid"}});
	orders.primary_key = {"id"};
	orders.foreign_keys.push_back({"to_customer", {"a", "b"}, "shop", "customers", {"x", "y"}});
	orders.indexes.push_back({"by_state", true, {"lower(état)", "id"}});
	schema.tables.emplace_back().name = "empty";
	return schema;
}

TEST(CatalogSchema, IsReadAsItWasWritten)
{
	std::string const written = to_json(example());
	EXPECT_TRUE(core::json::is_valid(written));
	Schema const read = parse_schema(written);
	EXPECT_EQ(to_json(read), written);
	ASSERT_EQ(read.tables.size(), 2u);
	EXPECT_EQ(read.engine, remote::DatabaseType::mysql);
	EXPECT_EQ(read.default_schema, "shop");
	EXPECT_EQ(read.tables[0].name, "an \"order\"\n");
	EXPECT_EQ(read.tables[0].comment, "");
	EXPECT_EQ(read.tables[0].row_estimate, 9'000'000'000);
	EXPECT_EQ(read.tables[0].columns[1].values, (std::vector<std::string>{"new", "paid"}));
	EXPECT_EQ(read.tables[0].columns[1].default_value, "'néw\\'");
	EXPECT_TRUE(read.tables[0].columns[1].generated);
	EXPECT_FALSE(read.tables[0].columns[0].nullable);
	EXPECT_FALSE(read.tables[0].columns[0].default_value);
	EXPECT_EQ(read.tables[0].foreign_keys[0].referenced_columns, (std::vector<std::string>{"x", "y"}));
	EXPECT_TRUE(read.tables[0].indexes[0].unique);
	EXPECT_FALSE(read.tables[1].comment);
	EXPECT_FALSE(read.tables[1].row_estimate);
}

TEST(CatalogSchema, HasTheDocumentedShape)
{
	Schema schema;
	schema.engine = remote::DatabaseType::sqlite;
	schema.server_version = "3.40.1";
	schema.default_schema = "main";
	Table &table = schema.tables.emplace_back();
	table.schema = "main";
	table.name = "t";
	table.kind = "table";
	table.columns.push_back({"a", "bigint", "INTEGER", false, false, {}, {}, {}});
	table.foreign_keys.push_back({"", {"a"}, "main", "u", {"b"}});
	EXPECT_EQ(
		to_json(schema),
		R"({"format":1,"engine":"sqlite","server_version":"3.40.1","default_schema":"main","tables":[)"
		R"({"schema":"main","name":"t","kind":"table","comment":null,"row_estimate":null,"columns":[)"
		R"({"name":"a","type":"bigint","native_type":"INTEGER","nullable":false,"generated":false,"default":null,)"
		R"("comment":null}],"primary_key":[],"foreign_keys":[{"name":"","columns":["a"],"references":)"
		R"({"schema":"main","table":"u","columns":["b"]}}],"indexes":[]}]})");
}

TEST(CatalogSchema, IgnoresMembersThatItDoesNotKnow)
{
	std::string text = to_json(example());
	text.insert(1, R"("version":3,"changes":[{"change":"added"}],)");
	EXPECT_EQ(to_json(parse_schema(text)), to_json(example()));
}

std::string
state_of(std::string_view text)
{
	try {
		(void) parse_schema(text);
	} catch (const core::Error &error) {
		return error.sqlstate;
	}
	return "read";
}

TEST(CatalogSchema, RefusesWhatIsNoSuchDocument)
{
	std::string const good = to_json(example());
	for (std::string_view const text :
	     {"", "null", "[]", "{}", "{\"format\":1", "\xff", R"({"format":2,"engine":"mysql"})",
	      R"({"format":1,"engine":"oracle","server_version":"","default_schema":"","tables":[]})",
	      R"({"format":1,"engine":"mysql","server_version":"","default_schema":"","tables":{}})",
	      R"({"format":1,"engine":"mysql","server_version":"","default_schema":"","tables":[1]})",
	      R"({"format":1,"engine":1,"server_version":"","default_schema":"","tables":[]})"})
		EXPECT_EQ(state_of(text), "22030") << text;
	for (std::string_view const estimate : {"1.5", "1e300", "18446744073709551615", "true", "\"1\""}) {
		std::string text = good;
		text.replace(text.find("9000000000"), 10, estimate);
		EXPECT_EQ(state_of(text), "22030") << estimate;
	}
	EXPECT_EQ(state_of(good), "read");
	std::string const deep(1'000'000, '[');
	EXPECT_EQ(state_of(deep), "22030");
}

} // namespace

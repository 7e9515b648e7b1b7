/*
 * Tables by the names that people give them; names in statements. Pure regime.
 */
#include "catalog/names.pure.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::catalog;
using remote::DatabaseType;

Schema
schema_of(std::initializer_list<std::pair<const char *, const char *>> names)
{
	Schema schema;
	schema.default_schema = "public";
	for (auto const &[in, name] : names) {
		Table &table = schema.tables.emplace_back();
		table.schema = in;
		table.name = name;
	}
	return schema;
}

std::string
found(const Schema &schema, std::string_view text)
{
	try {
		const Table *const table = find_table(schema, text);
		return table == nullptr ? "nothing" : table->schema + "/" + table->name;
	} catch (const core::Error &error) {
		return error.sqlstate;
	}
}

TEST(CatalogNames, AreFoundAsTheyAreWritten)
{
	Schema const schema = schema_of({{"a.b", "c"},
	                                 {"archive", "Orders"},
	                                 {"archive", "orders"},
	                                 {"archive", "old"},
	                                 {"public", "a.b"},
	                                 {"public", "customers"},
	                                 {"public", "orders"},
	                                 {"public", "say \"hi\""},
	                                 {"x", "twice"},
	                                 {"y", "twice"}});
	EXPECT_EQ(found(schema, "orders"), "public/orders");
	EXPECT_EQ(found(schema, "archive.orders"), "archive/orders");
	EXPECT_EQ(found(schema, "archive.Orders"), "archive/Orders");
	EXPECT_EQ(found(schema, "Orders"), "archive/Orders");
	EXPECT_EQ(found(schema, "\"archive\".\"old\""), "archive/old");
	EXPECT_EQ(found(schema, "`archive`.old"), "archive/old");
	EXPECT_EQ(found(schema, "OLD"), "archive/old");
	EXPECT_EQ(found(schema, "ARCHIVE.OLD"), "archive/old");
	EXPECT_EQ(found(schema, "CUSTOMERS"), "public/customers");
	EXPECT_EQ(found(schema, "a.b"), "public/a.b");
	EXPECT_EQ(found(schema, "\"a.b\".c"), "a.b/c");
	EXPECT_EQ(found(schema, "say \"hi\""), "public/say \"hi\"");
	EXPECT_EQ(found(schema, "\"say \"\"hi\"\"\""), "public/say \"hi\"");
	EXPECT_EQ(found(schema, "twice"), "42P09");
	EXPECT_EQ(found(schema, "x.twice"), "x/twice");
	EXPECT_EQ(found(schema, "archive.ORDERS"), "42P09");
	for (std::string_view const text :
	     {"", ".", "a.", "\"", "\"orders", "\"orders\"x", "public.orders.id", "nothing", "orders; DROP TABLE orders"})
		EXPECT_EQ(found(schema, text), "nothing") << text;
}

std::string
hint(const Schema &schema, std::string_view text)
{
	try {
		refuse_table(schema, text);
	} catch (const core::Error &error) {
		EXPECT_STREQ(error.sqlstate, "42P01");
		return error.hint;
	}
}

TEST(CatalogNames, AreSuggestedByDistance)
{
	Schema const schema =
		schema_of({{"archive", "customers_old"}, {"public", "customers"}, {"public", "costs"}, {"public", "orders"}});
	EXPECT_EQ(hint(schema, "custmers"), "Close names are: \"customers\".");
	EXPECT_EQ(hint(schema, "customer"), "Close names are: \"customers\", \"archive.customers_old\".");
	EXPECT_EQ(hint(schema, "PUBLIC.ORDER"), "Close names are: \"orders\".");
	EXPECT_EQ(hint(schema, "invoices"), "tenancy.tables() lists the tables of a connection.");
	EXPECT_EQ(hint(schema, std::string(100'000, 'o')), "tenancy.tables() lists the tables of a connection.");
	EXPECT_EQ(hint(schema, ""), "tenancy.tables() lists the tables of a connection.");
}

TEST(CatalogNames, AreQuotedInEachDialect)
{
	Schema schema = schema_of({{"a\"b`", "c`d\""}});
	schema.tables[0].columns.push_back({"x\"y`", "text", "text", true, false, {}, {}, {}});
	schema.tables[0].columns.push_back({"z", "text", "text", true, false, {}, {}, {}});
	EXPECT_EQ(sample_statement(schema, schema.tables[0], 5), R"(SELECT "x""y`", "z" FROM "a""b`"."c`d""" LIMIT 5)");
	schema.engine = DatabaseType::mysql;
	EXPECT_EQ(sample_statement(schema, schema.tables[0], 5), "SELECT `x\"y```, `z` FROM `a\"b```.`c``d\"` LIMIT 5");
	schema.tables[0].columns.clear();
	EXPECT_EQ(sample_statement(schema, schema.tables[0], 1), "SELECT * FROM `a\"b```.`c``d\"` LIMIT 1");
}

} // namespace

/*
 * Runs the questions of test/ask against SQLite in memory and judges the answers as test/ask/README.md says.
 * Header only: the unit tests and scripts/bench share it.
 */
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "ask/builtin.hpp"

namespace ask_test {

namespace fs = std::filesystem;
using tenancy::catalog::Schema;

struct Expected {
	std::string sql;
	bool ordered = false;
};

struct Case {
	std::string question;
	std::vector<Expected> answers; /* none: to be refused */
};

enum class Verdict { right, wrong, refused };

using Row = std::vector<std::string>;

inline const std::string null_text = "\x01null";

inline std::string
read_file(const fs::path &path)
{
	std::ifstream in(path);
	if (!in)
		throw std::runtime_error("cannot read " + path.string());
	std::ostringstream text;
	text << in.rdbuf();
	return text.str();
}

/* A question, then lines that begin with a tab. */
inline std::vector<Case>
read_cases(const fs::path &path)
{
	std::vector<Case> cases;
	std::istringstream in(read_file(path));
	for (std::string line; std::getline(in, line);) {
		if (line.empty() || line[0] == '#')
			continue;
		if (line[0] != '\t') {
			cases.push_back({line, {}});
			continue;
		}
		std::string sql = line.substr(1);
		if (cases.empty() || sql == "refuse")
			continue;
		bool const ordered = sql.starts_with("ordered ");
		cases.back().answers.push_back({ordered ? sql.substr(8) : sql, ordered});
	}
	return cases;
}

class Database {
public:
	explicit Database(const std::string &script)
	{
		sqlite3 *opened = nullptr;
		if (sqlite3_open(":memory:", &opened) != SQLITE_OK)
			throw std::runtime_error("cannot open a database in memory");
		handle.reset(opened);
		if (sqlite3_exec(opened, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
			throw std::runtime_error(sqlite3_errmsg(opened));
	}

	std::vector<Row> rows(const std::string &sql) const
	{
		sqlite3_stmt *prepared = nullptr;
		if (sqlite3_prepare_v2(handle.get(), sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK)
			throw std::runtime_error(std::string(sqlite3_errmsg(handle.get())) + " in " + sql);
		std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt *)> const statement(prepared, sqlite3_finalize);
		std::vector<Row> found;
		while (sqlite3_step(prepared) == SQLITE_ROW) {
			Row row;
			for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
				auto const *text = reinterpret_cast<const char *>(sqlite3_column_text(prepared, i));
				row.push_back(text == nullptr ? null_text : text);
			}
			found.push_back(std::move(row));
		}
		return found;
	}

private:
	std::unique_ptr<sqlite3, int (*)(sqlite3 *)> handle{nullptr, sqlite3_close};
};

/* PostgreSQL's name of a declared type, as the platform reads it. */
inline std::string
type_of(std::string declared)
{
	std::ranges::transform(declared, declared.begin(),
	                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
	if (declared.starts_with("varchar"))
		return "character varying" + declared.substr(7);
	if (declared.starts_with("char"))
		return "character" + declared.substr(4);
	return declared == "timestamp" ? "timestamp without time zone" : declared;
}

/* The catalog's document of such a database; with the values of columns that have few. */
inline Schema
schema_of(const Database &database, bool with_values,
          tenancy::remote::DatabaseType engine = tenancy::remote::DatabaseType::sqlite)
{
	constexpr std::size_t most_values = 50;
	Schema schema;
	schema.engine = engine;
	schema.default_schema = "main";
	for (auto const &name : database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")) {
		auto &table = schema.tables.emplace_back();
		table.schema = "main";
		table.name = name[0];
		table.kind = "table";
		for (auto const &row :
		     database.rows("SELECT name, type, \"notnull\", pk FROM pragma_table_info('" + name[0] + "')")) {
			auto &column = table.columns.emplace_back();
			column.name = row[0];
			column.native_type = row[1];
			column.type = type_of(row[1]);
			column.nullable = row[2] == "0" && row[3] == "0";
			if (row[3] != "0")
				table.primary_key.push_back(row[0]);
			if (with_values && column.type.starts_with("character")) {
				auto const values = database.rows("SELECT DISTINCT \"" + row[0] + "\" FROM \"" + name[0] +
				                                  "\" WHERE \"" + row[0] + "\" IS NOT NULL ORDER BY 1 LIMIT 51");
				if (values.size() <= most_values)
					for (auto const &value : values)
						column.values.push_back(value[0]);
			}
		}
		for (auto const &row : database.rows("SELECT \"table\", \"from\", \"to\" FROM pragma_foreign_key_list('" +
		                                     name[0] + "') ORDER BY id"))
			table.foreign_keys.push_back({"", {row[1]}, "main", row[0], {row[2]}});
	}
	return schema;
}

inline bool
same_text(const std::string &a, const std::string &b)
{
	if (a == b)
		return true;
	char *end_a = nullptr, *end_b = nullptr;
	double const x = std::strtod(a.c_str(), &end_a), y = std::strtod(b.c_str(), &end_b);
	bool const numbers = end_a != a.c_str() && *end_a == '\0' && end_b != b.c_str() && *end_b == '\0';
	return numbers && std::fabs(x - y) <= 1e-6 * std::max({1.0, std::fabs(x), std::fabs(y)});
}

/* Numbers in one form, so that rows sort alike. */
inline std::string
plain(const std::string &text)
{
	char *end = nullptr;
	double const value = std::strtod(text.c_str(), &end);
	if (text.empty() || end == text.c_str() || *end != '\0')
		return text;
	char out[64];
	std::snprintf(out, sizeof out, "%.6g", value);
	return out;
}

inline std::vector<Row>
picked(const std::vector<Row> &rows, const std::vector<std::size_t> &columns, bool ordered)
{
	std::vector<Row> out;
	for (auto const &row : rows) {
		Row &next = out.emplace_back();
		for (std::size_t const column : columns)
			next.push_back(plain(row[column]));
	}
	if (!ordered)
		std::ranges::sort(out);
	return out;
}

/* Is there a choice of the answer's columns that has the expected rows? */
inline bool
choose(const std::vector<Row> &answer, const std::vector<Row> &expected, std::vector<std::size_t> &chosen, bool ordered)
{
	std::size_t const width = expected[0].size();
	if (chosen.size() == width) {
		std::vector<std::size_t> all(width);
		for (std::size_t i = 0; i < width; ++i)
			all[i] = i;
		return picked(answer, chosen, ordered) == picked(expected, all, ordered);
	}
	for (std::size_t i = 0; i < answer[0].size(); ++i) {
		if (std::ranges::find(chosen, i) != chosen.end() ||
		    picked(answer, {i}, false) != picked(expected, {chosen.size()}, false))
			continue;
		chosen.push_back(i);
		if (choose(answer, expected, chosen, ordered))
			return true;
		chosen.pop_back();
	}
	return false;
}

inline bool
matches(const std::vector<Row> &answer, const std::vector<Row> &expected, bool ordered)
{
	if (answer.size() != expected.size())
		return false;
	std::vector<std::size_t> chosen;
	return answer.empty() || choose(answer, expected, chosen, ordered);
}

inline Verdict
judge(const Database &database, const Case &of, const tenancy::ask::Translation &translation)
{
	if (translation.refused)
		return Verdict::refused;
	auto const answer = database.rows(translation.sql);
	for (auto const &expected : of.answers)
		if (matches(answer, database.rows(expected.sql), expected.ordered))
			return Verdict::right;
	return Verdict::wrong;
}

inline tenancy::ask::Translation
ask(const Schema &schema, const std::string &question)
{
	return tenancy::ask::translate_builtin(schema, {question, 2024, 6, 15});
}

/* The schemas of a folder, by their questions. */
inline std::vector<fs::path>
question_files(const fs::path &folder)
{
	std::vector<fs::path> files;
	for (auto const &entry : fs::directory_iterator(folder))
		if (entry.path().extension() == ".txt")
			files.push_back(entry.path());
	std::ranges::sort(files);
	return files;
}

} // namespace ask_test

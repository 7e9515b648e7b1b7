/*
 * What the words of a question may mean in one schema: its tables, columns, values, and the ways between tables.
 * Pure regime.
 */
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catalog/schema.hpp"
#include "core/waiter.hpp"

namespace tenancy::ask {

enum class Kind : unsigned char { number, text, date, moment, boolean, other };

/* How good a match is; smaller is better. */
enum class Tier : unsigned char { exact, part, synonym };

/* A table, a column of it, or a value of that column. */
struct Ref {
	int table = -1, column = -1, value = -1;
	Tier tier = Tier::exact;

	bool operator==(const Ref &) const = default;
	bool same_column(const Ref &other) const { return table == other.table && column == other.column; }
};

using Refs = std::vector<Ref>;

/* Is the column of ref (which may be one of its values) among columns? */
bool holds_column_of(const Refs &columns, const Ref &ref);

/* Those of the best kind of name among them: exact ones before synonyms. */
Refs best_tier(Refs refs);

struct ColumnFacts {
	Kind kind = Kind::other;
	std::vector<std::string> words, roots;
	std::string_view unit;     /* of the numbers in it; empty: not told */
	bool key = false;          /* of the primary key, or called id */
	int foreign_key = -1;      /* index in the table's foreign keys, when it is one column of one */
	bool birth_or_end = false; /* a date that no bare "in 2024" means: of birth, of expiry */
};

struct TableFacts {
	std::vector<std::string> words, roots;
	std::vector<ColumnFacts> columns;
	std::vector<int> names; /* columns that people call a row by */
};

/* One foreign key, walked from the table that has it to the other (up: at most one row there) or back. */
struct Step {
	int from, to;
	const catalog::ForeignKey *key;
	bool up;

	bool operator==(const Step &) const = default;
};

using Path = std::vector<Step>;

/* No way between tables is longer. */
constexpr std::size_t longest_path = 4;

class Lexicon {
public:
	/* A waiter serves interrupts where the work grows with the schema. */
	explicit Lexicon(const catalog::Schema &of, core::Waiter *waiter = nullptr);

	/*
	 * What the singular words of a span, joined by blanks, may name: the tables of the best tier, columns and values of
	 * any.
	 */
	Refs tables(const std::string &words) const;
	const Refs &columns(const std::string &words) const;
	const Refs &values(const std::string &words) const;
	/* The words that a misspelled one may be meant as; empty when there is none, or more than one. */
	std::string corrected(const std::string &folded, bool also_values) const;

	const catalog::Schema &schema() const { return *source; }
	const catalog::Table &table(int index) const { return source->tables[static_cast<std::size_t>(index)]; }
	const TableFacts &facts(int index) const { return tables_[static_cast<std::size_t>(index)]; }
	const catalog::Column &column(const Ref &ref) const
	{
		return table(ref.table).columns[static_cast<std::size_t>(ref.column)];
	}
	const ColumnFacts &facts(const Ref &ref) const
	{
		return facts(ref.table).columns[static_cast<std::size_t>(ref.column)];
	}
	const std::vector<Step> &steps(int from) const { return steps_[static_cast<std::size_t>(from)]; }
	/* Do keys lead up from one table to the other, in a way that is not too long? Known at once after the first ask. */
	bool rises(int from, int to) const;
	/* To be called where the work grows with the schema. */
	void breathe() const;
	/* To be called for each step of a search: false when one question has taken as many as it may. */
	bool may_step() const;
	/* The columns of one kind; numbers without keys. */
	std::vector<Ref> columns_of(int table, Kind kind) const;

private:
	using Names = std::unordered_map<std::string, Refs>;

	void read_table(int index);
	void read_column(int index, int column);
	std::vector<std::string> meanings_of(std::vector<std::string> words);
	void name_table(int index);
	void name_column(int index, int column);
	void find_names(int index);
	void read_values(int index, int column);
	void connect();
	static bool is_mere_order(const std::string &words, Tier tier);
	static void add(Names &names, const std::string &words, const Ref &ref);
	const Refs &found_in(const Names &names, const std::string &words) const;

	const catalog::Schema *source;
	core::Waiter *waiter_;
	mutable int steps_left;
	mutable std::unordered_map<int, std::vector<bool>> risen; /* by the table that one starts from */
	std::vector<TableFacts> tables_;
	std::vector<std::vector<Step>> steps_;
	Names table_names, column_names, value_names;
	const Refs nothing;
	std::unordered_map<std::string, std::string_view> meanings; /* of words met so far: names repeat them */
};

} // namespace tenancy::ask

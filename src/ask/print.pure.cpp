/*
 * Printing a query as one SELECT in the dialect of its database. Pure regime.
 * Text of the question gets here as operands only, and leaves as literals; names are those of the schema, quoted.
 */
#include "ask/print.pure.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "remote/text.hpp"

namespace tenancy::ask {

namespace {

using remote::DatabaseType;

class Printer {
public:
	Printer(const Lexicon &of, const Query &what) : lexicon(of), query(what), engine(of.schema().engine) {}

	std::string run()
	{
		std::string const base = alias_of(query.base);
		Level level{base, {}, {}};
		from = table_text(query.base, base);
		std::string const list = select_list(level);
		std::string const conditions = where(level);
		std::string const groups = grouping(level);
		std::string const order = ordering(level);
		std::string out =
			"SELECT " + std::string(query.distinct ? "DISTINCT " : "") + list + "\nFROM " + from + level.joins;
		if (!conditions.empty())
			out += "\nWHERE " + conditions;
		out += groups + order;
		if (query.limit > 0)
			out += "\nLIMIT " + std::to_string(query.limit);
		return out;
	}

private:
	/* One FROM: the alias of its first table, and those of the tables that ways lead to from there. */
	struct Level {
		std::string base;
		std::map<std::string, std::string> places;
		std::string joins;
		std::set<std::string> outer = {}; /* aliases whose rows may be absent */
	};

	std::string quoted(const std::string &name) const
	{
		return remote::quoted(name, engine == DatabaseType::mysql ? '`' : '"');
	}

	/* Backslashes and control characters mean different things to servers and their settings. */
	std::string literal(const std::string &text) const
	{
		if (remote::has_control(text) || text.find('\\') != std::string::npos)
			throw Refusal{"a text with a backslash or a control character is not searched for"};
		return remote::quoted(text, '\'');
	}

	std::string table_text(int table, const std::string &alias) const
	{
		auto const &of = lexicon.table(table);
		std::string out = of.schema.empty() || of.schema == lexicon.schema().default_schema
		                      ? quoted(of.name)
		                      : quoted(of.schema) + "." + quoted(of.name);
		return alias == of.name ? out : out + " AS " + quoted(alias);
	}

	std::string alias_of(int table)
	{
		std::string const &name = lexicon.table(table).name;
		std::string alias = name;
		for (int i = 2; !aliases.insert(alias).second; ++i)
			alias = name + "_" + std::to_string(i);
		return alias;
	}

	std::string on(const Step &step, const std::string &from_alias, const std::string &to_alias) const
	{
		std::string out;
		for (std::size_t i = 0; i < step.key->columns.size(); ++i) {
			std::string const &own = step.key->columns[i], &other = step.key->referenced_columns[i];
			out += (i == 0 ? "" : " AND ") + quoted(to_alias) + "." + quoted(step.up ? other : own) + " = " +
			       quoted(from_alias) + "." + quoted(step.up ? own : other);
		}
		return out;
	}

	/*
	 * The alias of the table at the end of a way; joins what is not joined yet. What follows an outer join is one, too,
	 * or it would lose the rows that the outer join keeps.
	 */
	std::string follow(Level &level, const Path &path)
	{
		std::string alias = level.base, place;
		for (auto const &step : path) {
			place += "/" + std::to_string(step.to) + step.key->name +
			         (step.key->columns.empty() ? "" : step.key->columns[0]) + (step.up ? "+" : "-");
			auto const known = level.places.find(place);
			if (known != level.places.end()) {
				alias = known->second;
				continue;
			}
			std::string const next = alias_of(step.to);
			bool const outer = keeps_rows(step) || level.outer.contains(alias);
			if (outer)
				level.outer.insert(next);
			level.joins += "\n" + std::string(outer ? "LEFT JOIN " : "JOIN ") + table_text(step.to, next) + " ON " +
			               on(step, alias, next);
			level.places[place] = alias = next;
		}
		return alias;
	}

	/* A list keeps rows that lack what is shown beside them; groups are of what there is. */
	bool keeps_rows(const Step &step) const
	{
		if (!query.measures.empty() || !step.up || inside)
			return false;
		auto const &columns = lexicon.table(step.from).columns;
		auto const &keys = step.key->columns;
		return std::any_of(columns.begin(), columns.end(), [&](const catalog::Column &column) {
			return column.nullable && std::find(keys.begin(), keys.end(), column.name) != keys.end();
		});
	}

	std::string column(Level &level, const Place &place)
	{
		return quoted(follow(level, place.path)) + "." + quoted(lexicon.column(place.ref).name);
	}

	std::string bucket(const std::string &of, Bucket unit) const
	{
		if (engine == DatabaseType::postgresql)
			switch (unit) {
			case Bucket::day: return "to_char(" + of + ", 'YYYY-MM-DD')";
			case Bucket::week: return "to_char(date_trunc('week', " + of + "), 'YYYY-MM-DD')";
			case Bucket::month: return "to_char(" + of + ", 'YYYY-MM')";
			case Bucket::quarter: return "to_char(" + of + ", 'YYYY-\"Q\"Q')";
			case Bucket::year: return "to_char(" + of + ", 'YYYY')";
			case Bucket::none: return of;
			}
		if (engine == DatabaseType::mysql)
			switch (unit) {
			case Bucket::day: return "DATE_FORMAT(" + of + ", '%Y-%m-%d')";
			case Bucket::week: return "DATE_FORMAT(DATE_SUB(" + of + ", INTERVAL WEEKDAY(" + of + ") DAY), '%Y-%m-%d')";
			case Bucket::month: return "DATE_FORMAT(" + of + ", '%Y-%m')";
			case Bucket::quarter: return "CONCAT(YEAR(" + of + "), '-Q', QUARTER(" + of + "))";
			case Bucket::year: return "DATE_FORMAT(" + of + ", '%Y')";
			case Bucket::none: return of;
			}
		switch (unit) {
		case Bucket::day: return "strftime('%Y-%m-%d', " + of + ")";
		case Bucket::week: return "date(" + of + ", 'weekday 0', '-6 days')";
		case Bucket::month: return "strftime('%Y-%m', " + of + ")";
		case Bucket::quarter: return "strftime('%Y', " + of + ") || '-Q' || ((strftime('%m', " + of + ") + 2) / 3)";
		case Bucket::year: return "strftime('%Y', " + of + ")";
		case Bucket::none: break;
		}
		return of;
	}

	std::string shown(Level &level, const Shown &what) { return bucket(column(level, what.place), what.bucket); }

	std::string measure(Level &level, const Measure &what)
	{
		std::string const of = what.column ? column(level, *what.column) : "*";
		switch (what.function) {
		case Function::count: return "COUNT(" + std::string(what.distinct ? "DISTINCT " : "") + of + ")";
		case Function::sum: return "SUM(" + of + ")";
		case Function::average: return "AVG(" + of + ")";
		case Function::minimum: return "MIN(" + of + ")";
		case Function::maximum: return "MAX(" + of + ")";
		}
		return {};
	}

	static std::string_view column_name_of(Function function)
	{
		switch (function) {
		case Function::count: return "count";
		case Function::sum: return "total";
		case Function::average: return "average";
		case Function::minimum: return "minimum";
		case Function::maximum: return "maximum";
		}
		return {};
	}

	/* A column keeps its name when no other has it; two of one name are told apart by their tables. */
	std::string select_list(Level &level)
	{
		std::set<std::string> taken;
		std::string list;
		auto const append = [&](const std::string &expression, std::string name, const std::string &plain) {
			std::string unique = name;
			for (int i = 2; !taken.insert(unique).second; ++i)
				unique = name + "_" + std::to_string(i);
			list += (list.empty() ? "" : ", ") + expression + (unique == plain ? "" : " AS " + quoted(unique));
		};
		for (auto const &what : query.shown) {
			std::string const plain = what.bucket == Bucket::none ? lexicon.column(what.place.ref).name : std::string();
			std::string name = plain.empty() ? std::string(name_of(what.bucket)) : plain;
			if (!plain.empty() && !what.place.path.empty() && taken.contains(plain))
				name = lexicon.table(what.place.ref.table).name + "_" + plain;
			append(shown(level, what), name, plain);
		}
		for (auto const &what : query.measures) {
			std::string name(column_name_of(what.function));
			if (what.column && !(what.function == Function::count))
				name += "_" + lexicon.column(what.column->ref).name;
			append(measure(level, what), name, {});
		}
		return list;
	}

	static std::string_view sign(Op op)
	{
		switch (op) {
		case Op::differs: return " <> ";
		case Op::less: return " < ";
		case Op::at_most: return " <= ";
		case Op::greater: return " > ";
		case Op::at_least: return " >= ";
		default: return " = ";
		}
	}

	std::string operand(const Filter &filter, const std::string &text) const
	{
		if (filter.numeric)
			return text;
		return filter.folded ? "LOWER(" + literal(text) + ")" : literal(text);
	}

	/* PostgreSQL has no LOWER of an enumeration, which the catalog calls a text. */
	std::string folded(const std::string &of) const
	{
		return engine == DatabaseType::postgresql ? "LOWER(CAST(" + of + " AS text))" : "LOWER(" + of + ")";
	}

	std::string filter(Level &level, const Filter &what)
	{
		std::string const alias = follow(level, what.place.path);
		std::string of = quoted(alias) + "." + quoted(lexicon.column(what.place.ref).name);
		if (what.range)
			return within(of, *what.range);
		if (what.folded)
			of = folded(of);
		switch (what.op) {
		case Op::missing:
			if (level.outer.contains(alias)) /* a row that lacks the value, not a missing row */
				return "(" + of + " IS NULL AND " + quoted(alias) + "." +
				       quoted(what.place.path.back().key->referenced_columns[0]) + " IS NOT NULL)";
			return of + " IS NULL";
		case Op::present: return of + " IS NOT NULL";
		case Op::like: return folded(of) + " LIKE LOWER(" + literal(what.operands[0]) + ") ESCAPE '!'";
		case Op::one_of:
		case Op::none_of: {
			std::string list;
			for (auto const &text : what.operands)
				list += (list.empty() ? "" : ", ") + operand(what, text);
			return of + (what.op == Op::one_of ? " IN (" : " NOT IN (") + list + ")";
		}
		default: break;
		}
		if (is_truth(what)) /* MySQL's 2 is true, too, and not equal to TRUE */
			return of + (engine == DatabaseType::mysql ? " <> FALSE" : " = TRUE");
		return of + std::string(sign(what.op)) + operand(what, what.operands[0]);
	}

	static bool is_truth(const Filter &what)
	{
		return what.op == Op::equal && what.numeric && what.operands[0] == "TRUE";
	}

	/* SQLite keeps dates as text, where one of them compares as such with the moments of its day. */
	std::string within(const std::string &of, const DateRange &range) const
	{
		std::string const type = engine == DatabaseType::sqlite ? "" : "DATE ";
		std::string out;
		if (!range.from.empty())
			out = of + " >= " + type + literal(range.from);
		if (!range.until.empty())
			out += (out.empty() ? "" : " AND ") + of + " < " + type + literal(range.until);
		return out;
	}

	/* Filters joined by AND; those of one number by OR first. */
	std::string all_of(Level &level, const std::vector<Filter> &filters)
	{
		std::string out;
		for (std::size_t i = 0; i < filters.size(); ++i) {
			int const alternative = filters[i].alternative;
			bool const repeated =
				alternative >= 0 && std::any_of(filters.begin(), filters.begin() + static_cast<std::ptrdiff_t>(i),
			                                    [&](const Filter &f) { return f.alternative == alternative; });
			if (repeated)
				continue;
			std::string text = filter(level, filters[i]);
			std::size_t others = 0;
			for (std::size_t j = i + 1; alternative >= 0 && j < filters.size(); ++j)
				if (filters[j].alternative == alternative) {
					text += " OR " + filter(level, filters[j]);
					++others;
				}
			out += (out.empty() ? "" : " AND ") + (others > 0 ? "(" + text + ")" : text);
		}
		return out;
	}

	std::string where(Level &level)
	{
		std::string out = all_of(level, query.filters);
		for (auto const &related : query.related)
			out += (out.empty() ? "" : " AND ") + exists(level, related);
		return out;
	}

	/* A subquery that starts at the related table's end of the first step. */
	std::string exists(Level &outer, const Related &related)
	{
		const Step &first = related.path.front();
		std::string const start = alias_of(first.to);
		Level level{start, {}, {}};
		std::string const inner_from = table_text(first.to, start);
		Path const rest(related.path.begin() + 1, related.path.end());
		inside = true;
		Level end{follow(level, rest), {}, {}};
		std::string const filters = all_of(end, related.filters);
		inside = false;
		std::string const body = " FROM " + flat(inner_from + level.joins + end.joins) + " WHERE " +
		                         on(first, outer.base, start) + (filters.empty() ? "" : " AND " + filters);
		if (related.op == Op::present || related.op == Op::missing)
			return std::string(related.op == Op::missing ? "NOT " : "") + "EXISTS (SELECT 1" + body + ")";
		return "(SELECT " + counted(related, end.base) + body + ")" + std::string(sign(related.op)) + related.count;
	}

	/* Rows that several ways lead to count once. */
	std::string counted(const Related &related, const std::string &alias) const
	{
		bool const down =
			std::none_of(related.path.begin(), related.path.end(), [](const Step &step) { return step.up; });
		if (down)
			return "COUNT(*)";
		auto const &table = lexicon.table(related.path.back().to);
		if (table.primary_key.size() != 1)
			throw Refusal{"rows of " + table.name + " have no single key to count them by"};
		return "COUNT(DISTINCT " + quoted(alias) + "." + quoted(table.primary_key[0]) + ")";
	}

	static std::string flat(std::string text)
	{
		std::replace(text.begin(), text.end(), '\n', ' ');
		return text;
	}

	std::string grouping(Level &level)
	{
		if (query.measures.empty() || (query.shown.empty() && query.keys.empty()))
			return {};
		std::string list;
		for (auto const &key : query.keys)
			list += (list.empty() ? "" : ", ") + column(level, key);
		for (auto const &what : query.shown)
			list += (list.empty() ? "" : ", ") + shown(level, what);
		std::string out = "\nGROUP BY " + list;
		if (query.having)
			out += "\nHAVING " + measure(level, query.measures[0]) + std::string(sign(*query.having)) +
			       query.having_number;
		return out;
	}

	std::string ordering(Level &level)
	{
		std::string list;
		for (auto const &order : query.order) {
			std::string const of = order.measure >= 0
			                           ? measure(level, query.measures[static_cast<std::size_t>(order.measure)])
			                       : order.shown >= 0 ? shown(level, query.shown[static_cast<std::size_t>(order.shown)])
			                                          : column(level, *order.column);
			list += (list.empty() ? "" : ", ") + of + (order.descending ? " DESC" : "");
		}
		return list.empty() ? list : "\nORDER BY " + list;
	}

	const Lexicon &lexicon;
	const Query &query;
	DatabaseType engine;
	std::string from;
	std::set<std::string> aliases;
	bool inside = false; /* of EXISTS: only rows that are there count */
};

} // namespace

std::string
print_query(const Lexicon &lexicon, const Query &query)
{
	return Printer(lexicon, query).run();
}

} // namespace tenancy::ask

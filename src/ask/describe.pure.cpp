/*
 * A query in plain English, so that the asker sees how the question was read. Pure regime.
 */
#include <algorithm>

#include "ask/print.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

class Describer {
public:
	Describer(const Lexicon &of, const Query &what) : lexicon(of), query(what) {}

	std::string run() const
	{
		std::string out = query.measures.empty() ? listed() : measured();
		std::vector<std::string> const said = conditions();
		if (!said.empty())
			out += ", where " + together(said);
		if (query.having)
			out += ", only where the " + measure(query.measures[0]) + " is" + sign(*query.having) + query.having_number;
		out += ordered();
		if (query.limit > 0)
			out += query.limit == 1 ? ", the first only" : ", the first " + std::to_string(query.limit);
		return out;
	}

private:
	static std::string spaced(const std::string &name)
	{
		std::string out;
		for (char const c : name)
			out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
		return out;
	}

	std::string table(int index) const { return spaced(lexicon.table(index).name); }

	std::string column(const Place &place) const
	{
		std::string const name = spaced(lexicon.column(place.ref).name);
		return place.path.empty() ? name : name + " of " + table(place.ref.table);
	}

	std::string listed() const
	{
		std::vector<std::string> names;
		for (auto const &shown : query.shown)
			names.push_back(column(shown.place));
		return (query.distinct ? "the different " : "the ") + join(names, ", ") + " of " + table(query.base);
	}

	std::string measure(const Measure &what) const
	{
		std::string const of = what.column ? column(*what.column) : std::string();
		switch (what.function) {
		case Function::count:
			if (!what.column)
				return "number of " + table(query.base);
			return lexicon.facts(what.column->ref).key ? "number of " + table(what.column->ref.table)
			                                           : "number of different " + of;
		case Function::sum: return "total " + of;
		case Function::average: return "average " + of;
		case Function::minimum: return "minimum " + of;
		case Function::maximum: return "maximum " + of;
		}
		return {};
	}

	std::string measured() const
	{
		std::vector<std::string> names, groups;
		for (auto const &what : query.measures)
			names.push_back(measure(what));
		std::string out = "the " + join(names, ", the ");
		if (query.measures[0].column && query.measures[0].function != Function::count)
			out += " of " + table(query.base);
		for (auto const &key : query.shown)
			groups.push_back(key.bucket == Bucket::none
			                     ? column(key.place)
			                     : std::string(name_of(key.bucket)) + " of " + column(key.place));
		return groups.empty() ? out : out + ", for each " + join(groups, ", ");
	}

	static std::string sign(Op op)
	{
		switch (op) {
		case Op::differs: return " not ";
		case Op::less: return " less than ";
		case Op::at_most: return " at most ";
		case Op::greater: return " more than ";
		case Op::at_least: return " at least ";
		default: return " ";
		}
	}

	std::string filter(const Filter &what) const
	{
		std::string const of = column(what.place);
		if (what.range)
			return of + (what.range->from.empty() ? "" : " is on or after " + what.range->from) +
			       (!what.range->from.empty() && !what.range->until.empty() ? " and" : "") +
			       (what.range->until.empty() ? "" : " is before " + what.range->until);
		std::vector<std::string> operands;
		for (auto const &text : what.operands)
			operands.push_back(what.numeric ? (text == "TRUE"    ? "true"
			                                   : text == "FALSE" ? "false"
			                                                     : text)
			                                : "'" + spaced(text) + "'");
		switch (what.op) {
		case Op::missing: return of + " is missing";
		case Op::present: return of + " is known";
		case Op::like: return of + " is like " + operands[0];
		case Op::one_of: return of + " is " + join(operands, " or ");
		case Op::none_of: return of + " is not " + join(operands, " or ");
		default: return of + " is" + sign(what.op) + operands[0];
		}
	}

	/* Filters of one number are alternatives: "either A or B". */
	std::vector<std::string> all_of(const std::vector<Filter> &filters) const
	{
		std::vector<std::string> said;
		int last = -1;
		for (auto const &each : filters) {
			bool const another = each.alternative >= 0 && each.alternative == last;
			if (another && !said.back().starts_with("either "))
				said.back() = "either " + said.back();
			if (another)
				said.back() += " or " + filter(each);
			else
				said.push_back(filter(each));
			last = each.alternative;
		}
		return said;
	}

	/* A comma ends what holds "or" or several conditions of its own. */
	static std::string together(const std::vector<std::string> &conditions)
	{
		std::string out;
		for (std::size_t i = 0; i < conditions.size(); ++i) {
			bool const closed = i > 0 && (conditions[i - 1].find(" or ") != std::string::npos ||
			                              conditions[i - 1].find(" whose ") != std::string::npos);
			out += (i == 0 ? "" : closed ? ", and " : " and ") + conditions[i];
		}
		return out;
	}

	std::vector<std::string> conditions() const
	{
		std::vector<std::string> said = all_of(query.filters);
		for (auto const &related : query.related) {
			std::string const rows = table(related.path.back().to);
			std::string text = related.op == Op::missing ? "there are no " + rows
			                   : related.op == Op::present
			                       ? "there are " + rows
			                       : "there are" + (related.op == Op::equal ? " exactly " : sign(related.op)) +
			                             related.count + " " + rows;
			std::vector<std::string> const inner = all_of(related.filters);
			if (!inner.empty())
				text += " whose " + together(inner);
			said.push_back(text);
		}
		return said;
	}

	std::string ordered() const
	{
		std::vector<std::string> said;
		for (auto const &order : query.order) {
			std::string const of = order.measure >= 0 ? measure(query.measures[static_cast<std::size_t>(order.measure)])
			                       : order.shown >= 0
			                           ? std::string(name_of(query.shown[static_cast<std::size_t>(order.shown)].bucket))
			                           : column(*order.column);
			said.push_back(of + (order.descending ? ", the highest first" : ", the lowest first"));
		}
		return said.empty() ? std::string() : ", by " + join(said, ", ");
	}

	const Lexicon &lexicon;
	const Query &query;
};

} // namespace

std::string
describe_query(const Lexicon &lexicon, const Query &query)
{
	return Describer(lexicon, query).run();
}

} // namespace tenancy::ask

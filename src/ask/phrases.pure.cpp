/*
 * The list of phrases. Pure regime.
 */
#include "ask/phrases.pure.hpp"

#include <algorithm>
#include <array>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

constexpr std::array phrases{
	Phrase{"how many", Key::count},
	Phrase{"number of", Key::count},
	Phrase{"total number of", Key::count},
	Phrase{"count of", Key::count},
	Phrase{"count", Key::count},
	Phrase{"how much", Key::much},
	Phrase{"different", Key::different},
	Phrase{"distinct", Key::different},
	Phrase{"unique", Key::different},
	Phrase{"sum of", Key::function, Op::equal, Function::sum},
	Phrase{"sum", Key::function, Op::equal, Function::sum},
	Phrase{"total", Key::function, Op::equal, Function::sum},
	Phrase{"total of", Key::function, Op::equal, Function::sum},
	Phrase{"overall", Key::function, Op::equal, Function::sum},
	Phrase{"average", Key::function, Op::equal, Function::average},
	Phrase{"avg", Key::function, Op::equal, Function::average},
	Phrase{"mean", Key::function, Op::equal, Function::average},
	Phrase{"minimum", Key::function, Op::equal, Function::minimum},
	Phrase{"min", Key::function, Op::equal, Function::minimum},
	Phrase{"maximum", Key::function, Op::equal, Function::maximum},
	Phrase{"max", Key::function, Op::equal, Function::maximum},
	Phrase{"per", Key::per},
	Phrase{"for each", Key::per},
	Phrase{"for every", Key::per},
	Phrase{"in each", Key::per},
	Phrase{"in every", Key::per},
	Phrase{"of each", Key::per},
	Phrase{"of every", Key::per},
	Phrase{"by each", Key::per},
	Phrase{"grouped by", Key::per},
	Phrase{"group by", Key::per},
	Phrase{"broken down by", Key::per},
	Phrase{"split by", Key::per},
	Phrase{"each", Key::each},
	Phrase{"every", Key::each},
	Phrase{"by", Key::by},
	Phrase{"the most", Key::most},
	Phrase{"most", Key::most},
	Phrase{"the fewest", Key::fewest},
	Phrase{"fewest", Key::fewest},
	Phrase{"the least", Key::fewest},
	Phrase{"least", Key::fewest},
	Phrase{"top", Key::top},
	Phrase{"bottom", Key::bottom},
	Phrase{"more than", Key::compare, Op::greater},
	Phrase{"over", Key::compare, Op::greater},
	Phrase{"above", Key::compare, Op::greater},
	Phrase{"greater than", Key::compare, Op::greater},
	Phrase{"higher than", Key::compare, Op::greater},
	Phrase{"larger than", Key::compare, Op::greater},
	Phrase{"bigger than", Key::compare, Op::greater},
	Phrase{"exceeding", Key::compare, Op::greater},
	Phrase{">", Key::compare, Op::greater},
	Phrase{"at least", Key::compare, Op::at_least},
	Phrase{"no less than", Key::compare, Op::at_least},
	Phrase{"no fewer than", Key::compare, Op::at_least},
	Phrase{">=", Key::compare, Op::at_least},
	Phrase{"less than", Key::compare, Op::less},
	Phrase{"fewer than", Key::compare, Op::less},
	Phrase{"under", Key::compare, Op::less},
	Phrase{"below", Key::compare, Op::less},
	Phrase{"lower than", Key::compare, Op::less},
	Phrase{"smaller than", Key::compare, Op::less},
	Phrase{"<", Key::compare, Op::less},
	Phrase{"at most", Key::compare, Op::at_most},
	Phrase{"no more than", Key::compare, Op::at_most},
	Phrase{"up to", Key::compare, Op::at_most},
	Phrase{"<=", Key::compare, Op::at_most},
	Phrase{"exactly", Key::compare, Op::equal},
	Phrase{"equal to", Key::compare, Op::equal},
	Phrase{"equals", Key::compare, Op::equal},
	Phrase{"=", Key::compare, Op::equal},
	Phrase{"!=", Key::compare, Op::differs},
	Phrase{"<>", Key::compare, Op::differs},
	Phrase{"between", Key::between},
	Phrase{"or more", Key::or_more},
	Phrase{"or higher", Key::or_more},
	Phrase{"or less", Key::or_less},
	Phrase{"or fewer", Key::or_less},
	Phrase{"or lower", Key::or_less},
	Phrase{"with", Key::with},
	Phrase{"having", Key::with},
	Phrase{"without", Key::without},
	Phrase{"without any", Key::without},
	Phrase{"without a", Key::without},
	Phrase{"with no", Key::without},
	Phrase{"have no", Key::without},
	Phrase{"has no", Key::without},
	Phrase{"had no", Key::without},
	Phrase{"lacking", Key::without},
	Phrase{"out of", Key::out},
	Phrase{"no", Key::none},
	Phrase{"never", Key::none},
	Phrase{"nobody", Key::none},
	Phrase{"no one", Key::none},
	Phrase{"not", Key::negation},
	Phrase{"not yet", Key::negation},
	Phrase{"dont", Key::negation},
	Phrase{"doesnt", Key::negation},
	Phrase{"didnt", Key::negation},
	Phrase{"havent", Key::negation},
	Phrase{"hasnt", Key::negation},
	Phrase{"isnt", Key::negation},
	Phrase{"arent", Key::negation},
	Phrase{"werent", Key::negation},
	Phrase{"wasnt", Key::negation},
	Phrase{"except", Key::negation},
	Phrase{"excluding", Key::negation},
	Phrase{"other than", Key::negation},
	Phrase{"and", Key::conjunction},
	Phrase{"but", Key::conjunction},
	Phrase{"as well as", Key::conjunction},
	Phrase{"or", Key::disjunction},
	Phrase{"sorted by", Key::order},
	Phrase{"ordered by", Key::order},
	Phrase{"order by", Key::order},
	Phrase{"sort by", Key::order},
	Phrase{"ranked by", Key::order},
	Phrase{"ascending", Key::ascending},
	Phrase{"in ascending order", Key::ascending},
	Phrase{"lowest first", Key::ascending},
	Phrase{"smallest first", Key::ascending},
	Phrase{"oldest first", Key::ascending},
	Phrase{"descending", Key::descending},
	Phrase{"in descending order", Key::descending},
	Phrase{"highest first", Key::descending},
	Phrase{"largest first", Key::descending},
	Phrase{"biggest first", Key::descending},
	Phrase{"newest first", Key::descending},
	Phrase{"who", Key::who},
	Phrase{"which", Key::which},
	Phrase{"what", Key::which},
	Phrase{"named", Key::named},
	Phrase{"called", Key::named},
	Phrase{"titled", Key::named},
	Phrase{"containing", Key::contains},
	Phrase{"contains", Key::contains},
	Phrase{"contain", Key::contains},
	Phrase{"starting with", Key::starts},
	Phrase{"starts with", Key::starts},
	Phrase{"start with", Key::starts},
	Phrase{"beginning with", Key::starts},
	Phrase{"ending with", Key::ends},
	Phrase{"ends with", Key::ends},
	Phrase{"times", Key::times},
};

} // namespace

const Phrase *
find_phrase(std::string_view words)
{
	auto const found = std::find_if(phrases.begin(), phrases.end(), [&](const Phrase &p) { return p.words == words; });
	return found == phrases.end() ? nullptr : &*found;
}

const Phrase *
resembling_phrase(std::string_view word)
{
	constexpr std::size_t shortest = 5;
	auto const found = std::find_if(phrases.begin(), phrases.end(), [&](const Phrase &p) {
		return p.words.find(' ') == std::string_view::npos && p.words.size() >= shortest && resembles(word, p.words);
	});
	return found == phrases.end() ? nullptr : &*found;
}

} // namespace tenancy::ask

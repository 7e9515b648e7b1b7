/*
 * The built-in translator: words, items, draft, query, SQL. Pure regime.
 */
#include "ask/builtin.hpp"

#include "ask/draft.pure.hpp"
#include "ask/prefix.pure.hpp"
#include "ask/print.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

Translation
translate_builtin(const catalog::Schema &schema, const Question &question, core::Waiter *waiter)
{
	namespace time = std::chrono;
	auto const words = split_question(question.text);
	if (words.empty())
		return {
			true, {}, "A question has between one word and " + std::to_string(max_question_words) + " words of text."};
	time::year_month_day const today{time::year(question.year), time::month(static_cast<unsigned>(question.month)),
	                                 time::day(static_cast<unsigned>(question.day))};
	try {
		if (!today.ok())
			throw Refusal{"today is no date"};
		Lexicon const lexicon(schema, waiter);
		auto const items = read_items(lexicon, with_denials_apart(lexicon, words), today);
		Query const query = build_query(lexicon, read_draft(lexicon, items), today);
		return {false, print_query(lexicon, query), describe_query(lexicon, query)};
	} catch (const Refusal &refusal) {
		return {true, {}, "Not understood: " + refusal.why + "."};
	}
}

} // namespace tenancy::ask

/*
 * The grammar of questions: what is asked for, then what is said of it, item by item. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ask/draft.pure.hpp"

namespace tenancy::ask {

/* Reads items from left to right into a draft, with no way back but the small looks ahead that its predicates take. */
class Grammar {
public:
	Grammar(const Lexicon &of, const std::vector<Item> &question) : lexicon(of), items(question) {}
	Draft run();

private:
	bool more() const { return at < items.size(); }
	bool is(Key key, std::size_t ahead = 0) const { return at + ahead < items.size() && items[at + ahead].key == key; }
	const Item &here() const { return items[at]; }
	const Item &take() { return items[at++]; }
	bool accept(Key key);
	[[noreturn]] void refuse() const;
	[[noreturn]] static void refuse_alternative();
	/* ---- nouns ---- */
	/* A verb that names a date, as in "shipments delivered", makes no noun with its table. */
	bool is_column_of(const Item &column, const Item &table) const;
	static bool has_exact(const Refs &refs);
	/* A thing that may be read as a column. "total" and "count" may be names of columns too. */
	bool is_column(std::size_t ahead = 0) const;
	bool is_table(std::size_t ahead = 0) const { return is(Key::thing, ahead) && !items[at + ahead].tables.empty(); }
	bool is_value(std::size_t ahead = 0) const;
	static bool rather_column(const Item &item);
	/* Do its columns only lend a verb, as paid_on lends "paid"? */
	bool is_verb_only(const Item &item) const;
	bool is_owner() const;
	/* A table and a column of it side by side are one noun. */
	Noun noun(bool want_column);
	/* "students grade level 8": the column begins a condition. */
	bool is_column_before_number(std::size_t ahead) const
	{
		return is(Key::number, ahead + 1) || is(Key::compare, ahead + 1);
	}
	/* ---- what is asked for ---- */
	void head();
	/* "lowest and highest price" are numbers, "the lowest appointment" would be a row. */
	bool is_extreme_of_column() const;
	bool ranks(std::size_t ahead) const;
	/* "what is the total amount of orders", where each order has its total amount: the sum of them */
	bool is_total_of_rows() const;
	void measured_head();
	/* Functions of one noun, or a count: "highest and lowest price", "number of different cities". */
	std::vector<DraftMeasure> measures(bool modifiers);
	/* A function's word that is the name of the column here: "average total". */
	bool is_last_function() const;
	bool joins_functions();
	void finish_measures(std::vector<DraftMeasure> &out);
	bool has_amounts(const Item &table) const;
	void need_noun(std::vector<DraftMeasure> &out);
	void ranked_head();
	static int rows_of(const Item &item);
	/* cheapest, most expensive, most prescribed */
	void superlative(Ranking &ranking);
	/* Words before a noun that say which rows: "cancelled orders", "fragile parcels", "not approved requests". */
	void head_modifiers();
	void listed_head();
	/* "customers' emails" */
	void possessed();
	/* "teachers and their subjects", "customers with their number of orders" */
	void also_shown();
	bool is_condition(std::size_t ahead) const;
	/* "birth dates of male patients", "countries do the listeners come from" */
	void owner();
	/* ---- verbs that no column or table is named by ---- */
	void verbs();
	DraftVerb verb_before(std::size_t next) const;
	std::size_t completion(std::size_t next) const;
	bool is_dated(std::size_t next) const;
	/* "customers who ordered every product" are no groups. */
	void check_every() const;
	/* ---- what is said of it ---- */
	void tail();
	/* "and", "but" */
	void joint();
	/*
	 * "all customers but Rosa" are those without her, and so may be "customers without email but Rosa". "orders from
	 * Germany but cancelled" and "customers without email but active" leave out none.
	 */
	bool may_leave_out() const;
	/* "shipped and delivered in March", "ordered and reviewed Keyboard": is the end said of both? */
	void refuse_shared_end() const;
	/* A verb that names rows or a date, or one behind a table. */
	bool is_deed_at(std::size_t index) const;
	void groups();
	/* "by month shipped", "by month shipped in 2024": by that date */
	void date_groups();
	[[noreturn]] static void refuse_date_of_groups();
	/* Does the verb here tell when that happened which is counted? Throws Refusal where it is of other rows. */
	bool dates_counted() const;
	bool more_groups();
	void by();
	bool is_doer() const;
	void rank_by(Ranking &ranking);
	void ordering();
	void direction();
	/* "longer than 30 minutes"; "with the highest price"; "with a price higher than 30" */
	void adjectives();
	/* Which carrier has the highest average cost, the most shipments, the lowest price. */
	void ranked_tail();
	void finish_ranking(Ranking &ranking);
	void with();
	/* "with an average rating below 3" */
	void having();
	bool is_plain_table() const { return !here().tables.empty(); }
	bool is_column_of_next() const { return rather_column(here()); }
	void relation(Op op, std::string count);
	/* The table that flags and values stand right before: "blocked" in "blocked cards". */
	const Item *described(std::size_t ahead = 0) const;
	/* "no blocked cards" are rows that do not exist; "with not approved requests" rows that are not so. */
	void limited_relation(Op op, bool negated, std::string count = {});
	/* "cancelled no orders": where a state of the orders is the verb, they are not all orders. */
	void refuse_state_as_verb(std::size_t verb, const Item &table) const;
	/* "more than 2 delayed shipments", "more than 2 surgeons": the rows that are so are counted. */
	bool is_described_count(std::size_t first) const;
	/* The table right before a negation: "orders not paid", "orders that are not paid". */
	const Item *denied_beside() const;
	const Item *table_behind(std::size_t index) const;
	/* Does "and", "but" or a comma stand before that phrase? */
	bool is_apart(std::size_t index) const;
	/* Does "with", "who" or a verb such as "had" tie it to the table before it? */
	bool is_attribute(std::size_t index) const;
	/* Notes how a relation or a mention that begins here stands to the table before it; led: a word ties it there. */
	void tie(Clause &clause, bool led) const;
	/* Is the table here more rows than one that a value or a name beside it tells? */
	bool names_several(bool act) const;
	/* Where the phrase of the noun at index begins: at "with" in "with more than two orders". */
	std::size_t phrase_start(std::size_t index) const;
	/* without orders, with no email, never shipped */
	void absence();
	/* out of stock */
	void exhausted();
	void skip_to_noun();
	void column_is(DraftFilter::What what);
	void negation();
	/* Is "not shipped" without the date that the verb names, rather than of another status? */
	bool means_no_date() const;
	bool any_nullable_verb() const;
	void dated();
	/* "3 orders" after has or with; a number that neither counts nor measures anything is refused */
	void counted();
	/* "1, 2 or 3", "3 or more"; true when it compares. */
	bool equal_to(DraftFilter &filter);
	void comparison(const Noun &column, std::string_view measure, bool more_of_it = true);
	/* What the numbers count or measure follows them, or is known; compared: a word of comparison leads to them. */
	void amount(DraftFilter filter, bool compared);
	bool is_range_with_next(const DraftFilter &filter) const;
	bool is_related_next(const DraftFilter &filter) const;
	void share_noun(DraftFilter &filter);
	/* "more than 10 hours of absence" may be those of several. */
	void refuse_total() const;
	bool is_about_groups() const;
	void choose_groups(const DraftFilter &filter);
	/* "absent more than 3 times": rows of what the verb before it names */
	void times() { refuse(); }
	void times(Op op, const std::string &count);
	/* Columns that are true or false: all that it may mean, or those of the table beside it. */
	bool is_flag(std::size_t ahead = 0) const;
	bool is_flag_of(const Item &flag, const Item &table) const;
	/* "email customers": a column that a table follows like an adjective says nothing of its rows. */
	void refuse_adjective() const;
	void flag_filter(bool negated);
	/* One value, or several of one column joined by or, and, commas. */
	void value_filter(bool negated, const Noun &column = {});
	Tie tie_of_value() const;
	/* The table that the value read last, and others behind it, stand right before; of "customer orders", the orders.
	 */
	const Item *table_ahead() const;
	/* Is the value spelled like a measure ("sales"), with no word beside it that makes it a value? */
	bool is_mere_measure(std::size_t index) const;
	/* Does a column beside the value belong to its rows, so that the value chooses among them? */
	bool tells_of(const Item &column, const Item &value) const;
	bool holds(const Item &column, const Item &value) const;
	bool same_column(const Item &a, const Item &b) const;
	static bool has_value_of(const Item &table, const Item &value);
	/* "from Paris or to Rome" */
	static bool turns(const Item &value, const Item &next);
	void named();
	void like(const Noun &column);
	void add(Clause clause);
	/* Alternatives of one column, which "and" before the first of them does not tear apart. */
	bool are_alike(const DraftFilter &a, const DraftFilter &b) const;
	void thing();
	bool is_one_noun(const Item &first) const;
	void mention(bool act);
	void mention_role();
	/* "accounts that are closed": there is a date of it */
	void verb_without_date() { column_is(DraftFilter::What::present); }
	void finish_verb() { throw Refusal{"there is no date for \"" + pending_verb->text + "\""}; }
	void column_clause();
	/* "with an email": said by with right before it */
	bool is_present_only() const { return at >= 2 && items[at - 2].key == Key::with; }
	void present(const Noun &column);
	const Lexicon &lexicon;
	const std::vector<Item> &items;
	std::size_t at = 0;
	Draft draft;
	const Item *pending_verb = nullptr;
	bool disjunction = false;
	std::size_t conjoined = 0; /* the clause that "and" joins to the one before it */
	bool asks_which = false, summed = false;
	int alternatives = 0;
};

} // namespace tenancy::ask

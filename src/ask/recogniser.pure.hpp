/*
 * The reader of items: where it is in the question, and what it makes of the words there. Pure regime.
 */
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ask/dates.pure.hpp"
#include "ask/items.pure.hpp"
#include "ask/thesaurus.pure.hpp"

namespace tenancy::ask {

class Recogniser {
public:
	Recogniser(const Lexicon &of, const std::vector<Word> &question, std::chrono::sys_days now)
		: lexicon(of), words(question), today(now)
	{}
	std::vector<Item> run();

private:
	/* Each item has its own list: a word of every column of a great schema, over and over, would fill the memory. */
	void count_meanings(const Item &item);
	std::string span(std::size_t count, bool stems) const;
	/* The span in the words that stand for all of their meaning: client, buyer as customer. */
	std::string meaning(std::size_t count) const;
	Item &add(Key key, std::size_t count);
	void next();
	/* "all customers", "the average of all orders". Of rows that a condition is about, one is not all. */
	void all();
	void quoted();
	std::string quoted_stems() const;
	const std::string &value_text(const Ref &ref) const;
	/* The first such value; empty: there is none. */
	std::string value_named(const std::string &words_of_it) const;
	void dated(const DatePhrase &phrase);
	std::size_t longest_phrase() const;
	/* Names that are mere prepositions or articles of English are none. */
	std::size_t longest_name() const;
	/* "from IT", "blood type A", which are not typed like the small words of English. */
	bool small_name();
	bool is_small(const std::string &folded) const;
	/* "starts with A" */
	bool pattern();
	/* month, after per, by or each. */
	bool bucket();
	void structure(std::size_t count);
	void described(const Adjective &measured);
	void number();
	bool measures_space_or_time() const;

	/* things.pure.cpp */
	void named(std::size_t count);
	void fill(Item &item, const std::string &text) const;
	/* Of values of one column that are the same words, such as B+ and B-, those that were typed. */
	void keep_typed(Item &item, std::size_t first);
	/* What a word names by its root: shipped → shipped_on and shipments, reported → reporter_id. */
	void add_verbs(Item &item, const std::string &folded) const;
	/* The tables and columns that share a root with a word. */
	Refs verbal(const std::string &folded) const;
	bool names_act(const std::string &folded) const;
	void other();
	/* Remembered by what it follows; "sold products" would be those that something was done to. */
	void light_verb();
	/*
	 * Does the deed before the word here describe it: "with paid orders", "the most paid orders"? Then rows of another
	 * state do not count.
	 */
	bool describes_next() const;
	/* "ordered Keyboard and reviewed it", "products they reviewed": said of rows that other words name. */
	bool is_pronoun_of_rows() const;
	/* "currently" says nothing more beside what tells a state: "currently open tickets". */
	bool is_state_now();
	/* Women are rows whose gender is female. */
	bool gendered(const std::string &stem);
	/* A unit after a number; the grammar checks that it is the column's. */
	bool unit();
	/* "cost more than 200", "earning over 50k" */
	bool costs();
	/* Is "cost" a verb here, as in "products that cost more than 50", and not the column of that name? */
	bool is_cost_verb() const;
	bool is_proper() const;
	void misspelled();

	const Lexicon &lexicon;
	const std::vector<Word> &words;
	std::chrono::sys_days today;
	std::size_t at = 0, end = 0; /* of the last item */
	std::string_view preposition;
	std::vector<Item> items;
	std::vector<std::string> unknown;
	std::size_t meanings = 0;
};

} // namespace tenancy::ask

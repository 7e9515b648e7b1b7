/*
 * A question as a row of items: things of the schema, numbers, dates, words of structure. Pure regime.
 */
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ask/lexicon.pure.hpp"
#include "ask/query.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

enum class Key : unsigned char {
	thing,   /* of the schema: tables, columns, values */
	literal, /* quoted text, or a name that the schema does not know */
	number,
	date,
	bucket, /* month, in "per month" */
	count,
	different,
	function,
	much,
	per,
	each,
	by,
	most,
	fewest,
	top,
	bottom,
	adjective,
	compare,
	between,
	or_more,
	or_less,
	with,
	without,
	none,
	negation,
	out,
	conjunction,
	disjunction,
	order,
	ascending,
	descending,
	who,
	which,
	named,
	contains,
	starts,
	ends,
	times,
	of_them
};

struct Item {
	Key key = Key::thing;
	std::string text;        /* as typed */
	std::string_view before; /* the preposition that stood before it: of, in, from, to, for, on, at, by */
	Refs tables, columns, values;
	Refs verbs;                                   /* dates that a verb names: shipped → shipped_on */
	Refs acts;                                    /* tables that a verb names: ordered → orders */
	Refs roles;                                   /* foreign keys that a word names: manager → manager_id */
	std::string_view measure;                     /* revenue, price, …: a column by its meaning */
	bool superlative = false, descending = false; /* of an adjective */
	Function function = Function::count;
	Op op = Op::equal;
	std::string digits;
	double value = 0;
	std::vector<DateRange> ranges; /* of a date: any of them */
	bool conjoint = false;         /* of a date: several, and no "or" among them */
	bool years = false;
	Bucket bucket = Bucket::none;
	std::string likely;    /* of a literal: the value that it resembles */
	std::string verb;      /* that followed it and names nothing of the schema: sold, lived */
	bool joined = false;   /* to the item before it: no word between them */
	bool attached = false; /* of a negation: the beginning of a word, "unpaid" */
	bool before_their = false;
	bool ordinal = false; /* of a number: 2nd */
	bool possessive = false, comma = false, plural = false, quoted = false;

	/* Is that table among those that it may name? */
	bool names(int table) const
	{
		return std::any_of(tables.begin(), tables.end(), [table](const Ref &ref) { return ref.table == table; });
	}
};

/* Throws Refusal that names the words without a place. */
std::vector<Item> read_items(const Lexicon &lexicon, const std::vector<Word> &words, std::chrono::sys_days today);

} // namespace tenancy::ask

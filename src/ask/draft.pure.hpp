/*
 * A question taken apart, its nouns not yet bound to tables and columns: between grammar and builder. Pure regime.
 */
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ask/items.pure.hpp"
#include "ask/query.pure.hpp"

namespace tenancy::ask {

/* "order total": a column, with the table that stood before it; or only one of the two. */
struct Noun {
	const Item *table = nullptr;
	const Item *column = nullptr;

	explicit operator bool() const { return table != nullptr || column != nullptr; }
};

struct DraftMeasure {
	Function function = Function::count;
	Noun noun;
	bool distinct = false;
	bool different = false; /* the question said so */
};

/*
 * How a value belongs to the words before it: tied to them by a preposition or "with" ("refunds for Keyboard"), or set
 * apart from them ("refunds, but Keyboard").
 */
enum class Tie : unsigned char { none, tied, apart };

struct DraftFilter {
	enum class What : unsigned char { value, compare, date, missing, present, flag, like };
	/* Of values that "and" joins: of many rows, each has one, or there is no telling. */
	enum class Joint : unsigned char { any, all, unclear };

	What what = What::value;
	Noun noun;                  /* the column, when it is named */
	const Item *verb = nullptr; /* names the column of a date */
	std::string_view measure;   /* an adjective's: the column by its meaning */
	std::vector<const Item *> values;
	Op op = Op::equal;
	std::vector<std::string> numbers;
	const Item *unit = nullptr;
	DateRange range;
	bool years = false;
	bool negated = false;
	Tie tie = Tie::none;
	bool conjoint = false; /* of several, of which "and" or only commas make a list */
	Joint joint = Joint::any;
	const Item *of = nullptr;     /* the table that it stands before: "active orders" */
	const Item *owned = nullptr;  /* the table that it stands before, where one above has the value: "German orders" */
	/* The table that it, its "not" or its number stands behind: "customers in Germany", "orders not paid". */
	const Item *beside = nullptr;
	int alternative = -1;
	char pattern = 0; /* of like: c, s, e */
};

struct Clause {
	enum class What : unsigned char { filter, mention, relation, role };

	What what = What::filter;
	DraftFilter filter;
	const Item *table = nullptr;  /* of mention and relation */
	bool act = false;             /* a verb named it */
	bool several = false;         /* names more rows than one: "customers", but not "customer Rosa" */
	bool apart = false;           /* "and", "but" or a comma stands before it: it is not said of the table before */
	bool of_table_before = false; /* "with refunds", "who had refunds": it is said of the table before */
	Op op = Op::present;
	std::string count;
	std::vector<DraftFilter> limits; /* of a relation: "without blocked cards" */
};

struct DraftGroup {
	Noun noun;
	Bucket bucket = Bucket::none;
};

struct Ranking {
	int rows = 0; /* 0: not told */
	bool descending = true;
	std::string_view measure;       /* an adjective's */
	std::optional<DraftMeasure> by; /* a function of a column, a count */
	Noun column;                    /* or a column as it is */
};

/* A verb of which the schema has no table, or whose table may not have the date that it is told with. */
struct DraftVerb {
	std::string word;
	const Item *named = nullptr; /* the word itself, where it names tables */
	const Item *value = nullptr; /* that completes it: "bought Lamp" */
	bool complete = false;       /* by what it was done to or with */
	bool dated = false;          /* stands before a date, or before "per month" */
	bool measures = false;       /* stands behind a column: "quantity sold" */
};

struct DraftOrder {
	Noun noun;
	std::optional<DraftMeasure> by;
	bool by_measure = false; /* whatever was counted */
	bool descending = false;
};

struct Draft {
	Noun subject;
	std::vector<Noun> shown;
	bool distinct = false;
	std::vector<DraftMeasure> measures;
	std::vector<DraftGroup> groups;
	std::vector<Clause> clauses;
	std::optional<Ranking> ranking;
	std::optional<DraftOrder> order;
	std::vector<DraftVerb> verbs;
	const Item *date_verb = nullptr;    /* of "closed per month" */
	std::size_t grouped_at = 0;         /* how many clauses stand before the groups */
	bool chooses_groups = false;        /* those whose measure compares as having_op and having_number tell; or */
	std::optional<DraftMeasure> having; /* groups by the subject whose measure compares so */
	Op having_op = Op::equal;
	std::string having_number;
};

/* Throws Refusal. The draft points into the items. */
Draft read_draft(const Lexicon &lexicon, const std::vector<Item> &items);

/* Throws Refusal. */
Query build_query(const Lexicon &lexicon, const Draft &draft, std::chrono::sys_days today);

} // namespace tenancy::ask

/*
 * The query tree between a question and its SQL: one base table, what is shown of it, which rows count. Pure regime.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ask/lexicon.pure.hpp"

namespace tenancy::ask {

enum class Function : unsigned char { count, sum, average, minimum, maximum };
enum class Bucket : unsigned char { none, day, week, month, quarter, year };
/* Empty for none. */
constexpr std::string_view
name_of(Bucket unit) noexcept
{
	switch (unit) {
	case Bucket::day: return "day";
	case Bucket::week: return "week";
	case Bucket::month: return "month";
	case Bucket::quarter: return "quarter";
	case Bucket::year: return "year";
	case Bucket::none: break;
	}
	return {};
}

enum class Op : unsigned char {
	equal,
	differs,
	less,
	at_most,
	greater,
	at_least,
	one_of,
	none_of,
	missing,
	present,
	like
};

/* Half open: from the first day on, before the second; both as 2024-05-01. Empty: open. */
struct DateRange {
	std::string from, until;
	bool guessed = false; /* nobody has told the year: it is the latest in which that has begun */
};

/* A column of the base table, or of one that has at most one row for each row of the base: path leads up to it. */
struct Place {
	Path path;
	Ref ref;
};

struct Filter {
	Place place;
	Op op = Op::equal;
	std::vector<std::string> operands; /* text, or digits where the column is a number */
	bool numeric = false;              /* operands are digits */
	bool folded = false;               /* text as typed: compared without case */
	std::optional<DateRange> range;    /* instead of op and operands */
	bool each = false;                 /* of rows that are many: there is one for each operand */
	int alternative = -1;              /* filters of one number are joined by OR */
};

/* Rows of another table, many for one of the base: some, none, or so many. */
struct Related {
	Path path;
	std::vector<Filter> filters; /* their places start at the end of path */
	Op op = Op::present;         /* present, missing, or a comparison of the count */
	std::string count;
};

struct Measure {
	Function function = Function::count;
	std::optional<Place> column; /* none: rows of the base */
	bool distinct = false;
};

/* What is grouped by, or listed. */
struct Shown {
	Place place;
	Bucket bucket = Bucket::none;
};

struct Order {
	int measure = -1; /* or */
	int shown = -1;   /* or */
	std::optional<Place> column;
	bool descending = false;
};

struct Query {
	int base = -1;
	bool distinct = false;
	std::vector<Shown> shown; /* with measures: the keys of groups */
	std::vector<Place> keys;  /* of grouped rows, beside what is shown */
	std::vector<Measure> measures;
	std::vector<Filter> filters;
	std::vector<Related> related;
	std::optional<Op> having; /* of the first measure */
	std::string having_number;
	std::vector<Order> order;
	int limit = 0;
};

/* What a part of the translator throws when it will not guess. */
struct Refusal {
	std::string why;
};

} // namespace tenancy::ask

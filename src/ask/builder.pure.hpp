/*
 * From a draft to a query: its base table, what is measured and shown, groups and order. Pure regime.
 */
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ask/bind.pure.hpp"
#include "ask/conditions.pure.hpp"

namespace tenancy::ask {

class Builder {
public:
	Builder(const Lexicon &of, const Draft &from, std::chrono::sys_days now)
		: lexicon(of), draft(from), today(now), binder(of, query, hints)
	{}
	Query run();

private:
	void collect_hints();
	int table_named(const Item &item) const;
	/* Tables that the question names anywhere. */
	bool is_named(int table) const;
	/* The one column that a measure is of, wherever it is. */
	Ref measured_column(const DraftMeasure &measure) const;
	/* ---- aggregates ---- */
	void measured();
	Measure bound(const DraftMeasure &draft_measure);
	/* After the base moved to a table between: each row of the counted one once. */
	void count_rows_of(Measure &measure, int table);
	Ref key_of(int table) const;
	int table_of_values() const;
	/* Groups by each noun; the base moves between two tables of which each has many of the other. */
	void group(const std::vector<DraftGroup> &groups);
	bool reaches(const Noun &noun) const;
	void move_base(const Noun &noun);
	void group_by(const Noun &noun);
	/* A row by its name and key. */
	void show_row(int table, const Path &path, bool grouped);
	void show_some(int table, const Path &path);
	void show(const Place &place);
	void clauses();
	void check_alternatives() const;
	void check_contradictions(const std::vector<Filter> &filters) const;
	void check_absences() const;
	void check_denied_rows() const;
	void separate();
	void check_verbs() const;
	void check_roles() const;
	bool is_doubtful_deed(const DraftVerb &verb, int base) const;
	bool contradict(const Filter &missing, const Filter &other) const;
	bool loses_rows(const std::vector<Filter> &filters, int alternative) const;
	/* ---- groups by a subject, ranked or chosen by what is measured of them ---- */
	void ranked_groups();
	Noun group_subject() const;
	void choose_groups();
	void ranked_rows(const DraftMeasure &measure);
	void rank_groups();
	/* Rows without the value have no place in a ranking by it. */
	void require(const Place &place);
	/* ---- rows ---- */
	void listed();
	/* "revenue per month": of what adds up, the sum is meant. */
	void summed();
	static bool adds_up(std::string_view word);
	static bool is_level(std::string_view word);
	/* "how many pages" are their sum. */
	bool adds_up(const Ref &column) const;
	/* "highest paid" has a row for a subject; a column alone would be a list of values. */
	void listed_column();
	void show_row_with_columns();
	void show_column(const Noun &noun);
	int table_of_shown() const;
	void rank_rows();
	void rank_by_column(const Place &place);
	/* The oldest person was born first; the oldest contract was made first. */
	void rank_by_time(const Ranking &ranking);
	void order();
	void order_by_measure();
	Place order_column();
	const Lexicon &lexicon;
	const Draft &draft;
	std::chrono::sys_days today;
	Query query;
	Hints hints;
	Binder binder;
	int counted_table = -1;
};

} // namespace tenancy::ask

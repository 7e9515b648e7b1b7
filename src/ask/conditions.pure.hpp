/*
 * Conditions of a draft as filters of a query. Pure regime.
 */
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "ask/bind.pure.hpp"

namespace tenancy::ask {

void add_clause(const Lexicon &lexicon, Binder &binder, Query &query, const Clause &clause, const Hints &hints,
                std::chrono::sys_days today);

/* A comparison or a date, as one filter or two. */
void add_comparison(const Lexicon &lexicon, Binder &binder, const DraftFilter &draft, std::chrono::sys_days today);

/* Adds a filter for a draft, with what the draft tells of all kinds of them. */
void put(const Lexicon &lexicon, Binder &binder, const DraftFilter &draft, Filter filter, const Target &target);

/* What the draft is called in a refusal. */
std::string word_of(const DraftFilter &filter);

/* A table named in passing: its rows are one for each, or some of them have to exist. */
void add_table(const Lexicon &lexicon, Binder &binder, Query &query, const Clause &clause, const Hints &hints);

/* Numeric columns that a measure (price, revenue, …) may mean; of one table, or of all with -1. */
Refs measured_columns(const Lexicon &lexicon, std::string_view measure, int table);

/* The columns that a noun names. */
Refs columns_of(const Lexicon &lexicon, const Noun &noun);

} // namespace tenancy::ask

/*
 * Conditions of a draft as filters of a query. Pure regime.
 */
#pragma once

#include <chrono>

#include "ask/bind.pure.hpp"

namespace tenancy::ask {

void add_clause(const Lexicon &lexicon, Binder &binder, Query &query, const Clause &clause, const Hints &hints,
                std::chrono::sys_days today);

/* A table named in passing: its rows are one for each, or some of them have to exist. */
void add_table(const Lexicon &lexicon, Binder &binder, Query &query, const Clause &clause, const Hints &hints);

/* Numeric columns that a measure (price, revenue, …) may mean; of one table, or of all with -1. */
Refs measured_columns(const Lexicon &lexicon, std::string_view measure, int table);

/* The columns that a noun names. */
Refs columns_of(const Lexicon &lexicon, const Noun &noun);

} // namespace tenancy::ask

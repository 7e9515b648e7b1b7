/*
 * Questions in English turned into one SELECT by rules, with no network and no guesses. Pure regime.
 * docs/ask.md says what it understands, and test/ask how well.
 */
#pragma once

#include <string>
#include <string_view>

#include "catalog/schema.hpp"
#include "core/waiter.hpp"

namespace tenancy::ask {

struct Question {
	std::string_view text; /* any bytes */
	int year, month, day;  /* today, where the asker is */
};

struct Translation {
	bool refused = false;
	std::string sql;
	std::string understood; /* what the query answers; when refused: why, naming the words that have no place */
};

/*
 * Never throws anything but bad_alloc and what the waiter throws, and takes a time that the length of the question and
 * of the schema bound.
 */
Translation translate_builtin(const catalog::Schema &schema, const Question &question, core::Waiter *waiter = nullptr);

} // namespace tenancy::ask

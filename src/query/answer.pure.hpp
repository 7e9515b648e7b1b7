/*
 * The rows of execute_query as JSON text, up to limits. Pure regime.
 */
#pragma once

#include <cstdint>
#include <string>

#include "query/stream.pure.hpp"

namespace tenancy::query {

struct AnswerLimits {
	std::int64_t rows;
	std::int64_t bytes; /* of JSON text of the rows */
};

/* What execute_query says of a result: "columns":[…],"rows":[…] and what history stores of it. */
struct Answer {
	std::string columns = "[]";
	std::string rows = "[]";
	std::int64_t row_count = 0;
	bool truncated = false;
	std::string hash; /* hex SHA-256 of the text of rows */

	/* Up to the limits; a statement that is not to be stopped runs to its end all the same. */
	void collect(Stream &stream, const AnswerLimits &limits, bool stops, core::Waiter &waiter);
};

/* A readable name of a built-in type, as format_type prints it; the native name for the rest. */
std::string_view type_name(const remote::Column &column) noexcept;

} // namespace tenancy::query

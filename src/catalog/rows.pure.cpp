/*
 * See rows.pure.hpp. Pure regime.
 */
#include "catalog/rows.pure.hpp"

#include <algorithm>

namespace tenancy::catalog {

void
CatalogQuery::require_width(std::size_t given, std::size_t wanted)
{
	if (given != wanted)
		throw core::Error(core::FailureKind::query, "08P01",
		                  "the remote server answers " + std::to_string(given) + " columns instead of " +
		                      std::to_string(wanted),
		                  "It was asked for its schema.");
}

bool
fails_alone(const core::Error &error) noexcept
{
	return error.kind == core::FailureKind::query || error.kind == core::FailureKind::database ||
	       error.kind == core::FailureKind::denied;
}

std::string
text_of(const remote::Cell &cell)
{
	switch (cell.kind) {
	case remote::CellKind::boolean: return cell.integer != 0 ? "true" : "false";
	case remote::CellKind::integer: return std::to_string(cell.integer);
	case remote::CellKind::text:
	case remote::CellKind::bytes: return std::string(cell.view());
	default: return {};
	}
}

bool
truth_of(const remote::Cell &cell)
{
	if (cell.kind == remote::CellKind::boolean || cell.kind == remote::CellKind::integer)
		return cell.integer != 0;
	std::string const text = lower_ascii(text_of(cell));
	return text == "t" || text == "true" || text == "yes" || text == "1";
}

bool
contains_ignoring_case(std::string_view text, std::string_view lower_word) noexcept
{
	auto const same = [](char a, char b) { return lower_ascii(a) == b; };
	return std::search(text.begin(), text.end(), lower_word.begin(), lower_word.end(), same) != text.end();
}

} // namespace tenancy::catalog

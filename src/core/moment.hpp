/*
 * Texts of dates and times. Pure regime.
 */
#pragma once

#include <string_view>

namespace tenancy::core {

/* Is it a date, with or without a time, that does not say how far from UTC it is? */
constexpr bool
lacks_offset(std::string_view moment) noexcept
{
	constexpr std::size_t date_size = 10;
	return moment.size() >= date_size && moment.find_first_not_of("0123456789-:. T") == moment.npos &&
	       moment.find('-', date_size) == moment.npos;
}

} // namespace tenancy::core

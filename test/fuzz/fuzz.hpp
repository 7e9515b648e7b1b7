/*
 * What the fuzz targets share: promises, and errors of the kind that pure code may raise. Pure regime.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fuzzer/FuzzedDataProvider.h>

#include "core/error.hpp"
#include "remote/text.hpp"
#include "remote/value.hpp"

namespace tenancy::fuzz {

inline void
require(bool holds)
{
	if (!holds)
		std::abort();
}

inline bool
is_plain(std::string_view text)
{
	return remote::is_utf8(text) && !remote::has_control(text);
}

/* What a value of a rogue server may lead to: an error of data or of the connection, in words that may be shown. */
inline void
require_refusal(const core::Error &error)
{
	std::string_view const state(error.sqlstate);
	require(state.starts_with("22") || state.starts_with("08"));
	require(is_plain(error.message));
}

/* Every cell of a batch lies within it: the sanitizer sees each byte read. */
inline void
read_all(const remote::Batch &batch)
{
	std::size_t sum = 0;
	for (std::size_t row = 0; row < batch.rows(); ++row)
		for (std::size_t column = 0; column < batch.width(); ++column) {
			remote::Cell const &cell = batch.row(row)[column];
			if (cell.kind != remote::CellKind::text && cell.kind != remote::CellKind::bytes &&
			    cell.kind != remote::CellKind::wire)
				continue;
			for (char const byte : cell.view())
				sum += static_cast<unsigned char>(byte);
			require(cell.data[cell.size] == 0);
		}
	volatile std::size_t const seen = sum;
	static_cast<void>(seen);
}

} // namespace tenancy::fuzz

/*
 * When a fetch has brought enough, in one way for all drivers. Pure regime.
 */
#pragma once

#include "core/error.hpp"
#include "remote/value.hpp"

namespace tenancy::remote {

/*
 * Is there room for another row? Cells count like the bytes of their values: a server may send very many that are null,
 * in a bit each.
 */
inline bool
has_room(const Batch &batch) noexcept
{
	return batch.bytes() + batch.rows() * batch.width() * sizeof(Cell) < Batch::fetch_bytes;
}

/*
 * Room for the description of a result, which may be kept with its statement, for many statements. No database has
 * names that fill it; a hostile one, or a hostile statement on SQLite, gives a thousand columns the name of a megabyte.
 */
class DescriptionRoom {
public:
	static constexpr std::size_t most_columns = 4096; /* MySQL's limit, the highest */
	static constexpr std::size_t most_bytes = std::size_t{2} << 20;

	/* Throws 54011 for too many columns. */
	static void check_width(std::size_t columns)
	{
		if (columns > most_columns)
			throw core::Error(core::FailureKind::query, "54011", "the result has too many columns");
	}

	/* The same, or 54000, when there is none for one more column. */
	void take(const Column &column)
	{
		check_width(++columns_);
		bytes_ += column.name.size() + column.native_type.size();
		if (bytes_ > most_bytes)
			throw core::Error(core::FailureKind::query, "54000", "the names of the result's columns are too long");
	}

private:
	std::size_t columns_ = 0;
	std::size_t bytes_ = 0;
};

} // namespace tenancy::remote

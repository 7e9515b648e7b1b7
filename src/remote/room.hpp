/*
 * When a fetch has brought enough, in one way for all drivers. Pure regime.
 */
#pragma once

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

} // namespace tenancy::remote

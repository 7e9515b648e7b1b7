/*
 * Rows by way of the library's own conversion, as Oracle's library has no other. Pure regime.
 * Numbers are fetched in their binary form; strings land in a buffer per column that grows to what the column holds,
 * and what is too long for it is fetched again, straight into the batch: nothing is ever cut.
 */
#include <new>

#include "core/error.hpp"
#include "remote/mysql/decode.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/row.hpp"

namespace tenancy::remote::mysql {

namespace {

using core::Error;
using core::FailureKind;

constexpr unsigned long first_capacity = 256;
constexpr unsigned long most_capacity = 64 << 10; /* longer values are fetched alone, and so copied once only */

constexpr bool
is_string(Form form) noexcept
{
	return form == Form::text || form == Form::number || form == Form::bytes || form == Form::bits;
}

} // namespace

MYSQL_BIND
BoundRow::binding(Slot &slot)
{
	MYSQL_BIND bind{};
	bind.is_null = &slot.is_null;
	bind.error = &slot.error;
	bind.length = &slot.length;
	bind.buffer = &slot.integer;
	switch (slot.form) {
	case Form::integer: bind.buffer_type = MYSQL_TYPE_LONGLONG; break;
	case Form::unsigned_bigint:
		bind.buffer_type = MYSQL_TYPE_LONGLONG;
		bind.is_unsigned = 1;
		break;
	case Form::float4: bind.buffer_type = MYSQL_TYPE_FLOAT; break;
	case Form::float8: bind.buffer_type = MYSQL_TYPE_DOUBLE; break;
	case Form::date:
	case Form::timestamp:
	case Form::timestamptz:
	case Form::time:
		bind.buffer_type = MYSQL_TYPE_DATETIME;
		bind.buffer = &slot.time;
		bind.buffer_length = sizeof(slot.time);
		break;
	case Form::bytes:
	case Form::bits:
		bind.buffer_type = MYSQL_TYPE_BLOB;
		bind.buffer = slot.buffer.get();
		bind.buffer_length = slot.capacity;
		break;
	case Form::text:
	case Form::number:
		bind.buffer_type = MYSQL_TYPE_STRING;
		bind.buffer = slot.buffer.get();
		bind.buffer_length = slot.capacity;
		break;
	}
	return bind;
}

void
BoundRow::bind(MYSQL_STMT *stmt, const std::vector<Shape> &shapes)
{
	slots_ = std::vector<Slot>(shapes.size());
	binds_.clear();
	for (std::size_t i = 0; i < shapes.size(); ++i) {
		Slot &slot = slots_[i];
		slot.form = shapes[i].form;
		slot.bits = shapes[i].bits;
		if (is_string(slot.form)) {
			slot.capacity = first_capacity;
			slot.buffer = std::make_unique_for_overwrite<char[]>(slot.capacity);
		}
		binds_.push_back(binding(slot));
	}
	rebind_ = false;
	if (mysql_stmt_bind_result(stmt, binds_.data()) != 0)
		throw statement_error(report_of(stmt));
}

void
BoundRow::grow(Slot &slot, unsigned column)
{
	if (slot.length > most_capacity || slot.length <= slot.capacity)
		return;
	while (slot.capacity < slot.length)
		slot.capacity *= 2;
	slot.buffer = std::make_unique_for_overwrite<char[]>(slot.capacity);
	binds_[column] = binding(slot);
	rebind_ = true;
}

/* A value longer than its buffer: once more, with a place in the batch that is long enough. */
void
BoundRow::fetch_long(MYSQL_STMT *stmt, unsigned column, Batch &batch, Cell &cell)
{
	Slot &slot = slots_[column];
	unsigned long const length = slot.length;
	char *const place = batch.reserve(length + 1);
	MYSQL_BIND bind = binding(slot);
	unsigned long fetched = 0;
	Flag truncated = 0;
	bind.buffer = place;
	bind.buffer_length = length;
	bind.length = &fetched;
	bind.error = &truncated;
	if (mysql_stmt_fetch_column(stmt, &bind, column, 0) != 0)
		throw statement_error(report_of(stmt));
	if (truncated || fetched != length)
		throw Error(FailureKind::query, "XX000", "value of remote column could not be fetched whole");
	place[length] = 0;
	if (slot.form == Form::text)
		check_text({place, length});
	cell.data = place;
	cell.size = static_cast<std::uint32_t>(length);
	cell.kind = slot.form == Form::bytes ? CellKind::bytes : CellKind::text;
	grow(slot, column);
}

void
BoundRow::decode(MYSQL_STMT *stmt, bool native, Batch &batch)
{
	Cell *const cells = batch.add_row();
	for (unsigned i = 0; i < slots_.size(); ++i) {
		Slot &slot = slots_[i];
		Cell &cell = cells[i];
		if (slot.is_null)
			continue;
		switch (slot.form) {
		case Form::integer:
			cell.integer = slot.integer;
			cell.kind = CellKind::integer;
			break;
		case Form::unsigned_bigint: decode_natural(slot.natural, batch, cell); break;
		case Form::float4:
			cell.real = static_cast<double>(slot.single);
			cell.kind = CellKind::float4;
			break;
		case Form::float8:
			cell.real = slot.real;
			cell.kind = CellKind::float8;
			break;
		case Form::date:
		case Form::timestamp:
		case Form::timestamptz:
		case Form::time: decode_time(slot.form, slot.time, native, batch, cell); break;
		default:
			if (slot.length > slot.capacity)
				fetch_long(stmt, i, batch, cell);
			else
				decode_string(slot.form, slot.bits, {slot.buffer.get(), slot.length}, batch, cell);
		}
	}
	if (rebind_ && mysql_stmt_bind_result(stmt, binds_.data()) != 0)
		throw statement_error(report_of(stmt));
	rebind_ = false;
}

} // namespace tenancy::remote::mysql

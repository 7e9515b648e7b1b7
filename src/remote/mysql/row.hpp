/*
 * Rows of prepared statements, from where the library has them to cells. Pure regime.
 */
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <vector>

#include "remote/mysql/types.hpp"

namespace tenancy::remote::mysql {

/*
 * Either kind is bound once per layout, before the first row. A fetch within an Aim is for a batch, and decode()
 * follows it when it has brought a row; any other fetch throws its row away.
 */

/* The library converts each value into a place of ours. */
class BoundRow {
public:
	void bind(MYSQL_STMT *stmt, const std::vector<Shape> &shapes);
	void aim(bool, Batch *) noexcept {}
	/* native: of the kinds that RunOptions::native allows. */
	void decode(MYSQL_STMT *stmt, bool native, Batch &batch);

private:
	struct Slot {
		Form form = Form::text;
		unsigned bits = 0;
		Flag is_null = 0, error = 0;
		unsigned long length = 0;
		union {
			std::int64_t integer = 0;
			std::uint64_t natural;
			float single;
			double real;
			MYSQL_TIME time;
		};
		std::unique_ptr<char[]> buffer;
		unsigned long capacity = 0;
	};
	static MYSQL_BIND binding(Slot &slot);
	void fetch_long(MYSQL_STMT *stmt, unsigned column, Batch &batch, Cell &cell);
	void grow(Slot &slot, unsigned column);

	std::vector<Slot> slots_; /* never moved while bound */
	std::vector<MYSQL_BIND> binds_;
	bool rebind_ = false;
};

#ifdef MARIADB_PACKAGE_VERSION

/* Connector/C calls us with each value as the server has sent it: no second copy, no buffer that it has to fit in. */
class DirectRow {
public:
	void bind(MYSQL_STMT *stmt, const std::vector<Shape> &shapes);
	void aim(bool native, Batch *batch) noexcept
	{
		native_ = native;
		batch_ = batch;
	}
	void decode(MYSQL_STMT *stmt, bool native, Batch &batch);

private:
	static void called(void *self, unsigned column, unsigned char **place) noexcept;
	void take(Shape shape, std::string_view value, Cell &cell);
	void skip(unsigned column, unsigned char **place) const noexcept;

	MYSQL_STMT *stmt_ = nullptr;
	std::vector<Shape> shapes_;
	std::vector<Cell> cells_;
	std::exception_ptr failure_; /* of a value of this row: nothing may be thrown through the library */
	Batch *batch_ = nullptr;     /* null: nobody wants the row */
	bool native_ = false;
};

using Row = DirectRow;

#else

using Row = BoundRow;

#endif

class Aim {
public:
	Aim(Row &row, bool native, Batch &batch) noexcept : row_(row) { row_.aim(native, &batch); }
	~Aim() { row_.aim(false, nullptr); }
	Aim(const Aim &) = delete;
	Aim &operator=(const Aim &) = delete;

private:
	Row &row_;
};

} // namespace tenancy::remote::mysql

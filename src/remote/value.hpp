/*
 * What crosses the wall: columns, parameters, and batches of cells as plain data. Pure regime,
 * but free of any client library, so that PG code may read a batch without entering pure code.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tenancy::remote {

struct Column {
	std::string name;
	std::uint32_t type_oid = 25; /* a built-in type, core/pgtype.hpp */
	std::int32_t typmod = -1;
	std::string native_type; /* the remote server's own word for it */
	bool utc = false;        /* a moment that does not say its offset is one of UTC: nothing there has a time zone */
};

enum class CellKind : std::uint8_t {
	null,
	boolean, /* integer is 0 or 1 */
	integer, /* fits int64 */
	float4,  /* real holds the float exactly */
	float8,
	text,  /* the text form that the PostgreSQL type of the column reads; UTF-8, NUL-terminated */
	bytes, /* raw bytes of a bytea */
	/* The rest comes only where RunOptions::native allows it: */
	date,      /* integer is PostgreSQL's DateADT: days since 2000-01-01, INT32_MIN and INT32_MAX for the infinities */
	time,      /* integer: microseconds of a day */
	timestamp, /* integer: microseconds since 2000-01-01, UTC where zoned; INT64_MIN and INT64_MAX for the infinities */
	wire       /* data and size are what the send function of Column::type_oid writes */
};

struct Cell {
	union {
		std::int64_t integer;
		double real;
		const char *data;
	};
	std::uint32_t size = 0;
	CellKind kind = CellKind::null;

	Cell() noexcept : integer(0) {}
	std::string_view view() const noexcept { return {data, size}; }
};
static_assert(sizeof(Cell) == 16);

/* A parameter, in order $1, $2, … or ?, ?, … as the dialect spells them. */
struct Param {
	enum class Kind : std::uint8_t { null, boolean, integer, decimal, float8, text, bytes };
	Kind kind = Kind::null;
	std::int64_t integer = 0;   /* boolean, integer */
	double real = 0;            /* float8 */
	std::string text;           /* decimal: digits as PostgreSQL's numeric prints them; text; bytes: raw */
	std::uint32_t type_oid = 0; /* a built-in type when the caller's type is known, else 0: the server infers */
};

/* A parameter as PG code hands it over: plain data, text borrowed. */
struct ParamView {
	Param::Kind kind = Param::Kind::null;
	std::int64_t integer = 0;
	double real = 0;
	std::string_view text;
	std::uint32_t type_oid = 0;
};

struct ParamList {
	const ParamView *items = nullptr;
	int count = 0;
};

/* Copies of views in params, whose memory is used again. */
inline void
assign(std::vector<Param> &params, ParamList views)
{
	params.resize(static_cast<std::size_t>(views.count));
	for (std::size_t i = 0; i < params.size(); ++i) {
		ParamView const &view = views.items[i];
		params[i].kind = view.kind;
		params[i].integer = view.integer;
		params[i].real = view.real;
		params[i].text.assign(view.text);
		params[i].type_oid = view.type_oid;
	}
}

/*
 * Rows of one fetch: cells row by row, their bytes in an arena. All pointers live until reset().
 */
class Batch {
public:
	void reset(std::size_t width)
	{
		width_ = width;
		rows_ = 0;
		bytes_ = 0;
		cells_.clear();
		if (chunks_.size() > 1)
			chunks_.erase(chunks_.begin(), chunks_.end() - 1);
		if (!chunks_.empty() && chunks_.front().size > max_kept_chunk)
			chunks_.clear();
		used_ = 0;
	}
	/* A new row of width null cells; the pointer is good until the next add_row. */
	Cell *add_row()
	{
		cells_.resize(cells_.size() + width_);
		return cells_.data() + width_ * rows_++;
	}
	/* Copy bytes into the arena, followed by a NUL. */
	const char *keep(const void *data, std::size_t size)
	{
		char *const place = reserve(size + 1);
		std::memcpy(place, data, size);
		place[size] = 0;
		return place;
	}
	/* Uninitialised bytes in the arena. */
	char *reserve(std::size_t size)
	{
		if (chunks_.empty() || chunks_.back().size - used_ < size) {
			std::size_t const wanted = size > chunk_size ? size : chunk_size;
			chunks_.push_back({std::make_unique_for_overwrite<char[]>(wanted), wanted});
			used_ = 0;
		}
		char *const place = chunks_.back().bytes.get() + used_;
		used_ += size;
		bytes_ += size;
		return place;
	}
	void set_text(Cell &cell, std::string_view from, CellKind kind = CellKind::text)
	{
		cell.data = keep(from.data(), from.size());
		cell.size = static_cast<std::uint32_t>(from.size());
		cell.kind = kind;
	}
	std::size_t rows() const noexcept { return rows_; }
	std::size_t width() const noexcept { return width_; }
	/* Bytes of variable-length values so far; drivers end a fetch when this passes fetch_bytes. */
	std::size_t bytes() const noexcept { return bytes_; }
	const Cell *row(std::size_t index) const noexcept { return cells_.data() + index * width_; }

	static constexpr std::size_t fetch_bytes = 1 << 20;

private:
	static constexpr std::size_t chunk_size = 64 << 10;
	static constexpr std::size_t max_kept_chunk = 1 << 20;
	struct Chunk {
		std::unique_ptr<char[]> bytes;
		std::size_t size;
	};
	std::vector<Cell> cells_;
	std::vector<Chunk> chunks_;
	std::size_t width_ = 0, rows_ = 0, used_ = 0, bytes_ = 0;
};

} // namespace tenancy::remote

/*
 * libFuzzer target: values of any size and form, as a rogue PostgreSQL server sends them, become cells or error 08P01.
 * Pure regime.
 */
#include <memory>

#include "core/pgtype.hpp"
#include "fuzz.hpp"
#include "remote/postgres/rows.hpp"

using namespace tenancy;

namespace {

namespace pgtype = core::pgtype;

constexpr std::uint32_t types[] = {pgtype::boolean,     pgtype::bytea,   pgtype::int8,      pgtype::int2,
                                   pgtype::int4,        pgtype::text,    pgtype::oid,       pgtype::float4,
                                   pgtype::float8,      pgtype::date,    pgtype::time,      pgtype::timestamp,
                                   pgtype::timestamptz, pgtype::numeric, pgtype::uuid,      pgtype::jsonb,
                                   pgtype::interval,    pgtype::varchar, 1007 /* int4[] */, 600 /* point */};

PGresult *
make_result(FuzzedDataProvider &input, int width)
{
	PGresult *const result = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
	std::vector<PGresAttDesc> attributes(static_cast<std::size_t>(width));
	static char name[] = "c";
	int const format = input.ConsumeBool() ? 1 : 0;
	for (auto &attribute : attributes) {
		std::uint32_t const type =
			input.ConsumeBool() ? input.PickValueInArray(types) : input.ConsumeIntegral<std::uint32_t>();
		attribute = {name, 0, 0, format, type, -1, input.ConsumeIntegral<int>()};
	}
	PQsetResultAttrs(result, width, attributes.data());
	for (int row = 0; row < 2; ++row)
		for (int column = 0; column < width; ++column) {
			std::string value = input.ConsumeRandomLengthString(64);
			bool const null = value.empty() && input.ConsumeBool();
			PQsetvalue(result, row, column, null ? nullptr : value.data(), null ? -1 : static_cast<int>(value.size()));
		}
	return result;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	int const width = input.ConsumeIntegralInRange(1, 6);
	std::unique_ptr<PGresult, decltype(&PQclear)> const result(make_result(input, width), PQclear);
	remote::Batch batch;
	batch.reset(static_cast<std::size_t>(width));
	try {
		remote::postgres::Shape const shape(result.get(), {});
		for (int row = 0; row < PQntuples(result.get()); ++row)
			remote::postgres::append_row(batch, result.get(), row, shape);
	} catch (const core::Error &error) {
		fuzz::require(std::string_view(error.sqlstate) == "08P01");
		return 0;
	}
	fuzz::read_all(batch);
	return 0;
}

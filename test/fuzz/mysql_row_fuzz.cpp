/*
 * libFuzzer target: rows of the binary protocol, of columns that a rogue MySQL server describes, are read no further
 * than their packet and become cells, or errors of data. Pure regime.
 */
#include "fuzz.hpp"
#include "remote/mysql/row.hpp"

using namespace tenancy;
namespace mysql = remote::mysql;

namespace {

constexpr unsigned most_columns = 12;

MYSQL_FIELD
pick_field(FuzzedDataProvider &input)
{
	static char name[] = "c", nothing[] = "";
	MYSQL_FIELD field{};
	field.name = name;
	field.org_name = input.ConsumeBool() ? name : nothing;
	field.type = static_cast<enum_field_types>(input.ConsumeIntegral<std::uint8_t>());
	field.length = input.ConsumeIntegral<std::uint32_t>();
	field.flags = input.ConsumeIntegral<std::uint16_t>();
	field.decimals = input.ConsumeIntegral<std::uint8_t>();
	field.charsetnr = input.ConsumeIntegral<std::uint8_t>();
	return field;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	std::vector<MYSQL_FIELD> fields(input.ConsumeIntegralInRange(1U, most_columns));
	for (MYSQL_FIELD &field : fields)
		field = pick_field(input);
	bool const native = input.ConsumeBool();
	remote::Batch batch;
	batch.reset(fields.size());
	try {
		mysql::Layout const layout = mysql::layout_of(fields.data(), static_cast<unsigned>(fields.size()), false);
		std::vector<char> const packet = input.ConsumeRemainingBytes<char>(); /* without a byte behind it */
		mysql::decode_row(layout.shapes, {packet.data(), packet.size()}, native, batch);
	} catch (const core::Error &error) {
		fuzz::require_refusal(error);
		return 0;
	}
	fuzz::read_all(batch);
	return 0;
}

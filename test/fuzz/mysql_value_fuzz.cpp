/*
 * libFuzzer target: values of both protocols of a rogue MySQL server become cells, or errors of data. Pure regime.
 */
#include "fuzz.hpp"
#include "remote/mysql/decode.hpp"

using namespace tenancy;
namespace mysql = remote::mysql;

namespace {

mysql::Form
pick_form(FuzzedDataProvider &input)
{
	return static_cast<mysql::Form>(input.ConsumeIntegralInRange(0, static_cast<int>(mysql::Form::time)));
}

MYSQL_TIME
pick_time(FuzzedDataProvider &input)
{
	MYSQL_TIME time{};
	time.year = input.ConsumeIntegral<unsigned>();
	time.month = input.ConsumeIntegral<unsigned>();
	time.day = input.ConsumeIntegral<unsigned>();
	time.hour = input.ConsumeIntegral<unsigned>();
	time.minute = input.ConsumeIntegral<unsigned>();
	time.second = input.ConsumeIntegral<unsigned>();
	time.second_part = input.ConsumeIntegral<unsigned>();
	time.neg = input.ConsumeBool();
	return time;
}

bool
is_of_text(mysql::Form form)
{
	return form == mysql::Form::text || form == mysql::Form::number || form == mysql::Form::bytes ||
	       form == mysql::Form::bits;
}

bool
is_of_time(mysql::Form form)
{
	return form >= mysql::Form::date;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	mysql::Form const form = pick_form(input);
	auto const bits = input.ConsumeIntegralInRange(0U, 64U);
	bool const native = input.ConsumeBool();
	remote::Batch batch;
	batch.reset(3);
	remote::Cell *const row = batch.add_row();
	try {
		if (is_of_time(form))
			mysql::decode_time(form, pick_time(input), native, batch, row[0]);
		mysql::decode_natural(input.ConsumeIntegral<std::uint64_t>(), batch, row[1]);
		std::string const text = input.ConsumeRemainingBytesAsString();
		if (is_of_text(form))
			mysql::decode_string(form, bits, text, batch, row[0]);
		mysql::Shape shape;
		shape.form = form;
		shape.bits = bits;
		mysql::decode_text(shape, text, batch, row[2]);
	} catch (const core::Error &error) {
		fuzz::require_refusal(error);
		return 0;
	}
	fuzz::read_all(batch);
	return 0;
}

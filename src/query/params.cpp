/*
 * See params.hpp. PG regime.
 */
#include "query/params.hpp"

#include "bridge/param.hpp"

namespace tenancy::query {

namespace {

using remote::ParamList;
using remote::ParamView;
using Kind = remote::Param::Kind;

ParamView
jsonb_param(const JsonbValue &value)
{
	ParamView param;
	switch (value.type) {
	case jbvNull: break;
	case jbvBool:
		param.kind = Kind::boolean;
		param.integer = value.val.boolean ? 1 : 0;
		break;
	case jbvString:
		param.kind = Kind::text;
		param.text = bridge::utf8(pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len)));
		break;
	case jbvNumeric: {
		char *const digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
		bool const whole = strspn(digits, "-0123456789") == strlen(digits) && strlen(digits) <= 18;
		param.kind = whole ? Kind::integer : Kind::decimal;
		param.integer = whole ? strtoll(digits, nullptr, 10) : 0;
		param.text = digits;
		break;
	}
	default:
		param.kind = Kind::text;
		param.text = bridge::utf8(JsonbToCString(nullptr, value.val.binary.data, value.val.binary.len));
	}
	return param;
}

} // namespace

ParamList
variadic_params(FunctionCallInfo fcinfo, int first)
{
	if (PG_NARGS() <= first)
		return {};
	Datum *values;
	Oid *types;
	bool *nulls;
	int const count = extract_variadic_args(fcinfo, first, false, &values, &types, &nulls);
	if (count <= 0)
		return {};
	auto *const params = static_cast<ParamView *>(palloc(sizeof(ParamView) * static_cast<Size>(count)));
	for (int i = 0; i < count; ++i)
		params[i] = nulls[i] ? ParamView() : bridge::datum_param(types[i], values[i]);
	return {params, count};
}

ParamList
jsonb_params(Jsonb *array)
{
	if (array == nullptr)
		return {};
	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("params must be a JSON array"),
		                errhint("Write them in order, as '[1, \"two\", null]'.")));
	auto *const params = static_cast<ParamView *>(palloc(sizeof(ParamView) * (JB_ROOT_COUNT(array) + 1)));
	JsonbIterator *iterator = JsonbIteratorInit(&array->root);
	JsonbValue item;
	int count = 0;
	for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE;)
		if (token == WJB_ELEM)
			params[count++] = jsonb_param(item);
	return {params, count};
}

} // namespace tenancy::query

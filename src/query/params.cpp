/*
 * See params.hpp. PG regime.
 */
#include "query/params.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace tenancy::query {

namespace {

using Kind = remote::Param::Kind;

/* The text of a value as every server reads it, whatever DateStyle and its like the session has. */
char *
portable_text(Oid type, Datum value)
{
	int const level = NewGUCNestLevel();
	auto const set = [](const char *name, const char *setting) {
		(void) set_config_option(name, setting, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	};
	set("datestyle", "ISO");
	set("intervalstyle", "postgres");
	set("extra_float_digits", "3");
	set("timezone", "UTC");
	Oid output;
	bool is_varlena;
	getTypeOutputInfo(type, &output, &is_varlena);
	char *const text = OidOutputFunctionCall(output, value);
	AtEOXact_GUC(true, level);
	return text;
}

std::string_view
utf8(const char *text)
{
	return pg_server_to_any(text, static_cast<int>(strlen(text)), PG_UTF8);
}

ParamView
datum_param(Oid type, Datum value)
{
	ParamView param;
	/* Only types that every PostgreSQL server has by the same OID are named to it; literals are of type unknown. */
	param.type_oid = type == UNKNOWNOID || type == TEXTOID || type >= FirstUnpinnedObjectId ? 0 : type;
	switch (type) {
	case BOOLOID:
		param.kind = Kind::boolean;
		param.integer = DatumGetBool(value) ? 1 : 0;
		break;
	case INT2OID:
		param.kind = Kind::integer;
		param.integer = DatumGetInt16(value);
		break;
	case INT4OID:
		param.kind = Kind::integer;
		param.integer = DatumGetInt32(value);
		break;
	case INT8OID:
		param.kind = Kind::integer;
		param.integer = DatumGetInt64(value);
		break;
	case FLOAT4OID:
		param.kind = Kind::float8;
		param.real = static_cast<double>(DatumGetFloat4(value));
		break;
	case FLOAT8OID:
		param.kind = Kind::float8;
		param.real = DatumGetFloat8(value);
		break;
	case BYTEAOID: {
		bytea *const bytes = DatumGetByteaPP(value);
		param.kind = Kind::bytes;
		param.text = {VARDATA_ANY(bytes), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(bytes))};
		break;
	}
	case NUMERICOID:
		param.kind = Kind::decimal;
		param.text = portable_text(type, value);
		break;
	default:
		param.kind = Kind::text;
		param.text = utf8(type == UNKNOWNOID ? DatumGetCString(value) : portable_text(type, value));
	}
	return param;
}

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
		param.text = utf8(pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len)));
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
		param.text = utf8(JsonbToCString(nullptr, value.val.binary.data, value.val.binary.len));
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
		params[i] = nulls[i] ? ParamView() : datum_param(types[i], values[i]);
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

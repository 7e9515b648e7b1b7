/*
 * See param.hpp. PG regime.
 */
#include "bridge/param.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace tenancy::bridge {

namespace {

using remote::ParamView;
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

} // namespace

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

} // namespace tenancy::bridge

/*
 * See param.hpp. PG regime.
 */
#include "bridge/param.hpp"

#include "bridge/moment.hpp"
#include "bridge/setting.hpp"

extern "C" {
#include "utils/date.h"
#include "utils/lsyscache.h"
}

namespace tenancy::bridge {

namespace {

using remote::ParamView;
using Kind = remote::Param::Kind;

/* Do settings of the session show in what the output function writes? Unknown types are taken for such. */
bool
depends_on_settings(Oid type)
{
	switch (type) {
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID:
	case NAMEOID:
	case NUMERICOID:
	case UUIDOID:
	case OIDOID:
	case TIDOID:
	case JSONOID:
	case JSONBOID:
	case INETOID:
	case CIDROID:
	case MACADDROID:
	case BITOID:
	case VARBITOID:
	case INT2ARRAYOID:
	case INT4ARRAYOID:
	case INT8ARRAYOID:
	case TEXTARRAYOID: return false;
	default: return true;
	}
}

/* The cell that a date or time is, in kind; null for other types. */
remote::Cell
moment_cell(Oid type, Datum value)
{
	remote::Cell cell;
	switch (type) {
	case DATEOID:
		cell.kind = remote::CellKind::date;
		cell.integer = DatumGetDateADT(value);
		break;
	case TIMEOID:
		cell.kind = remote::CellKind::time;
		cell.integer = DatumGetTimeADT(value);
		break;
	case TIMESTAMPOID:
	case TIMESTAMPTZOID:
		cell.kind = remote::CellKind::timestamp;
		cell.integer = DatumGetTimestamp(value);
		break;
	default: break;
	}
	return cell;
}

/* A text in UTF-8, borrowed from value where it is not converted. */
std::string_view
text_view(Datum value)
{
	text *const stored = DatumGetTextPP(value);
	auto const size = static_cast<std::size_t>(VARSIZE_ANY_EXHDR(stored));
	char *const own = VARDATA_ANY(stored);
	char *const converted = pg_server_to_any(own, static_cast<int>(size), PG_UTF8);
	return {converted, converted == own ? size : strlen(converted)};
}

} // namespace

char *
output_text(Oid type, Datum value)
{
	Oid output;
	bool is_varlena;
	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

char *
portable_text(Oid type, Datum value)
{
	if (remote::Cell const moment = moment_cell(type, value); moment.kind != remote::CellKind::null)
		return moment_text(moment, type == TIMESTAMPTZOID);
	if (!depends_on_settings(type))
		return output_text(type, value);
	int const level = begin_portable_settings();
	char *const text = output_text(type, value);
	end_portable_settings(level);
	return text;
}

int
begin_portable_settings()
{
	static constexpr const char *settings[][2] = {
		{"datestyle", "ISO"}, {"intervalstyle", "postgres"}, {"extra_float_digits", "3"}, {"timezone", "UTC"}};
	int const level = NewGUCNestLevel();
	for (auto const &setting : settings)
		set_for_now(setting[0], setting[1]);
	return level;
}

void
end_portable_settings(int level)
{
	AtEOXact_GUC(true, level);
}

std::string_view
utf8(const char *text)
{
	return pg_server_to_any(text, static_cast<int>(strlen(text)), PG_UTF8);
}

const char *
utf8_or_null(const char *text)
{
	return text == nullptr ? nullptr : utf8(text).data();
}

char *
server_text(const char *utf8)
{
	return pg_any_to_server(utf8, static_cast<int>(strlen(utf8)), PG_UTF8);
}

ParamView
datum_param(Oid type, Datum value)
{
	ParamView param;
	if (type >= FirstUnpinnedObjectId)
		type = getBaseType(type);
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
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID:
		param.kind = Kind::text;
		param.text = text_view(value);
		break;
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

/*
 * See options.hpp. PG regime.
 */
#include "connection/options.hpp"

#include "bridge/datum.hpp"
#include "bridge/param.hpp"

namespace tenancy::connection {

namespace {

void
refuse_nulls(Jsonb *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbValue key{}, value;
	for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE;) {
		if (token == WJB_KEY)
			key = value;
		else if (token == WJB_VALUE && value.type == jbvNull)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			                errmsg("option \"%s\" must not be null",
			                       pnstrdup(key.val.string.val, static_cast<Size>(key.val.string.len))),
			                errhint("Leave it out to have its default.")));
	}
}

char *
value_text(const JsonbValue &value)
{
	switch (value.type) {
	case jbvString: return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
	case jbvBool: return pstrdup(value.val.boolean ? "true" : "false");
	case jbvNumeric: return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
	default: return nullptr;
	}
}

} // namespace

Option *
read_options(Jsonb *object, int *count)
{
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"),
		                errhint("Write them as '{\"sslmode\": \"require\"}'.")));
	auto *const options = static_cast<Option *>(palloc0(sizeof(Option) * (JB_ROOT_COUNT(object) + 1)));
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbValue item;
	char *key = nullptr;

	*count = 0;
	for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE;) {
		if (token == WJB_KEY)
			key = pnstrdup(item.val.string.val, static_cast<Size>(item.val.string.len));
		else if (token == WJB_VALUE && item.type != jbvNull) {
			char *const value = value_text(item);
			if (value == nullptr)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				                errmsg("option \"%s\" must be a string, number or boolean", key)));
			options[(*count)++] = {bridge::utf8_or_null(key), bridge::utf8_or_null(value)};
		}
	}
	return options;
}

Option *
read_given_options(Jsonb *object, int *count)
{
	bridge::limit_size(object, most_option_bytes, "options");
	Option *const options = read_options(object, count);
	refuse_nulls(object);
	return options;
}

} // namespace tenancy::connection

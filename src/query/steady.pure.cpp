/*
 * The functions of each engine whose value depends on nothing but arguments and rows. Pure regime.
 * Not here: what tells the time, the session, the server or a random number, what reads files or sleeps, and what takes
 * the current day when an argument is left out.
 */
#include <string>

#include "query/cacheable.pure.hpp"

namespace tenancy::query {

namespace {

using remote::DatabaseType;

/* Words between blanks. */
constexpr std::string_view of_postgresql =
	" abs acos any_value array_agg array_append array_cat array_length array_lower array_position array_remove "
	"array_replace array_to_json array_to_string array_upper ascii asin atan atan2 avg bit bit_and bit_or "
	"bit_xor bool_and bool_or btrim cardinality cast cbrt ceil ceiling char char_length character "
	"character_length chr coalesce concat concat_ws corr cos cot count covar_pop covar_samp cume_dist date_bin "
	"date_part date_trunc decimal decode degrees dense_rank div encode every exp extract first_value float "
	"floor format generate_series generate_subscripts greatest grouping initcap interval isfinite json_agg "
	"json_array_elements json_array_elements_text json_array_length json_build_array json_build_object "
	"json_each json_each_text json_extract_path json_extract_path_text json_object_agg json_object_keys "
	"json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array "
	"jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_object_agg "
	"jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_path_query_first jsonb_pretty jsonb_set "
	"jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval lag last_value lead least left "
	"length ln log log10 lower lpad ltrim make_date make_interval make_time make_timestamp max md5 min mod "
	"mode nth_value ntile nullif numeric octet_length overlay percent_rank percentile_cont percentile_disc pi "
	"plainto_tsquery position power radians rank regexp_count regexp_like regexp_match regexp_matches "
	"regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr regr_intercept regr_r2 "
	"regr_slope repeat replace reverse right round row_number row_to_json rpad rtrim scale sha256 sign sin "
	"split_part sqrt starts_with stddev stddev_pop stddev_samp string_agg string_to_array strpos substr "
	"substring sum tan time timestamp to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery "
	"to_tsvector translate trim trim_array trunc ts_rank unnest upper var_pop var_samp varchar variance "
	"width_bucket ";

constexpr std::string_view of_mysql =
	" abs acos adddate ascii asin atan atan2 avg bit_and bit_count bit_or bit_xor cast ceil ceiling char "
	"char_length character_length coalesce concat concat_ws conv convert cos cot count crc32 cume_dist date "
	"date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees dense_rank elt "
	"exp extract field find_in_set first_value floor format from_days from_unixtime greatest group_concat hex "
	"hour if ifnull instr json_array json_arrayagg json_contains json_extract json_keys json_length "
	"json_object json_objectagg json_type json_unquote json_valid json_value lag last_day last_value lcase "
	"lead least left length ln locate log log10 log2 lower lpad ltrim makedate maketime match max md5 "
	"microsecond mid min minute mod month monthname nth_value ntile nullif octet_length percent_rank "
	"period_add period_diff pi position pow power quarter radians rank regexp regexp_instr regexp_replace "
	"regexp_substr repeat replace reverse right round row_number rpad rtrim sec_to_time second sha1 sha2 sign "
	"sin soundex space sqrt std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring "
	"substring_index sum tan time time_format time_to_sec timediff timestamp timestampadd timestampdiff "
	"to_days trim truncate ucase unhex unix_timestamp upper var_pop var_samp variance week weekday weekofyear "
	"xor year yearweek ";

/* Nobody can define a function there, so all that is missing is what is not steady. */
constexpr std::string_view of_sqlite =
	" abs acos asin atan atan2 avg cast ceil ceiling char coalesce concat concat_ws cos count cume_dist date "
	"datetime degrees dense_rank exp first_value floor format glob group_concat hex if ifnull iif instr json "
	"json_array json_array_length json_each json_extract json_group_array json_group_object json_object "
	"json_patch json_quote json_remove json_replace json_set json_tree json_type json_valid julianday lag "
	"last_value lead length likelihood likely ln log log10 log2 lower ltrim match max median min mod nth_value "
	"ntile nullif octet_length percent_rank pi pow power printf quote radians rank replace round row_number "
	"rtrim sign sin soundex sqrt strftime string_agg substr substring sum tan time timediff total trim trunc "
	"typeof unhex unicode unixepoch unlikely upper ";

std::string_view
functions_of(DatabaseType type) noexcept
{
	switch (type) {
	case DatabaseType::postgresql: return of_postgresql;
	case DatabaseType::mysql: return of_mysql;
	case DatabaseType::sqlite: break;
	}
	return of_sqlite;
}

} // namespace

bool
is_steady_function(DatabaseType type, std::string_view name)
{
	return functions_of(type).find(" " + std::string(name) + " ") != std::string_view::npos;
}

} // namespace tenancy::query

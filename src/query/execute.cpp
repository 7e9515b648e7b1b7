/*
 * tenancy.execute_query: a whole result as one JSON document, failures included. PG regime.
 */
#include "query/query.hpp"

#include "query/answer.pure.hpp"

#include "bridge/datum.hpp"
#include "bridge/error.hpp"
#include "bridge/function.hpp"
#include "bridge/owned.hpp"
#include "bridge/wait.hpp"
#include "query/execution.hpp"
#include "query/params.hpp"
#include "query/wish.hpp"
#include "settings.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
}

namespace tenancy::query {

namespace {

/*
 * What the JSON document is made of; message and sqlstate are NULL unless something failed. The message is in the
 * server's encoding, all else in UTF-8.
 */
struct Reply {
	const core::Uuid *query_id;
	history::Status status;
	const cache::Result *result; /* NULL: no rows */
	bool cached;
	int64 milliseconds;
	const char *code, *sqlstate, *message;
	const char *members; /* more of them, or NULL */
};

void
append(StringInfo out, std::string_view text)
{
	appendBinaryStringInfo(out, text.data(), static_cast<int>(text.size()));
}

/* Characters beyond ASCII, which stand in strings only, as JSON writes them in any encoding. */
void
escape_all(StringInfo out, const char *json, int length)
{
	for (const char *at = json, *const end = json + length; at < end;) {
		auto const *const bytes = reinterpret_cast<const unsigned char *>(at);
		int const width = pg_utf_mblen(bytes);
		if (width == 1)
			appendStringInfoCharMacro(out, *at);
		else if (pg_wchar const code = utf8_to_unicode(bytes); code < 0x10000)
			appendStringInfo(out, "\\u%04x", code);
		else
			appendStringInfo(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
		at += width;
	}
}

/* JSON in the encoding of the database. What that lacks is no error: the statement has run. */
text *
server_json(const StringInfoData &json)
{
	int const encoding = GetDatabaseEncoding();
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return cstring_to_text_with_len(json.data, json.len);
	Oid const conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return cstring_to_text(pg_any_to_server(json.data, json.len, PG_UTF8)); /* which says so */
	Size const room = static_cast<Size>(json.len) * MAX_CONVERSION_GROWTH + 1;
	auto *const converted = static_cast<unsigned char *>(MemoryContextAllocHuge(CurrentMemoryContext, room));
	int const taken =
		pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, reinterpret_cast<unsigned char *>(json.data),
	                                  json.len, converted, static_cast<int>(Min(room, PG_INT32_MAX)), true);
	if (taken == json.len)
		return cstring_to_text(reinterpret_cast<char *>(converted));
	StringInfoData escaped;
	initStringInfo(&escaped);
	escape_all(&escaped, json.data, json.len);
	return cstring_to_text_with_len(escaped.data, escaped.len);
}

text *
compose(const Reply &reply)
{
	static constexpr cache::Result nothing = {"[]", "[]", "", 0, false};
	const cache::Result &result = reply.result != nullptr ? *reply.result : nothing;
	StringInfoData out;
	initStringInfo(&out);
	appendStringInfo(&out, "{\"query_id\":\"%s\",\"status\":\"%s\"", bridge::uuid_text(*reply.query_id),
	                 history::name_of(reply.status));
	append(&out, ",\"columns\":");
	append(&out, result.columns);
	append(&out, ",\"rows\":");
	append(&out, result.rows);
	appendStringInfo(
		&out, ",\"row_count\":" INT64_FORMAT ",\"truncated\":%s,\"cached\":%s,\"execution_time_ms\":" INT64_FORMAT,
		result.row_count, result.truncated ? "true" : "false", reply.cached ? "true" : "false", reply.milliseconds);
	if (reply.message == nullptr)
		appendStringInfoString(&out, ",\"error\":null");
	else {
		appendStringInfo(&out, ",\"error\":{\"code\":\"%s\",\"sqlstate\":", reply.code);
		escape_json(&out, reply.sqlstate);
		append(&out, ",\"message\":");
		escape_json(&out, pg_server_to_any(reply.message, static_cast<int>(strlen(reply.message)), PG_UTF8));
		appendStringInfoChar(&out, '}');
	}
	appendStringInfo(&out, "%s}", reply.members == nullptr ? "" : reply.members);
	return server_json(out);
}

AnswerLimits
limits_of(const Request &request)
{
	AnswerLimits limits{settings::max_result_rows, static_cast<std::int64_t>(settings::max_result_bytes) * 1024};
	if (request.max_rows >= 0)
		limits.rows = Min(limits.rows, request.max_rows);
	return limits;
}

int64
max_rows_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(3))
		return -1;
	if (PG_GETARG_INT32(3) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_rows must not be negative")));
	return PG_GETARG_INT32(3);
}

const Interval *
cache_ttl_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(4))
		return nullptr;
	const Interval *const ttl = PG_GETARG_INTERVAL_P(4);
	if (ttl->month < 0 || ttl->day < 0 || ttl->time < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cache_ttl must not be negative")));
	return ttl;
}

/* What happened to a run, as history and the JSON document say it. */
struct Outcome {
	history::Finish done;
	Reply reply;
};

text *
conclude(Execution &execution, Outcome &outcome)
{
	outcome.reply.query_id = &execution.run.id;
	outcome.reply.status = outcome.done.status;
	outcome.reply.milliseconds = finish(execution, outcome.done);
	return compose(outcome.reply);
}

text *
succeed(Execution &execution, const cache::Result &result, bool cached, const char *members)
{
	Outcome outcome{};
	outcome.done.status = history::Status::success;
	outcome.done.rows = result.row_count;
	outcome.done.bytes = static_cast<int64>(result.rows.size());
	outcome.done.truncated = result.truncated;
	outcome.done.cached = cached;
	outcome.done.result_hash = pnstrdup(result.hash.data(), result.hash.size());
	outcome.reply.result = &result;
	outcome.reply.cached = cached;
	outcome.reply.members = members;
	return conclude(execution, outcome);
}

/* Remote failures become part of the answer, our own errors are raised. */
text *
tell_failure(Execution &execution, const bridge::Failure &failure, const char *members)
{
	if (failure.pg != nullptr)
		fail(execution, failure);
	if (execution.stream != nullptr)
		execution.stream->close();
	Outcome outcome{};
	outcome.done = history::outcome_of(failure);
	outcome.reply.code = core::name_of(failure.kind).data();
	outcome.reply.sqlstate = failure.sqlstate;
	outcome.reply.message = bridge::one_line(failure);
	outcome.reply.members = members;
	return conclude(execution, outcome);
}

text *
tell_late(Execution &execution, const char *members)
{
	bridge::Failure failure;
	failure.kind = core::FailureKind::timeout;
	strlcpy(failure.sqlstate, "57014", sizeof failure.sqlstate);
	strlcpy(failure.message, "another session that runs the same statement has no answer yet", sizeof failure.message);
	return tell_failure(execution, failure, members);
}

/* Run the statement on the client database; its answer is for others too if wish says so. */
text *
run(Execution &execution, const Request &request, const AnswerLimits &limits, const cache::Wish *wish,
    const char *members)
{
	Answer *const answer = bridge::owned<Answer>(CurrentMemoryContext);
	bridge::Failure failure;
	auto const collect = [&] { answer->collect(*execution.stream, limits, !execution.writes, bridge::waiter()); };
	if (!start(execution, request.sql, request.params, limits.rows + 1, failure) ||
	    !bridge::attempt(failure, collect)) {
		cache::let_go();
		return tell_failure(execution, failure, members);
	}
	cache::Result const result = {answer->columns, answer->rows, answer->hash, answer->row_count, answer->truncated};
	if (wish != nullptr)
		cache::publish(*wish, result);
	return succeed(execution, result, false, members);
}

text *
execute(Execution &execution, const Request &request, const char *members)
{
	AnswerLimits const limits = limits_of(request);
	cache::Wish wish;
	if (!make_wish(&wish, execution, request, limits))
		return run(execution, request, limits, nullptr, members);
	/* What is kept must have been read, and nothing else. */
	execution.read_only = true;
	cache::Result result;
	switch (cache::look_up(wish, settings::statement_timeout, &result)) {
	case cache::Finding::found: {
		text *const reply = succeed(execution, result, true, members);
		cache::let_go();
		return reply;
	}
	case cache::Finding::late: return tell_late(execution, members);
	case cache::Finding::leading: return run(execution, request, limits, &wish, members);
	case cache::Finding::alone: break;
	}
	return run(execution, request, limits, nullptr, members);
}

text *
denied(const Execution &execution, const Request &request, const char *members)
{
	return compose({&execution.run.id, history::Status::denied, nullptr, false, 0, "denied",
	                connection::denied_sqlstate, connection::denied_message(request.selector), members});
}

} // namespace

text *
answer(const Request &request, const char *members)
{
	Execution execution{};
	execution.read_only = request.read_only;
	if (!begin(execution, request.selector, request.source, request.question, request.sql))
		return denied(execution, request, members);
	text *reply = nullptr;
	bridge::on_error([&] { reply = execute(execution, request, members); },
	                 [&](const ErrorData *error) {
						 cache::let_go();
						 abandon(execution, history::outcome_of(error));
					 });
	return reply;
}

text *
answer_without_rows(const Ending &ending, const char *members)
{
	return compose({&ending.query_id, ending.status, nullptr, false, ending.milliseconds, ending.code, ending.sqlstate,
	                ending.message, members});
}

TENANCY_FUNCTION(execute_query)
{
	Request request{};
	request.selector = connection::selector_argument(fcinfo, 0);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("sql must not be null")));
	request.sql = text_to_cstring(PG_GETARG_TEXT_PP(1));
	request.params = jsonb_params(PG_ARGISNULL(2) ? nullptr : PG_GETARG_JSONB_P(2));
	request.max_rows = max_rows_argument(fcinfo);
	request.source = history::Source::sql;
	request.cache_ttl = cache_ttl_argument(fcinfo);
	PG_RETURN_TEXT_P(answer(request, nullptr));
}

} // namespace tenancy::query

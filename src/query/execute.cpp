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
#include "settings.hpp"

extern "C" {
#include "utils/json.h"
}

namespace tenancy::query {

namespace {

/* What the JSON document is made of; message and sqlstate are NULL unless something failed. */
struct Reply {
	const core::Uuid *query_id;
	history::Status status;
	const Answer *answer; /* NULL: no rows */
	int64 milliseconds;
	const char *code, *sqlstate, *message;
	const char *members; /* more of them, or NULL */
};

text *
compose(const Reply &reply)
{
	StringInfoData out;
	initStringInfo(&out);
	appendStringInfo(&out, "{\"query_id\":\"%s\",\"status\":\"%s\"",
	                 DatumGetCString(DirectFunctionCall1(uuid_out, bridge::uuid_datum(*reply.query_id))),
	                 history::name_of(reply.status));
	appendStringInfoString(&out, ",\"columns\":");
	appendStringInfoString(&out, reply.answer == nullptr ? "[]" : reply.answer->columns.c_str());
	appendStringInfoString(&out, ",\"rows\":");
	if (reply.answer == nullptr)
		appendStringInfoString(&out, "[]");
	else
		appendBinaryStringInfo(&out, reply.answer->rows.data(), static_cast<int>(reply.answer->rows.size()));
	appendStringInfo(
		&out, ",\"row_count\":" INT64_FORMAT ",\"truncated\":%s,\"cached\":false,\"execution_time_ms\":" INT64_FORMAT,
		reply.answer == nullptr ? int64{0} : static_cast<int64>(reply.answer->row_count),
		reply.answer != nullptr && reply.answer->truncated ? "true" : "false", reply.milliseconds);
	if (reply.message == nullptr)
		appendStringInfoString(&out, ",\"error\":null");
	else {
		appendStringInfo(&out, ",\"error\":{\"code\":\"%s\",\"sqlstate\":\"%s\",\"message\":", reply.code,
		                 reply.sqlstate);
		escape_json(&out, reply.message);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfo(&out, "%s}", reply.members == nullptr ? "" : reply.members);
	char *const server_text = pg_any_to_server(out.data, out.len, PG_UTF8);
	return cstring_to_text_with_len(server_text,
	                                server_text == out.data ? out.len : static_cast<int>(strlen(server_text)));
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

void
refuse_cache(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(4))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("results are not cached in this version"),
		                errhint("Leave cache_ttl out.")));
}

/* Message and detail in one line, in the server's encoding. */
char *
failure_text(const bridge::Failure &failure)
{
	char *const whole =
		failure.detail[0] == 0 ? pstrdup(failure.message) : psprintf("%s (%s)", failure.message, failure.detail);
	return whole;
}

/* Run the statement and compose the answer; remote failures become part of it, our own errors are raised. */
text *
execute(Execution &execution, const Request &request, const char *members)
{
	AnswerLimits const limits = limits_of(request);
	Answer *const answer = bridge::owned<Answer>(CurrentMemoryContext);
	bridge::Failure failure;
	int const fetch_rows = static_cast<int>(Min(limits.rows + 1, 1000));
	bool const ok = start(execution, request.sql, request.params, fetch_rows, failure) &&
	                bridge::attempt(failure, [&] { answer->collect(*execution.stream, limits, bridge::waiter()); });
	if (failure.pg != nullptr)
		fail(execution, failure);

	Reply reply{
		&execution.run.id, history::Status::success, ok ? answer : nullptr, 0, nullptr, nullptr, nullptr, members};
	history::Finish done{};
	if (ok) {
		done.status = history::Status::success;
		done.rows = answer->row_count;
		done.bytes = answer->bytes;
		done.truncated = answer->truncated;
		done.result_hash = answer->hash.c_str();
	} else {
		if (execution.stream != nullptr)
			execution.stream->close();
		done = history::outcome_of(failure);
		reply.status = done.status;
		reply.code = core::name_of(failure.kind).data();
		reply.sqlstate = failure.sqlstate;
		reply.message = failure_text(failure);
	}
	reply.milliseconds = finish(execution, done);
	return compose(reply);
}

text *
denied(const Execution &execution, const Request &request, const char *members)
{
	return compose({&execution.run.id, history::Status::denied, nullptr, 0, "denied", connection::denied_sqlstate,
	                connection::denied_message(request.selector), members});
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
	                 [&](const ErrorData *error) { abandon(execution, history::outcome_of(error)); });
	return reply;
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
	refuse_cache(fcinfo);
	PG_RETURN_TEXT_P(answer(request, nullptr));
}

} // namespace tenancy::query

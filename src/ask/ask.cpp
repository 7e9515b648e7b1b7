/*
 * tenancy.translate and tenancy.ask. PG regime.
 */
#include "ask/ask.hpp"

#include "bridge/datum.hpp"
#include "bridge/error.hpp"
#include "bridge/function.hpp"
#include "bridge/wait.hpp"
#include "history/history.hpp"
#include "identity/identity.hpp"
#include "query/query.hpp"

extern "C" {
#include "utils/json.h"
}

namespace tenancy::ask {

namespace {

using End = Outcome::End;
using history::Finish;
using history::Status;

/* One question of one caller. */
struct Asking {
	connection::Selector selector;
	const char *question;
	TimestampTz started;
	bool found;
	connection::Config config;
	Outcome outcome;
};

char *
question_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("question must not be null")));
	char *const question = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (question[strspn(question, " \t\r\n")] == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("question must not be empty")));
	if (strlen(question) > most_question)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("question is too long"),
		                errdetail("It has %zu bytes, and may have %d.", strlen(question), most_question)));
	return question;
}

/* The start of a run that is over, or that never came to the client database. */
history::Start
start_of(const Asking &asking)
{
	char *const sql = asking.outcome.sql;
	history::Start start = asking.found ? history::start_on(asking.config, history::Source::ask, sql)
	                                    : history::start_on(asking.selector, history::Source::ask, sql);
	start.question = asking.question;
	start.started = asking.started;
	return start;
}

history::Run
report(const Asking &asking)
{
	return history::start(start_of(asking));
}

/* What history says of a question without an answer. */
Finish
finish_of(const Asking &asking)
{
	if (!asking.found)
		return history::denial_of(asking.selector);
	Finish finish{};
	switch (asking.outcome.end) {
	case End::translated: finish.status = Status::success; break;
	case End::refused:
		finish.status = Status::refused;
		finish.message = asking.outcome.understood;
		break;
	case End::failed:
		finish = history::outcome_of(asking.outcome.failure);
		if (asking.outcome.failure.kind == core::FailureKind::denied)
			finish.status = Status::denied;
		break;
	}
	return finish;
}

/* Of a question whose error ends the caller's statement: it does not wait for its end to be written. */
void
note(const Asking &asking, const Finish &finish)
{
	history::Run run = report(asking);
	history::finish_quietly(run, finish);
}

/* A cancel ends the caller's statement: note it, and let it go on. */
[[noreturn]] void
pass_on(const Asking &asking)
{
	note(asking, finish_of(asking));
	bridge::raise(asking.outcome.failure);
}

bool
is_interrupted(const Asking &asking)
{
	return asking.found && asking.outcome.end == End::failed &&
	       (asking.outcome.failure.pg != nullptr || bridge::reason_to_exit() != nullptr);
}

/* Find the connection and translate; a cancel does not come back. */
void
proceed(Asking &asking, FunctionCallInfo fcinfo)
{
	asking.selector = connection::selector_argument(fcinfo, 0);
	asking.question = question_argument(fcinfo);
	asking.started = GetCurrentTimestamp();
	asking.found = connection::find(asking.selector, &asking.config);
	if (asking.found) {
		history::require_room(start_of(asking)); /* the model is paid before there is a run */
		bridge::on_error([&] { translate(asking.config, asking.question, &asking.outcome); },
		                 [&](const ErrorData *error) { note(asking, history::outcome_of(error)); });
	}
	if (is_interrupted(asking))
		pass_on(asking);
}

void
append_member(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ",\"%s\":", name);
	if (value == nullptr)
		appendStringInfoString(out, "null");
	else
		escape_json(out, value);
}

/* What ask's document has besides that of execute_query, in UTF-8. */
char *
members_of(const Asking &asking)
{
	StringInfoData out;
	initStringInfo(&out);
	append_member(&out, "question", asking.question);
	append_member(&out, "sql", asking.outcome.end == End::translated ? asking.outcome.sql : nullptr);
	append_member(&out, "translator", asking.outcome.translator);
	append_member(&out, "understood", asking.outcome.understood);
	return pg_server_to_any(out.data, out.len, PG_UTF8);
}

/* The document about a question that led to no statement. */
text *
answer_without_statement(const Asking &asking)
{
	history::Run run = report(asking);
	Finish const finish = finish_of(asking);
	query::Ending ending{run.id, finish.status, history::finish(run, finish), nullptr, nullptr, nullptr};
	if (finish.status != Status::refused) {
		ending.code = asking.found ? core::name_of(asking.outcome.failure.kind).data() : "denied";
		ending.sqlstate = finish.sqlstate;
		ending.message = finish.message;
	}
	return query::answer_without_rows(ending, members_of(asking));
}

text *
run(const Asking &asking)
{
	query::Request request{};
	request.selector = asking.selector;
	request.sql = asking.outcome.sql;
	request.max_rows = -1;
	request.source = history::Source::ask;
	request.question = asking.question;
	request.read_only = true;
	return query::answer(request, members_of(asking));
}

} // namespace

TENANCY_FUNCTION(translate)
{
	Asking asking{};
	proceed(asking, fcinfo);
	history::Run run = report(asking);
	(void) history::finish(run, finish_of(asking));
	if (!asking.found)
		connection::deny(asking.selector);
	if (asking.outcome.end == End::failed)
		bridge::raise(asking.outcome.failure);

	TupleDesc descriptor;
	if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	NullableDatum const columns[] = {
		bridge::nullable_text(asking.outcome.end == End::translated ? asking.outcome.sql : nullptr),
		bridge::nullable_text(asking.outcome.translator), bridge::nullable_text(asking.outcome.understood)};
	Datum values[3];
	bool nulls[3];
	for (int i = 0; i < 3; ++i) {
		values[i] = columns[i].value;
		nulls[i] = columns[i].isnull;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

TENANCY_FUNCTION(ask)
{
	Asking asking{};
	proceed(asking, fcinfo);
	if (asking.found && asking.outcome.end == End::translated)
		PG_RETURN_TEXT_P(run(asking));
	PG_RETURN_TEXT_P(answer_without_statement(asking));
}

} // namespace tenancy::ask

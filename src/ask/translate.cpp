/*
 * From a question to a statement that may run: the translator that is set, then the check, the grammar and the client
 * database itself, which judge whatever it wrote. PG regime.
 */
#include "ask/ask.hpp"

#include <optional>

#include "ask/builtin.hpp"
#include "ask/check.pure.hpp"
#include "ask/grammar.hpp"
#include "ask/prepare.pure.hpp"
#include "ask/prompt.pure.hpp"
#include "ask/quota.hpp"
#include "catalog/catalog.hpp"

#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/readable.hpp"
#include "bridge/wait.hpp"
#include "settings.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/date.h"
#include "utils/datetime.h"
}

namespace tenancy::ask {

namespace {

using End = Outcome::End;

constexpr const char *built_in = "built-in";

/* Has the server's encoding every character of it? A NUL is none. */
bool
is_convertible(const std::string &text)
{
	int const encoding = GetDatabaseEncoding(), length = static_cast<int>(text.size());
	if (!pg_verify_mbstr(PG_UTF8, text.data(), length, true))
		return false;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return true;
	Oid const conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return false;
	Size const room = text.size() * MAX_CONVERSION_GROWTH + 1;
	auto *const out = static_cast<unsigned char *>(palloc(room));
	auto *const in = reinterpret_cast<unsigned char *>(const_cast<char *>(text.data()));
	int const taken =
		pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, in, length, out, static_cast<int>(room), true);
	pfree(out);
	return taken == length;
}

Question
question_of(const char *text)
{
	Question question{};
	question.text = bridge::utf8(text);
	j2date(GetSQLCurrentDate() + POSTGRES_EPOCH_JDATE, &question.year, &question.month, &question.day);
	return question;
}

enum class Verdict {
	taken,
	unfit,  /* the check or the grammar objects */
	refused /* the client database objects; failure says so, or that it is out of reach */
};

/* May the statement run? Else why says what is against it. */
Verdict
judge(const connection::Config &config, const catalog::Schema &schema, const std::string &sql, const char **why,
      bridge::Failure *failure)
{
	if (!is_convertible(sql)) {
		*why = "it has characters that the platform's database cannot hold";
		return Verdict::unfit;
	}
	std::string *const objection = bridge::owned<std::string>(CurrentMemoryContext);
	bridge::enter([&] { *objection = objection_to(config.type, sql, &schema); });
	*why = objection->empty() ? nullptr : bridge::readable(*objection);
	if (*why == nullptr && config.type == remote::DatabaseType::postgresql)
		*why = grammar_objection(bridge::readable(sql), schema);
	if (*why != nullptr)
		return Verdict::unfit;

	connection::Opening *const opening = connection::prepare(config);
	connection::Pool &pool = connection::pool();
	if (bridge::attempt(*failure, [&] { prepare(pool, *opening, sql, bridge::waiter()); }))
		return Verdict::taken;
	*why = bridge::one_line(*failure);
	return Verdict::refused;
}

/* sql: NULL when there is none. */
void
conclude(Outcome *outcome, End end, const std::string *sql, const std::string &understood)
{
	outcome->end = end;
	outcome->sql = sql == nullptr ? nullptr : bridge::readable(*sql);
	outcome->understood = bridge::readable(understood);
}

/* Nobody may see it run: sql for history, and why in words. */
void
conclude_unfit(Outcome *outcome, const std::string &sql, const char *why)
{
	outcome->end = End::refused;
	outcome->sql = bridge::readable(sql);
	outcome->understood = psprintf("the statement that answers it may not run: %s", why);
}

void
translate_here(const connection::Config &config, const catalog::Schema &schema, const Question &question,
               Outcome *outcome)
{
	Translation *const translation = bridge::owned<Translation>(CurrentMemoryContext);
	outcome->translator = built_in;
	bridge::enter([&] { *translation = translate_builtin(schema, question, &bridge::waiter()); });
	if (translation->refused) {
		conclude(outcome, End::refused, nullptr, translation->understood);
		return;
	}
	const char *why;
	switch (judge(config, schema, translation->sql, &why, &outcome->failure)) {
	case Verdict::taken: conclude(outcome, End::translated, &translation->sql, translation->understood); break;
	case Verdict::unfit: conclude_unfit(outcome, translation->sql, why); break;
	case Verdict::refused:
		outcome->end = End::failed;
		outcome->sql = bridge::readable(translation->sql);
		break;
	}
}

/* Pure: what the settings say of the model. */
Model
model_of_settings()
{
	Model model;
	model.endpoint = settings::llm_endpoint;
	model.name = settings::llm_model;
	model.key_file = settings::llm_api_key_file;
	model.ca_file = settings::llm_ca_file;
	model.most_bytes = static_cast<std::size_t>(settings::llm_max_response) * 1024;
	return model;
}

Conversation *
begin_conversation(const catalog::Schema &schema, const Question &question)
{
	struct Holder {
		std::optional<Conversation> conversation;
	};
	Holder *const holder = bridge::owned<Holder>(CurrentMemoryContext);
	bridge::enter([&] {
		Extent extent;
		extent.most_bytes = static_cast<std::size_t>(settings::llm_token_budget) * 4;
		extent.with_values = settings::llm_send_samples;
		holder->conversation.emplace(schema, question, extent, model_of_settings(), bridge::waiter());
	});
	return &*holder->conversation;
}

/* A transfer holds descriptors that the server's own files share a limit with: the set of sockets and a socket. */
bool
proceed(Conversation &conversation, core::Deadline deadline, bridge::Failure *failure)
{
	constexpr int descriptors = 2;
	int held = 0;
	while (held < descriptors && AcquireExternalFD())
		++held;
	bool const full = held < descriptors;
	bool const done = !full && bridge::attempt(*failure, [&] { conversation.proceed(deadline, bridge::waiter()); });
	while (held-- > 0)
		ReleaseExternalFD();
	if (full)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not ask the language model"),
		                errdetail("There are too many open files."),
		                errhint("Raise the server's \"max_files_per_process\" and/or \"ulimit -n\" limits.")));
	return done;
}

/* Has the model anything to correct, or is the client database out of reach? */
bool
is_about_statement(const bridge::Failure &failure)
{
	return failure.pg == nullptr && failure.kind == core::FailureKind::query;
}

/* Each round is a request; a statement that is not taken goes back with what is wrong with it. */
void
converse(const connection::Config &config, const catalog::Schema &schema, Conversation &conversation, Outcome *outcome)
{
	core::Deadline const deadline = core::Deadline::after(settings::llm_timeout);
	for (int round = 0;; ++round) {
		outcome->end = End::failed;
		if (!proceed(conversation, deadline, &outcome->failure))
			return;
		Reply const &reply = conversation.reply();
		if (reply.sql.empty()) {
			conclude(outcome, End::refused, nullptr, reply.words);
			return;
		}
		const char *why;
		Verdict const verdict = judge(config, schema, reply.sql, &why, &outcome->failure);
		if (verdict == Verdict::taken) {
			conclude(outcome, End::translated, &reply.sql, reply.words);
			return;
		}
		bool const last = round == settings::llm_retries;
		if (verdict == Verdict::unfit && last) {
			conclude_unfit(outcome, reply.sql, why);
			return;
		}
		outcome->sql = bridge::readable(reply.sql);
		if (verdict == Verdict::refused && (last || !is_about_statement(outcome->failure)))
			return;
		outcome->failure = bridge::Failure();
		std::string_view const complaint = bridge::utf8(why);
		bridge::enter([&] { conversation.object(complaint); });
	}
}

void
translate_there(const connection::Config &config, const catalog::Schema &schema, const Question &question,
                Outcome *outcome)
{
	outcome->translator = psprintf("endpoint:%s", settings::llm_model);
	if (settings::llm_model[0] == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("no language model is chosen"),
		                errhint("Set \"tenancy.llm_model\" to a name that the endpoint knows.")));
	if (!count_question(config.user, &outcome->failure)) {
		outcome->end = End::failed;
		return;
	}
	converse(config, schema, *begin_conversation(schema, question), outcome);
}

} // namespace

void
translate(const connection::Config &config, const char *question, Outcome *outcome)
{
	bool const here = settings::llm_endpoint[0] == 0;
	outcome->translator = here ? built_in : "endpoint";
	outcome->end = End::failed;
	const catalog::Schema *const schema = catalog::find_schema(config, &outcome->failure);
	if (schema == nullptr)
		return;
	if (here)
		translate_here(config, *schema, question_of(question), outcome);
	else
		translate_there(config, *schema, question_of(question), outcome);
}

} // namespace tenancy::ask

/*
 * Asking a client database for its schema, and what is new in the answer. PG regime.
 */
#include "catalog/cache.hpp"
#include "catalog/compare.pure.hpp"
#include "catalog/read.pure.hpp"

#include "bridge/enter.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/readable.hpp"
#include "bridge/wait.hpp"
#include "history/history.hpp"
#include "settings.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

namespace tenancy::catalog {

namespace {

/* Between the reading and the keeping, in one owned object. */
struct Finding {
	Schema schema;
	std::string document;
};

bool
wants_values(const connection::Config &config)
{
	for (int i = 0; i < config.option_count; ++i)
		if (strcmp(config.options[i].key, "catalog_values") == 0)
			return strcmp(config.options[i].value, "true") == 0;
	return settings::catalog_values;
}

/* False, with failure filled, when the client database does not answer; a cancel is raised. */
bool
read_remote(const connection::Config &config, Finding *finding, bridge::Failure *failure)
{
	connection::Opening *const opening = connection::prepare(config);
	connection::Pool &pool = connection::pool();
	bool const values = wants_values(config);
	history::Run run = history::start(history::start_on(config, history::Source::catalog, statement_of(config.type)));

	bool const done = bridge::attempt(*failure, [&] {
		connection::Lease const lease(pool, *opening, bridge::waiter());
		ReadRequest const request{config.type, config.database, values};
		remote::RunOptions options;
		options.timeout_ms = opening->statement_timeout_ms;
		options.read_only = true;
		finding->schema = read_schema(lease.session(), request, options, bridge::waiter());
	});
	history::finish_read(run, done, *failure, static_cast<int64>(finding->schema.tables.size()));
	if (failure->pg != nullptr)
		bridge::raise(*failure);
	return done;
}

/*
 * In the platform's encoding: characters that it lacks are question marks in texts, but in a name or a value they would
 * make another one of it. So the comparison with what is cached finds no changes where there are none, too.
 */
void
fit(Finding *finding)
{
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return;
	bridge::enter([&] { finding->document = to_json(finding->schema); });
	std::string_view const fitting = bridge::utf8(bridge::readable(finding->document));
	bridge::enter([&] {
		if (fitting != finding->document)
			finding->schema = without_other_names(parse_schema(fitting), finding->schema);
	});
}

Jsonb *
jsonb_of(const std::string &utf8)
{
	char *const text = bridge::server_text(utf8.c_str());
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* By another detection, which began later and has ended; a time to come is of a clock that was set back since. */
bool
is_newer(const Cached &cached, TimestampTz began)
{
	return cached.document != nullptr && cached.detected_at > began && cached.detected_at <= GetCurrentTimestamp();
}

/* The "changes" of a cached document, as JSON; "[]" when it has none. */
std::string_view
changes_of(Jsonb *document)
{
	JsonbValue buffer;
	JsonbValue *const changes = getKeyJsonValueFromContainer(&document->root, "changes", 7, &buffer);
	if (changes == nullptr || changes->type != jbvBinary)
		return "[]";
	return bridge::utf8(JsonbToCString(nullptr, changes->val.binary.data, changes->val.binary.len));
}

/*
 * Write finding's document as it follows what is cached; answers its version. A document that cannot be read, as of
 * another format, has no changes against it but is another version.
 */
int64
compose(Finding *finding, const Cached &cached, const char *detected_at)
{
	bool const comparable = cached.document != nullptr;
	std::string_view const last_changes = comparable ? changes_of(cached.document) : "[]";
	char *const text = comparable ? JsonbToCString(nullptr, &cached.document->root, 0) : nullptr;
	std::string_view const before = comparable ? bridge::utf8(text) : std::string_view();
	int64 version = cached.version + 1;
	bridge::Failure unreadable;
	bool const compared = bridge::attempt(unreadable, [&] {
		std::vector<Change> changes;
		if (comparable) {
			changes = changes_between(parse_schema(before), finding->schema);
			if (changes.empty())
				version = cached.version;
		}
		finding->document = document_of(finding->schema, version, detected_at,
		                                version == cached.version ? last_changes : changes_json(changes));
	});
	if (unreadable.pg != nullptr)
		bridge::raise(unreadable);
	if (!compared)
		bridge::enter([&] { finding->document = document_of(finding->schema, version, detected_at, "[]"); });
	return version;
}

} // namespace

bool
detect(const connection::Config &config, Detected *detected, bridge::Failure *failure)
{
	constexpr int attempts = 3; /* another detection may store first, and then the comparison is with that one */
	TimestampTz const now = GetCurrentTimestamp();
	int utc = 0;
	char detected_at[MAXDATELEN + 1];
	JsonEncodeDateTime(detected_at, TimestampTzGetDatum(now), TIMESTAMPTZOID, &utc);
	Finding *const finding = bridge::owned<Finding>(CurrentMemoryContext);
	if (!read_remote(config, finding, failure))
		return false;
	fit(finding);
	Jsonb *document = nullptr;
	for (int i = 0; i < attempts; ++i) {
		Cached const cached = read_cached(config);
		if (is_newer(cached, now)) {
			*detected = {parse(cached.document), cached.document};
			return true;
		}
		int64 const version = compose(finding, cached, detected_at);
		document = jsonb_of(finding->document);
		if (store(config, cached.version, version, now, document))
			break;
	}
	*detected = {&finding->schema, document};
	return true;
}

Detected
detect(const connection::Config &config)
{
	Detected detected{};
	bridge::Failure failure;
	if (!detect(config, &detected, &failure))
		bridge::raise(failure);
	return detected;
}

const Schema *
find_schema(const connection::Config &config, bridge::Failure *failure)
{
	Cached const cached = read_cached(config);
	if (cached.fresh)
		return parse(cached.document);
	Detected detected{};
	return detect(config, &detected, failure) ? detected.schema : nullptr;
}

const Schema *
require_schema(const connection::Config &config)
{
	bridge::Failure failure;
	const Schema *const schema = find_schema(config, &failure);
	if (schema == nullptr)
		bridge::raise(failure);
	return schema;
}

} // namespace tenancy::catalog

/*
 * See connection.hpp: finding a connection and making ready to use it. PG regime.
 */
#include <chrono>

#include "connection/connection.hpp"
#include "remote/options.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/row.hpp"
#include "bridge/spi.hpp"
#include "bridge/wait.hpp"
#include "connection/options.hpp"
#include "credential/credential.hpp"
#include "identity/identity.hpp"
#include "settings.hpp"

extern "C" {
#include "common/hashfn.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::connection {

namespace {

namespace spi = bridge::spi;

constexpr const char *table = "database_connections";

uint64
add_text(uint64 hash, const char *text)
{
	auto const *const bytes = reinterpret_cast<const unsigned char *>(text == nullptr ? "" : text);
	int const length = text == nullptr ? 0 : static_cast<int>(strlen(text)) + 1;
	return hash_bytes_extended(bytes, length, hash);
}

/* The ciphertext of a password is another one each time, and stands for it. */
uint64
fingerprint_of(const Config &config)
{
	const char *const texts[] = {config.host, config.database, config.username, config.password_encrypted,
	                             config.options_json};
	uint64 hash = (static_cast<uint64>(config.port) << 8) | static_cast<uint64>(config.type);
	for (const char *const text : texts)
		hash = add_text(hash, text);
	return hash;
}

/* Adds the settings that say what may be reached: a session that was opened under others must not be used any more. */
uint64
fingerprint_now(const Config &config)
{
	return add_text(add_text(config.fingerprint, settings::allowed_networks), settings::sqlite_root);
}

void
read_config(const bridge::Row &row, Config *config)
{
	config->id = bridge::uuid_value(bridge::value_of(row, "id"));
	config->user = bridge::uuid_value(bridge::value_of(row, "user_id"));
	config->version = DatumGetInt64(bridge::value_of(row, "version"));
	config->name = bridge::text_of(row, "name");
	const char *const type = bridge::text_of(row, "database_type");
	config->type = *bridge::enter([&] { return remote::parse_database_type(type); });
	config->host = bridge::utf8_or_null(bridge::text_of(row, "host"));
	config->port = bridge::is_null(row, "port") ? 0 : DatumGetInt32(bridge::value_of(row, "port"));
	config->database = bridge::utf8_or_null(bridge::text_of(row, "database_name"));
	config->username = bridge::utf8_or_null(bridge::text_of(row, "username"));
	config->password_encrypted = bridge::text_of(row, "password_encrypted");
	config->active = DatumGetBool(bridge::value_of(row, "is_active"));
	Jsonb *const options = DatumGetJsonbP(bridge::value_of(row, "options"));
	config->options_json = bridge::output_text(JSONBOID, JsonbPGetDatum(options));
	config->options = read_options(options, &config->option_count);
	config->fingerprint = fingerprint_of(*config);
}

/* A row that is there may be somebody else's: nothing but its owner is looked at then. NULL stands for anybody. */
bool
take(bridge::Row row, const core::Uuid *owner, Config *config)
{
	bool const found = row.found && bridge::is_null(row, "deleted_at") &&
	                   (owner == nullptr || bridge::uuid_value(bridge::value_of(row, "user_id")) == *owner);
	if (found)
		read_config(row, config);
	bridge::close_row(row);
	return found;
}

bool
find_by_id(const core::Uuid &id, const core::Uuid *owner, Config *config)
{
	Datum const wanted = bridge::uuid_datum(id);
	return take(bridge::open_row(table, "database_connections_pkey", {{F_UUID_EQ, wanted}}), owner, config);
}

bool
find_by_name(const char *name, const core::Uuid &owner, Config *config)
{
	Datum const user = bridge::uuid_datum(owner);
	Datum const wanted = CStringGetTextDatum(name);
	return take(
		bridge::open_row(table, "database_connections_user_id_name_key", {{F_UUID_EQ, user}, {F_TEXTEQ, wanted}}),
		&owner, config);
}

/* For administrators: the only connection of that name, whosever it is. */
bool
find_anybodys(const char *name, Config *config)
{
	static spi::Statement find = {
		"SELECT id FROM tenancy.database_connections WHERE name = $1 AND deleted_at IS NULL LIMIT 2", {TEXTOID}};
	Datum const values[] = {CStringGetTextDatum(name)};
	core::Uuid id;
	spi::Scope const scope = spi::open();
	uint64 const rows = spi::read_latest(find, values);
	if (rows == 1) {
		bool is_null;
		id = bridge::uuid_value(spi::value(0, 1, &is_null));
	}
	spi::close(scope);
	if (rows > 1)
		ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_ALIAS), errmsg("connection name \"%s\" is not unique", name),
		                errhint("Use the id of the connection.")));
	return rows == 1 && find_by_id(id, nullptr, config) && strcmp(config->name, name) == 0;
}

bool
parse_uuid(const char *text, core::Uuid *uuid)
{
	if (strlen(text) != 36 || strspn(text, "0123456789abcdefABCDEF-") != 36)
		return false;
	for (int i = 0; i < 36; ++i)
		if ((text[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
			return false;
	*uuid = bridge::uuid_value(DirectFunctionCall1(uuid_in, CStringGetDatum(text)));
	return true;
}

/* libc's limit of descriptors is shared with the server's own virtual files. */
bool
reserve_descriptor()
{
	return AcquireExternalFD();
}

void
fill_target(Opening &opening, const Config &config, const char *directory)
{
	remote::Target &target = opening.target;
	target.type = config.type;
	target.host = config.host == nullptr ? "" : config.host;
	target.port = static_cast<std::uint16_t>(config.port);
	target.database = config.database;
	target.username = config.username == nullptr ? "" : config.username;
	target.sqlite_directory = directory;
	target.application_name = "pg_tenancy";
	target.connect_timeout_ms = settings::connect_timeout;
	opening.networks = remote::NetworkList::parse(settings::allowed_networks);
	remote::OptionList options;
	for (int i = 0; i < config.option_count; ++i)
		options.emplace_back(config.options[i].key, config.options[i].value);
	remote::CommonOptions const common = remote::apply_options(target, options);
	opening.read_only = target.read_only;
	opening.statement_timeout_ms = settings::statement_timeout;
	if (common.statement_timeout_ms > 0 &&
	    (opening.statement_timeout_ms == 0 || common.statement_timeout_ms < opening.statement_timeout_ms))
		opening.statement_timeout_ms = common.statement_timeout_ms;
}

Opening *
make_opening(const Config &config, const core::Uuid &identity)
{
	if (!config.active)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("connection \"%s\" is not active", config.name),
		                errhint("Activate it with tenancy.update_connection(…, is_active => true).")));
	if (config.type == remote::DatabaseType::sqlite && settings::sqlite_root[0] == 0)
		ereport(ERROR,
		        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("SQLite databases are not set up here"),
		         errhint("Set \"tenancy.sqlite_root\" to a directory of the server.")));

	char *directory = psprintf("%s/%s", settings::sqlite_root, bridge::uuid_text(config.user));
	Opening *opening = bridge::owned<Opening>(CurrentMemoryContext);
	opening->key = {config.id, config.user, identity, config.version, fingerprint_now(config)};
	opening->limits = {settings::max_connections_per_user, settings::max_pool_size, settings::pool_idle_timeout};
	bridge::enter([&] { fill_target(*opening, config, directory); });
	return opening;
}

void
open_password(Opening *opening, const Config &config)
{
	if (config.password_encrypted != nullptr)
		credential::open(config.password_encrypted, {config.user, config.id, "password_encrypted"},
		                 opening->target.password);
}

} // namespace

Selector
selector_argument(FunctionCallInfo fcinfo, int n)
{
	Oid *types;
	int count;
	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("connection must not be null")));
	if (types[n] == UUIDOID)
		return selector_of(bridge::uuid_value(PG_GETARG_DATUM(n)));
	Selector selector{};
	selector.text = text_to_cstring(PG_GETARG_TEXT_PP(n));
	selector.is_id = parse_uuid(selector.text, &selector.id);
	return selector;
}

Selector
selector_of(const core::Uuid &id)
{
	return {bridge::uuid_text(id), true, id};
}

bool
is_id(const char *text)
{
	core::Uuid id;
	return parse_uuid(text, &id);
}

bool
find(const Selector &selector, Config *config)
{
	bool const admin = identity::is_admin();
	core::Uuid const user = admin ? identity::current_user() : identity::require_user();
	CommandCounterIncrement(); /* what this statement has changed itself counts, too */
	bool const found =
		selector.is_id ? find_by_id(selector.id, admin ? nullptr : &user, config)
					   : find_by_name(selector.text, user, config) || (admin && find_anybodys(selector.text, config));
	if (found)
		remember_type(config->id, config->type);
	return found;
}

char *
denied_message(const Selector &selector)
{
	return psprintf("permission denied for connection \"%s\"", selector.text);
}

void
deny(const Selector &selector)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg_internal("%s", denied_message(selector)),
	                errdetail("The connection does not exist or belongs to somebody else."),
	                errhint("tenancy.connections() lists the connections of the current user.")));
}

Config
require(const Selector &selector)
{
	Config config{};
	if (!find(selector, &config))
		deny(selector);
	return config;
}

bool
find_for_worker(const core::Uuid &id, Config *config)
{
	return find_by_id(id, nullptr, config);
}

Opening *
prepare(const Config &config, bool fresh)
{
	Opening *const opening = make_opening(config, identity::current_user());
	Pool &sessions = pool();
	if (fresh || !bridge::enter([&] { return sessions.reserve(*opening, bridge::waiter()); }))
		open_password(opening, config);
	return opening;
}

Opening *
prepare_for_owner(const Config &config)
{
	Opening *const opening = make_opening(config, config.user);
	open_password(opening, config);
	return opening;
}

int64
cache_ttl(const Config &config)
{
	for (int i = 0; i < config.option_count; ++i)
		if (strcmp(config.options[i].key, "cache_ttl") == 0)
			return strtoll(config.options[i].value, nullptr, 10);
	return 0;
}

Pool &
pool()
{
	static Pool *instance = nullptr;
	if (instance == nullptr)
		instance = bridge::enter([] { return new Pool({reserve_descriptor, ReleaseExternalFD}); });
	return *instance;
}

} // namespace tenancy::connection

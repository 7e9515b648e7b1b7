/*
 * See wish.hpp. PG regime.
 */
#include "query/wish.hpp"

#include <algorithm>

#include "query/cacheable.pure.hpp"

#include "bridge/enter.hpp"
#include "identity/identity.hpp"
#include "settings.hpp"

namespace tenancy::query {

namespace {

constexpr int64 longest_ttl = 366 * USECS_PER_DAY;

int64
ttl_of(const Execution &execution, const Request &request)
{
	if (request.cache_ttl == nullptr)
		return connection::cache_ttl(execution.config) * USECS_PER_SEC;
	const Interval &ttl = *request.cache_ttl;
	if (ttl.month > 12 || ttl.day > 366 || ttl.time > longest_ttl)
		return longest_ttl;
	return Min(longest_ttl, ttl.time + (int64{ttl.month} * DAYS_PER_MONTH + ttl.day) * USECS_PER_DAY);
}

/* The engine could read a parameter as a moment, as it could a literal. */
bool
is_steady(const remote::ParamView &param) noexcept
{
	return param.kind != remote::Param::Kind::text || !spells_a_moment(param.text);
}

std::string_view
view(const char *text) noexcept
{
	return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view
view(const core::Uuid &uuid) noexcept
{
	return {reinterpret_cast<const char *>(uuid.bytes.data()), uuid.bytes.size()};
}

/*
 * A version number may come again, after a change that was rolled back, so the connection is in it as it is: the
 * ciphertext of a password is another one each time.
 */
Digest
key_of(const connection::Config &config, const core::Uuid &identity, std::string_view sql, remote::ParamList params,
       const AnswerLimits &limits)
{
	return digest_of({view(identity), view(config.user), view(config.id), view(config.host), view(config.database),
	                  view(config.username), view(config.password_encrypted), view(config.options_json),
	                  view(settings::allowed_networks), view(settings::sqlite_root), sql},
	                 {static_cast<int64>(MyDatabaseId), config.version, static_cast<int64>(config.type), config.port,
	                  limits.rows, limits.bytes},
	                 params);
}

} // namespace

bool
make_wish(cache::Wish *wish, const Execution &execution, const Request &request, const AnswerLimits &limits)
{
	const connection::Config &config = execution.config;
	wish->ttl = ttl_of(execution, request);
	if (wish->ttl <= 0 || !cache::is_on() || cache::is_writing() || !config.active)
		return false;
	std::string_view const sql = pg_server_to_any(request.sql, static_cast<int>(strlen(request.sql)), PG_UTF8);
	remote::ParamList const params = request.params;
	if (!bridge::enter([&] { return is_cacheable(config.type, sql); }) ||
	    !std::all_of(params.items, params.items + params.count, is_steady))
		return false;
	core::Uuid const identity = identity::current_user();
	wish->key = bridge::enter([&] { return key_of(config, identity, sql, params, limits); });
	wish->place = place_of(config);
	wish->user = identity;
	wish->connection = config.id;
	wish->version = config.version;
	wish->sql = request.sql;
	return true;
}

} // namespace tenancy::query

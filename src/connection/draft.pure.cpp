/*
 * See draft.pure.hpp. Pure regime.
 */
#include "connection/draft.pure.hpp"

#include <algorithm>

#include <arpa/inet.h>

#include "core/error.hpp"
#include "remote/address.hpp"
#include "remote/options.hpp"

namespace tenancy::connection {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::size_t most_password_bytes = 4096;

std::string_view
option(const Fields &fields, std::string_view key)
{
	auto const found = std::ranges::find(fields.options, key, &remote::OptionList::value_type::first);
	return found == fields.options.end() ? std::string_view() : std::string_view(found->second);
}

void
require(const std::string &value, const char *field, const char *type)
{
	if (value.empty())
		throw Error(FailureKind::other, "22023", std::string(field) + " is required for database type " + type);
}

bool
is_address_literal(const std::string &host)
{
	in6_addr buffer;
	return inet_pton(AF_INET, host.c_str(), &buffer) == 1 || inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

} // namespace

void
overlay(Fields &draft, const Given &given)
{
	bool const fields = given.database_type != nullptr || given.host != nullptr || given.port != 0 ||
	                    given.database_name != nullptr || given.username != nullptr;
	if (given.connection_string != nullptr) {
		if (fields)
			throw Error(FailureKind::other, "22023", "a connection string and single fields cannot be given together");
		draft = parse_connection_string(given.connection_string);
	}
	if (given.database_type != nullptr) {
		auto const type = remote::parse_database_type(given.database_type);
		if (!type)
			throw Error(FailureKind::other, "22023",
			            "unknown database type \"" + std::string(given.database_type).substr(0, 64) + "\"", {},
			            "Database types are postgresql, mysql (also for MariaDB) and sqlite.");
		if (*type == remote::DatabaseType::sqlite) { /* which has none of them */
			draft.host.clear();
			draft.port = 0;
			draft.username.clear();
		}
		draft.type = *type;
	}
	if (given.host != nullptr)
		draft.host = given.host;
	if (given.port != 0)
		draft.port = given.port;
	if (given.database_name != nullptr)
		draft.database = given.database_name;
	if (given.username != nullptr)
		draft.username = given.username;
	if (given.password != nullptr)
		draft.password.assign(given.password);
}

void
check(const Fields &draft)
{
	remote::Target target;
	target.type = draft.type;
	target.host = draft.host;
	target.database = draft.database;
	target.username = draft.username;
	(void) remote::apply_options(target, draft.options);
	remote::check_fields(draft.type, draft.host, draft.port, draft.database, draft.username);
	if (draft.password.size() > most_password_bytes)
		throw Error(FailureKind::other, "22023",
		            "passwords have at most " + std::to_string(most_password_bytes) + " bytes");
	if (draft.type == remote::DatabaseType::sqlite)
		return;
	char const *const type = remote::name_of(draft.type).data();
	require(draft.host, "host", type);
	require(draft.database, "database_name", type);
	require(draft.username, "username", type);
}

void
check_address(const std::string &host, const char *allowed_networks)
{
	if (!is_address_literal(host))
		return;
	struct NoWait final : core::Waiter {
		unsigned wait(int, unsigned, core::Deadline) override { return 0; }
		bool interrupted() const noexcept override { return false; }
		void serve() override {}
	} no_wait;
	(void) remote::resolve(host, remote::NetworkList::parse(allowed_networks), core::Deadline::after(1), no_wait);
}

bool
leads_elsewhere(const Fields &before, const Fields &after)
{
	auto const port = [](const Fields &fields) {
		return fields.port != 0 ? fields.port : remote::default_port(fields.type);
	};
	return before.type != after.type || before.host != after.host || port(before) != port(after) ||
	       before.username != after.username || option(before, "sslmode") != option(after, "sslmode") ||
	       option(before, "sslrootcert") != option(after, "sslrootcert");
}

} // namespace tenancy::connection

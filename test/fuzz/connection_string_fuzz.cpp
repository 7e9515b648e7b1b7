/*
 * libFuzzer target: any text is either fields that keep their promises, or an error that shows none of it.
 * Pure regime.
 */
#include "connection/string.hpp"
#include "fuzz.hpp"
#include "remote/resolver.hpp"

namespace {

using namespace tenancy;
using fuzz::is_plain;
using fuzz::require;

void
check_fields(const connection::Fields &fields)
{
	bool const file = fields.type == remote::DatabaseType::sqlite;
	require(file ? fields.host.empty() : remote::host_complaint(fields.host) == nullptr);
	require(fields.port >= 0 && fields.port <= 65535);
	require(is_plain(fields.host) && is_plain(fields.database) && is_plain(fields.username));
	require(is_plain(fields.password.view()));
	require(!file || (!fields.database.empty() && fields.database.front() != '/' && fields.username.empty()));
	for (auto option = fields.options.begin(); option != fields.options.end(); ++option) {
		require(!option->first.empty() && remote::is_utf8(option->second));
		for (auto other = fields.options.begin(); other != option; ++other)
			require(other->first != option->first);
	}
}

/* What may come of fields that parse: a target, or a refusal. */
void
check_options(const connection::Fields &fields)
{
	remote::Target target;
	target.type = fields.type;
	try {
		remote::apply_options(target, fields.options);
		remote::check_fields(fields.type, fields.host, fields.port, fields.database, fields.username);
	} catch (const core::Error &error) {
		require(std::string_view(error.sqlstate) == "22023");
	}
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string_view const text(reinterpret_cast<const char *>(data), size);
	try {
		connection::Fields const fields = connection::parse_connection_string(text);
		check_fields(fields);
		check_options(fields);
	} catch (const core::Error &error) {
		require(std::string_view(error.sqlstate) == "22023" && error.message == "invalid connection string");
		require(error.detail.find(", at character ") != std::string::npos && is_plain(error.detail));
	}
	return 0;
}

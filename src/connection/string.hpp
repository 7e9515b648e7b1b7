/*
 * Connection strings: postgresql://, mysql:// and sqlite: URLs read into fields, by a strict parser of our own
 * that never shows a part of the string in an error. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>

#include "core/secret.hpp"
#include "remote/options.hpp"

namespace tenancy::connection {

struct Fields {
	remote::DatabaseType type = remote::DatabaseType::postgresql;
	std::string host;
	int port = 0; /* 0: the default of the type */
	std::string database, username;
	core::Secret password;
	remote::OptionList options; /* well-formed, but not yet looked at: remote::apply_options does that */
};

/*
 *	postgresql://user:password@host:5432/database?sslmode=require    also postgres://
 *	mysql://user:password@[2001:db8::1]/database                     also mariadb://
 *	sqlite:folder/file.db?create=true                                also sqlite:///folder/file.db
 *
 * Anything else is core::Error 22023 with a detail that says what is wrong and at which character.
 */
Fields parse_connection_string(std::string_view text);

} // namespace tenancy::connection

/*
 * What a user may say about a connection: database types, fields, and one allow-list of options per type.
 * Everything that reaches a Target has passed through here. Pure regime.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remote/driver.hpp"

namespace tenancy::remote {

/* postgresql or postgres, mysql or mariadb, sqlite. */
std::optional<DatabaseType> parse_database_type(std::string_view name) noexcept;
/* postgresql, mysql, sqlite; NUL-terminated. */
std::string_view name_of(DatabaseType type) noexcept;
/* 0 for sqlite, which has none. */
int default_port(DatabaseType type) noexcept;

using OptionList = std::vector<std::pair<std::string, std::string>>;

/* Options that are about how a connection is used rather than how it is made. */
struct CommonOptions {
	long statement_timeout_ms = 0; /* 0: not given */
	long cache_ttl_s = 0;          /* 0: answers are not cached unless the query asks for it */
	bool read_only = false;        /* in Target::read_only as well */
	bool catalog_values = false;   /* distinct values of small text columns are kept with the schema */
};

/*
 * Put options into target, whose type is set. An unknown option, a value that is out of range, and an
 * option given twice are core::Error 22023; no value is ever part of the message.
 */
CommonOptions apply_options(Target &target, const OptionList &options);

/*
 * Refuse with 22023 what no connection can have: a missing or malformed host, a port out of range (0 is the
 * default one), text that is too long, not UTF-8, or holds control characters.
 */
void check_fields(DatabaseType type, const std::string &host, int port, const std::string &database,
                  const std::string &username);

} // namespace tenancy::remote

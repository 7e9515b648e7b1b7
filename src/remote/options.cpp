/*
 * The options and fields of a connection, checked. Pure regime.
 */
#include "remote/options.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/error.hpp"
#include "remote/resolver.hpp"
#include "remote/sqlite/path.hpp"
#include "remote/text.hpp"

namespace tenancy::remote {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::size_t max_field = 255;
constexpr long most_cache_ttl_s = 31'536'000; /* a year */
constexpr std::size_t max_certificates = 256 << 10;
constexpr std::size_t max_digits = 10;

struct Destination {
	Target &target;
	CommonOptions &common;
};

/* Takes a value over, or says that it is none. */
using Setter = bool (*)(Destination, const std::string &);

bool
parse_boolean(const std::string &text, bool &value) noexcept
{
	value = text == "true";
	return value || text == "false";
}

/* Decimal digits only, so neither signs nor blanks nor units, and not so many that they are the load. */
bool
parse_number(const std::string &text, long least, long most, long &value) noexcept
{
	if (text.size() > max_digits || text.starts_with('-'))
		return false;
	auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	return error == std::errc() && end == text.data() + text.size() && value >= least && value <= most;
}

bool
set_application_name(Destination to, const std::string &text)
{
	bool const fits = !text.empty() && text.size() <= 63 &&
	                  std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
	if (fits)
		to.target.application_name = text;
	return fits;
}

bool
set_cache_ttl(Destination to, const std::string &text)
{
	return parse_number(text, 0, most_cache_ttl_s, to.common.cache_ttl_s);
}

bool
set_catalog_values(Destination to, const std::string &text)
{
	return parse_boolean(text, to.common.catalog_values);
}

bool
set_connect_timeout(Destination to, const std::string &text)
{
	long seconds = 0;
	bool const fits = parse_number(text, 1, 600, seconds);
	if (fits)
		to.target.connect_timeout_ms = seconds * 1000;
	return fits;
}

bool
set_create(Destination to, const std::string &text)
{
	return parse_boolean(text, to.target.create);
}

bool
set_read_only(Destination to, const std::string &text)
{
	if (!parse_boolean(text, to.common.read_only))
		return false;
	to.target.read_only = to.common.read_only;
	return true;
}

bool
set_sslmode(Destination to, const std::string &text)
{
	constexpr std::pair<std::string_view, TlsMode> modes[] = {
		{"disable", TlsMode::disable},     {"prefer", TlsMode::prefer},           {"require", TlsMode::require},
		{"verify-ca", TlsMode::verify_ca}, {"verify-full", TlsMode::verify_full},
	};
	auto const *const found =
		std::find_if(std::begin(modes), std::end(modes), [&text](const auto &mode) { return mode.first == text; });
	if (found == std::end(modes))
		return false;
	to.target.tls = found->second;
	return true;
}

/* OpenSSL would otherwise ask the terminal for the password of an encrypted block. */
int
no_passphrase(char *, int, int, void *) noexcept
{
	return -1;
}

/* At least one certificate, nothing broken after it, and no private key that was pasted along. */
bool
is_certificate_list(const std::string &pem)
{
	if (pem.empty() || pem.size() > max_certificates || pem.find("PRIVATE KEY") != std::string::npos)
		return false;
	std::unique_ptr<BIO, decltype(&BIO_free)> const bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
	                                                    BIO_free);
	if (!bio)
		throw std::bad_alloc();
	int count = 0;
	for (;;) {
		std::unique_ptr<X509, decltype(&X509_free)> const certificate(
			PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr), X509_free);
		if (!certificate)
			break;
		++count;
	}
	/* The end of the text shows as a missing first line. */
	bool const at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return at_end && count > 0;
}

bool
set_sslrootcert(Destination to, const std::string &text)
{
	if (!is_certificate_list(text))
		return false;
	to.target.tls_root_pem = text;
	return true;
}

bool
set_statement_timeout(Destination to, const std::string &text)
{
	return parse_number(text, 1, 86'400'000, to.common.statement_timeout_ms);
}

constexpr unsigned for_postgresql = 1U << static_cast<unsigned>(DatabaseType::postgresql);
constexpr unsigned for_mysql = 1U << static_cast<unsigned>(DatabaseType::mysql);
constexpr unsigned for_sqlite = 1U << static_cast<unsigned>(DatabaseType::sqlite);
constexpr unsigned for_network = for_postgresql | for_mysql;
constexpr unsigned for_all = for_network | for_sqlite;

struct Option {
	std::string_view name;
	unsigned types;
	Setter set;
	const char *values;
};

/* The allow-list: what is not here does not exist. Alphabetical, as the hint shows it. */
constexpr Option option_table[] = {
	{"application_name", for_postgresql, set_application_name, "It takes 1 to 63 printable ASCII characters."},
	{"cache_ttl", for_all, set_cache_ttl, "It takes a number of seconds from 0 to 31536000."},
	{"catalog_values", for_all, set_catalog_values, "Valid values are: true, false."},
	{"connect_timeout", for_network, set_connect_timeout, "It takes a number of seconds from 1 to 600."},
	{"create", for_sqlite, set_create, "Valid values are: true, false."},
	{"read_only", for_all, set_read_only, "Valid values are: true, false."},
	{"sslmode", for_network, set_sslmode, "Valid values are: disable, prefer, require, verify-ca, verify-full."},
	{"sslrootcert", for_network, set_sslrootcert,
     "It takes the text of one or more certificates in PEM format, not a file name, and no private key."},
	{"statement_timeout", for_all, set_statement_timeout, "It takes a number of milliseconds from 1 to 86400000."},
};

bool
serves(const Option &option, DatabaseType type) noexcept
{
	return (option.types >> static_cast<unsigned>(type) & 1U) != 0;
}

std::string
option_names(DatabaseType type)
{
	std::string names;
	for (const Option &option : option_table)
		if (serves(option, type))
			names.append(names.empty() ? "" : ", ").append(option.name);
	return names;
}

const Option &
find_option(DatabaseType type, std::string_view name)
{
	for (const Option &option : option_table)
		if (option.name == name && serves(option, type))
			return option;
	throw Error(FailureKind::other, "22023",
	            "invalid option \"" + printable(name) + "\" for database type " + std::string(name_of(type)), {},
	            "Valid options are: " + option_names(type) + ".");
}

[[noreturn]] void
fail_field(const char *field, const char *detail)
{
	throw Error(FailureKind::other, "22023", std::string("invalid ") + field, detail);
}

void
check_text(const char *field, const std::string &text)
{
	if (text.size() > max_field)
		fail_field(field, "It is longer than 255 bytes.");
	if (has_control(text))
		fail_field(field, "It contains a control character.");
	if (!is_utf8(text))
		fail_field(field, "It is not valid UTF-8.");
}

void
require(const char *field, const std::string &text, DatabaseType type)
{
	if (text.empty())
		throw Error(FailureKind::other, "22023",
		            std::string(field) + " is required for database type " + std::string(name_of(type)));
}

/*
 * Values reach libpq one by one with expand_dbname off, so this name could only ever be a name. Refusing what
 * libpq would expand keeps it so wherever else the name may be used one day.
 */
void
check_database_name(DatabaseType type, const std::string &database)
{
	if (type != DatabaseType::postgresql)
		return;
	if (database.find('=') != std::string::npos || database.starts_with("postgresql://") ||
	    database.starts_with("postgres://"))
		fail_field("database name", "It looks like a connection string.");
}

} // namespace

std::optional<DatabaseType>
parse_database_type(std::string_view name) noexcept
{
	if (name == "postgresql" || name == "postgres")
		return DatabaseType::postgresql;
	if (name == "mysql" || name == "mariadb")
		return DatabaseType::mysql;
	if (name == "sqlite")
		return DatabaseType::sqlite;
	return std::nullopt;
}

std::string_view
name_of(DatabaseType type) noexcept
{
	switch (type) {
	case DatabaseType::postgresql: return "postgresql";
	case DatabaseType::mysql: return "mysql";
	case DatabaseType::sqlite: break;
	}
	return "sqlite";
}

int
default_port(DatabaseType type) noexcept
{
	switch (type) {
	case DatabaseType::postgresql: return 5432;
	case DatabaseType::mysql: return 3306;
	case DatabaseType::sqlite: break;
	}
	return 0;
}

CommonOptions
apply_options(Target &target, const OptionList &options)
{
	CommonOptions common;
	for (auto entry = options.begin(); entry != options.end(); ++entry) {
		const Option &option = find_option(target.type, entry->first);
		if (std::any_of(options.begin(), entry, [&](const auto &earlier) { return earlier.first == entry->first; }))
			throw Error(FailureKind::other, "22023", "option \"" + entry->first + "\" given more than once");
		if (!option.set({target, common}, entry->second))
			throw Error(FailureKind::other, "22023", "invalid value for option \"" + entry->first + "\"", {},
			            option.values);
	}
	return common;
}

void
check_fields(DatabaseType type, const std::string &host, int port, const std::string &database,
             const std::string &username)
{
	check_text("host", host);
	check_text("database name", database);
	check_text("user name", username);
	if (type == DatabaseType::sqlite) {
		if (!host.empty() || !username.empty() || port != 0)
			fail_field("connection", "Database type sqlite has no host, port or user name.");
		if (const char *const complaint = sqlite::file_name_complaint(database); complaint != nullptr)
			fail_field("database name", complaint);
		return;
	}
	require("host", host, type);
	require("username", username, type);
	if (type == DatabaseType::postgresql)
		require("database_name", database, type);
	if (const char *const complaint = host_complaint(host); complaint != nullptr)
		fail_field("host", complaint);
	if (port < 0 || port > 65535)
		fail_field("port", "A port is a number from 1 to 65535.");
	check_database_name(type, database);
}

} // namespace tenancy::remote

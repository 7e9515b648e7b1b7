/*
 * Database types, fields and options of a connection. Pure regime.
 */
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/error.hpp"
#include "remote/options.hpp"

namespace {

using namespace tenancy::remote;
namespace core = tenancy::core;

struct Refusal {
	std::string sqlstate = "00000", message, detail, hint;
};

Refusal
refusal_of(const std::function<void()> &work)
{
	try {
		work();
	} catch (const core::Error &error) {
		return {error.sqlstate, error.message, error.detail, error.hint};
	}
	return {};
}

Refusal
refusal_of_option(DatabaseType type, const std::string &name, const std::string &value)
{
	return refusal_of([&] {
		Target target;
		target.type = type;
		apply_options(target, {{name, value}});
	});
}

/* A self-signed certificate, made on the spot. */
std::string
make_certificate()
{
	std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(EVP_EC_gen("P-256"), EVP_PKEY_free);
	std::unique_ptr<X509, decltype(&X509_free)> const certificate(X509_new(), X509_free);
	X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
	X509_set_pubkey(certificate.get(), key.get());
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
	                           reinterpret_cast<const unsigned char *>("test"), -1, -1, 0);
	X509_sign(certificate.get(), key.get(), EVP_sha256());
	std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), BIO_free);
	PEM_write_bio_X509(out.get(), certificate.get());
	char *data = nullptr;
	long const size = BIO_get_mem_data(out.get(), &data);
	return {data, static_cast<std::size_t>(size)};
}

constexpr DatabaseType all_types[] = {DatabaseType::postgresql, DatabaseType::mysql, DatabaseType::sqlite};

TEST(Options, DatabaseTypes)
{
	EXPECT_EQ(parse_database_type("postgresql"), DatabaseType::postgresql);
	EXPECT_EQ(parse_database_type("postgres"), DatabaseType::postgresql);
	EXPECT_EQ(parse_database_type("mysql"), DatabaseType::mysql);
	EXPECT_EQ(parse_database_type("mariadb"), DatabaseType::mysql);
	EXPECT_EQ(parse_database_type("sqlite"), DatabaseType::sqlite);
	for (const char *const name : {"", "oracle", "PostgreSQL", "sqlite3", "postgresql "})
		EXPECT_EQ(parse_database_type(name), std::nullopt) << name;
	for (DatabaseType const type : all_types)
		EXPECT_EQ(parse_database_type(name_of(type)), type);
	EXPECT_EQ(default_port(DatabaseType::postgresql), 5432);
	EXPECT_EQ(default_port(DatabaseType::mysql), 3306);
	EXPECT_EQ(default_port(DatabaseType::sqlite), 0);
}

TEST(Options, AreAppliedToTheTarget)
{
	std::string const pem = make_certificate();
	Target target;
	CommonOptions const common = apply_options(target, {{"sslmode", "verify-full"},
	                                                    {"sslrootcert", pem},
	                                                    {"connect_timeout", "3"},
	                                                    {"application_name", "shop"},
	                                                    {"read_only", "true"},
	                                                    {"statement_timeout", "1500"}});
	EXPECT_EQ(target.tls, TlsMode::verify_full);
	EXPECT_EQ(target.tls_root_pem, pem);
	EXPECT_EQ(target.connect_timeout_ms, 3000);
	EXPECT_EQ(target.application_name, "shop");
	EXPECT_TRUE(target.read_only);
	EXPECT_TRUE(common.read_only);
	EXPECT_EQ(common.statement_timeout_ms, 1500);

	Target file;
	file.type = DatabaseType::sqlite;
	EXPECT_EQ(apply_options(file, {{"create", "true"}, {"read_only", "false"}}).statement_timeout_ms, 0);
	EXPECT_TRUE(file.create);
	EXPECT_FALSE(file.read_only);
	EXPECT_EQ(apply_options(file, {}).statement_timeout_ms, 0);
}

TEST(Options, SslModes)
{
	for (auto const &[text, mode] :
	     std::vector<std::pair<std::string, TlsMode>>{{"disable", TlsMode::disable},
	                                                  {"prefer", TlsMode::prefer},
	                                                  {"require", TlsMode::require},
	                                                  {"verify-ca", TlsMode::verify_ca},
	                                                  {"verify-full", TlsMode::verify_full}}) {
		Target target;
		target.type = DatabaseType::mysql;
		apply_options(target, {{"sslmode", text}});
		EXPECT_EQ(target.tls, mode);
	}
}

TEST(Options, UnknownOnesAreRefusedWithTheValidOnes)
{
	Refusal const refusal = refusal_of_option(DatabaseType::mysql, "application_name", "x");
	EXPECT_EQ(refusal.sqlstate, "22023");
	EXPECT_EQ(refusal.message, "invalid option \"application_name\" for database type mysql");
	EXPECT_EQ(refusal.hint, "Valid options are: cache_ttl, catalog_values, connect_timeout, read_only, sslmode, sslrootcert, statement_timeout.");

	/* Every other keyword of libpq, and what the MySQL world has tried. */
	for (const std::string name : {"host",
	                               "hostaddr",
	                               "port",
	                               "dbname",
	                               "user",
	                               "password",
	                               "passfile",
	                               "service",
	                               "options",
	                               "sslcert",
	                               "sslkey",
	                               "sslpassword",
	                               "sslcrl",
	                               "sslcrldir",
	                               "sslcompression",
	                               "sslsni",
	                               "sslsomething",
	                               "requirepeer",
	                               "krbsrvname",
	                               "gsslib",
	                               "gssencmode",
	                               "gssdelegation",
	                               "replication",
	                               "target_session_attrs",
	                               "load_balance_hosts",
	                               "keepalives",
	                               "tcp_user_timeout",
	                               "client_encoding",
	                               "fallback_application_name",
	                               "channel_binding",
	                               "require_auth",
	                               "ssl_min_protocol_version",
	                               "servicefile",
	                               "local_infile",
	                               "allowLoadLocalInfile",
	                               "unix_socket",
	                               "init_command",
	                               "read_default_file",
	                               "read_default_group",
	                               "plugin_dir",
	                               "default_auth",
	                               "ssl-ca",
	                               "autoDeserialize",
	                               "allowMultiQueries",
	                               "vfs",
	                               "mode",
	                               "cache",
	                               "immutable",
	                               "SSLMODE",
	                               " sslmode",
	                               "sslmode ",
	                               "",
	                               "x\ny"})
		for (DatabaseType const type : all_types)
			EXPECT_EQ(refusal_of_option(type, name, "1").sqlstate, "22023") << name;
	EXPECT_EQ(refusal_of_option(DatabaseType::sqlite, "x\ny\"z", "1").message,
	          "invalid option \"x?y?z\" for database type sqlite");
	EXPECT_EQ(refusal_of_option(DatabaseType::postgresql, "create", "true").sqlstate, "22023");
	EXPECT_EQ(refusal_of_option(DatabaseType::sqlite, "sslmode", "disable").sqlstate, "22023");
}

TEST(Options, WrongValuesAreRefusedWithoutShowingThem)
{
	for (auto const &[name, value] :
	     std::vector<std::pair<std::string, std::string>>{{"sslmode", "allow"},
	                                                      {"sslmode", "REQUIRE"},
	                                                      {"sslmode", ""},
	                                                      {"sslmode", "require "},
	                                                      {"connect_timeout", "0"},
	                                                      {"connect_timeout", "601"},
	                                                      {"connect_timeout", "-1"},
	                                                      {"connect_timeout", "1.5"},
	                                                      {"connect_timeout", "5s"},
	                                                      {"connect_timeout", " 5"},
	                                                      {"connect_timeout", "+5"},
	                                                      {"connect_timeout", ""},
	                                                      {"connect_timeout", "00000000005"},
	                                                      {"connect_timeout", std::string(1000, '0') + "5"},
	                                                      {"cache_ttl", "-0"},
	                                                      {"connect_timeout", "99999999999999999999"},
	                                                      {"application_name", ""},
	                                                      {"application_name", "a\nb"},
	                                                      {"application_name", "é"},
	                                                      {"application_name", std::string(64, 'a')},
	                                                      {"read_only", "yes"},
	                                                      {"read_only", "TRUE"},
	                                                      {"read_only", "1"},
	                                                      {"statement_timeout", "0"},
	                                                      {"statement_timeout", "86400001"},
	                                                      {"statement_timeout", "1min"}}) {
		Refusal const refusal = refusal_of_option(DatabaseType::postgresql, name, value);
		EXPECT_EQ(refusal.sqlstate, "22023") << name << "=" << value;
		EXPECT_EQ(refusal.message, "invalid value for option \"" + name + "\"");
		EXPECT_FALSE(refusal.hint.empty());
	}
	EXPECT_EQ(refusal_of_option(DatabaseType::sqlite, "create", "1").sqlstate, "22023");
}

TEST(Options, GivenTwice)
{
	Target target;
	Refusal const refusal = refusal_of([&] {
		apply_options(target, {{"sslmode", "require"}, {"sslmode", "require"}});
	});
	EXPECT_EQ(refusal.sqlstate, "22023");
	EXPECT_EQ(refusal.message, "option \"sslmode\" given more than once");
}

TEST(Options, RootCertificatesAreText)
{
	std::string const pem = make_certificate();
	auto const takes = [](const std::string &value) {
		return refusal_of_option(DatabaseType::mysql, "sslrootcert", value).sqlstate == "00000";
	};
	EXPECT_TRUE(takes(pem));
	EXPECT_TRUE(takes(pem + make_certificate()));
	EXPECT_TRUE(takes("A comment before it\n" + pem + "\nand behind\n"));
	EXPECT_FALSE(takes(""));
	EXPECT_FALSE(takes("/etc/ssl/certs/ca-certificates.crt"));
	EXPECT_FALSE(takes("system"));
	EXPECT_FALSE(takes("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"));
	EXPECT_FALSE(takes(pem.substr(0, pem.size() / 2)));
	EXPECT_FALSE(takes(pem + "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n"));
	EXPECT_FALSE(takes(pem + "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"));
	std::string many;
	while (many.size() < (300 << 10))
		many += pem;
	EXPECT_FALSE(takes(many));
}

TEST(Options, Fields)
{
	auto const check = [](DatabaseType type, const std::string &host, int port, const std::string &database,
	                      const std::string &user) {
		return refusal_of([&] { check_fields(type, host, port, database, user); }).sqlstate;
	};
	constexpr auto pg = DatabaseType::postgresql, my = DatabaseType::mysql, lite = DatabaseType::sqlite;
	EXPECT_EQ(check(pg, "db.example.com", 5432, "shop", "app"), "00000");
	EXPECT_EQ(check(pg, "2001:db8::1", 0, "Ümlaut db", "app"), "00000");
	EXPECT_EQ(check(my, "192.0.2.1", 65535, "", "app"), "00000");
	EXPECT_EQ(check(my, "db", 1, "a=b", "app"), "00000");
	EXPECT_EQ(check(lite, "", 0, "a.db", ""), "00000");

	for (const std::string host :
	     {"", "/tmp", "@x", "a,b", "a b", "a\nb", "host=evil", "2130706433", "[::1]", "a:5432", "a\xff"}) {
		EXPECT_EQ(check(pg, host, 5432, "shop", "app"), "22023") << host;
		EXPECT_EQ(check(my, host, 3306, "shop", "app"), "22023") << host;
	}
	for (int const port : {-1, 65536, 1 << 30})
		EXPECT_EQ(check(pg, "db", port, "shop", "app"), "22023") << port;
	for (const std::string database :
	     {"", "postgres host=evil", "postgresql://evil/x", "postgres://evil", "host=evil", "a\nb", "a\tb", "\xc3"})
		EXPECT_EQ(check(pg, "db", 5432, database, "app"), "22023") << database;
	EXPECT_EQ(check(pg, "db", 5432, std::string("a\0b", 3), "app"), "22023");
	EXPECT_EQ(check(pg, "db", 5432, std::string(256, 'a'), "app"), "22023");
	for (const std::string &user :
	     std::vector<std::string>{"", "a\nb", std::string(256, 'a'), std::string("a\0", 2), "\xed\xa0\x80"})
		EXPECT_EQ(check(my, "db", 3306, "shop", user), "22023");

	EXPECT_EQ(check(lite, "db", 0, "a.db", ""), "22023");
	EXPECT_EQ(check(lite, "", 5432, "a.db", ""), "22023");
	EXPECT_EQ(check(lite, "", 0, "a.db", "app"), "22023");
	EXPECT_EQ(check(lite, "", 0, "../a.db", ""), "22023");
	EXPECT_EQ(check(lite, "", 0, "", ""), "22023");
}

} // namespace

/*
 * The parser of connection strings (RFC 3986, read strictly). A password may be anywhere in a string that is
 * malformed, so errors give a reason and a position, never text. Pure regime.
 */
#include "connection/string.hpp"

#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "remote/resolver.hpp"
#include "remote/text.hpp"

namespace tenancy::connection {

namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t max_length = 64 << 10; /* certificates make strings long */

struct Scheme {
	std::string_view name;
	remote::DatabaseType type;
};

constexpr Scheme schemes[] = {
	{"postgresql", remote::DatabaseType::postgresql}, {"postgres", remote::DatabaseType::postgresql},
	{"mysql", remote::DatabaseType::mysql},           {"mariadb", remote::DatabaseType::mysql},
	{"sqlite", remote::DatabaseType::sqlite},
};

int
hex_value(char c) noexcept
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Which control characters may stand in a decoded part: certificates have lines. */
enum class Controls : bool { refused, line_ends };

class Parser {
public:
	explicit Parser(std::string_view text) : text_(text) {}
	Fields parse();

private:
	[[noreturn]] void fail(const char *what, const char *where) const;
	void check_characters() const;
	std::string_view parse_scheme(Fields &fields) const;
	void parse_network(Fields &fields, std::string_view rest) const;
	void parse_user(Fields &fields, std::string_view user) const;
	void parse_place(Fields &fields, std::string_view place) const;
	void parse_port(Fields &fields, std::string_view port) const;
	void parse_file(Fields &fields, std::string_view rest) const;
	void parse_options(Fields &fields, std::string_view query) const;
	void parse_option(Fields &fields, std::string_view item) const;

	/* Feed each byte of a part, percent escapes decoded, to put; checks the escapes and the result's characters. */
	template <typename Put> void decode(std::string_view part, Controls controls, Put put) const;
	std::string decoded(std::string_view part, Controls controls = Controls::refused) const;
	core::Secret decoded_secret(std::string_view part) const;

	std::string_view text_;
};

/* where points into text_; the position counts characters, not bytes. */
void
Parser::fail(const char *what, const char *where) const
{
	auto const position = 1 + core::count_characters({text_.data(), where});
	throw core::Error(core::FailureKind::other, "22023", "invalid connection string",
	                  std::string(what) + ", at character " + std::to_string(position) + ".",
	                  "It looks like postgresql://user:password@host:5432/database?sslmode=require, "
	                  "mysql://user:password@host/database or sqlite:file.db.");
}

void
Parser::check_characters() const
{
	if (text_.size() > max_length)
		fail("It is too long", text_.data() + max_length);
	for (std::string_view rest = text_; !rest.empty();) {
		std::size_t const length = remote::utf8_sequence(rest);
		if (length == 0)
			fail("There is a byte that is not valid UTF-8", rest.data());
		if (rest[0] == ' ' || remote::is_control(rest[0]))
			fail("There is a blank or control character, which has to be percent-encoded", rest.data());
		rest.remove_prefix(length);
	}
}

template <typename Put>
void
Parser::decode(std::string_view part, Controls controls, Put put) const
{
	for (std::size_t i = 0; i < part.size(); ++i) {
		const char *const where = part.data() + i;
		char c = part[i];
		if (c == '%') {
			int const high = i + 1 < part.size() ? hex_value(part[i + 1]) : -1;
			int const low = i + 2 < part.size() ? hex_value(part[i + 2]) : -1;
			if (high < 0 || low < 0)
				fail("A percent sign is not followed by two hexadecimal digits", where);
			c = static_cast<char>(high << 4 | low);
			i += 2;
		}
		bool const line_end = controls == Controls::line_ends && (c == '\n' || c == '\r');
		if (remote::is_control(c) && !line_end)
			fail("There is a percent-encoded control character", where);
		put(c);
	}
}

std::string
Parser::decoded(std::string_view part, Controls controls) const
{
	std::string out;
	decode(part, controls, [&out](char c) { out += c; });
	if (!remote::is_utf8(out))
		fail("A part with percent-encoded bytes is not valid UTF-8", part.data());
	return out;
}

/* Decodes in two passes, so that no buffer that grows leaves a copy behind. */
core::Secret
Parser::decoded_secret(std::string_view part) const
{
	std::size_t size = 0;
	decode(part, Controls::refused, [&size](char) { ++size; });
	core::Secret secret(size);
	unsigned char *end = secret.data();
	decode(part, Controls::refused, [&end](char c) { *end++ = static_cast<unsigned char>(c); });
	if (!remote::is_utf8(secret.view()))
		fail("A part with percent-encoded bytes is not valid UTF-8", part.data());
	return secret;
}

std::string_view
Parser::parse_scheme(Fields &fields) const
{
	std::size_t const colon = text_.find(':');
	if (colon == npos)
		fail("There is no scheme", text_.data());
	auto const *const found = std::find_if(std::begin(schemes), std::end(schemes),
	                                       [&](const Scheme &scheme) { return scheme.name == text_.substr(0, colon); });
	if (found == std::end(schemes))
		fail("The scheme is none of postgresql, mysql and sqlite", text_.data());
	fields.type = found->type;
	return text_.substr(colon + 1);
}

void
Parser::parse_user(Fields &fields, std::string_view user) const
{
	std::size_t const colon = user.find(':');
	fields.username = decoded(user.substr(0, colon));
	if (fields.username.empty())
		fail("The user name is empty", user.data());
	if (colon != npos)
		fields.password = decoded_secret(user.substr(colon + 1));
}

void
Parser::parse_port(Fields &fields, std::string_view port) const
{
	auto const [end, error] = std::from_chars(port.data(), port.data() + port.size(), fields.port);
	bool const digits = error == std::errc() && end == port.data() + port.size() && port[0] != '0';
	if (!digits || fields.port < 1 || fields.port > 65535)
		fail("The port is not a number from 1 to 65535", port.data());
}

void
Parser::parse_place(Fields &fields, std::string_view place) const
{
	std::string_view rest;
	if (place.starts_with('[')) {
		std::size_t const end = place.find(']');
		if (end == npos)
			fail("A bracket is not closed", place.data());
		fields.host = place.substr(1, end - 1);
		rest = place.substr(end + 1);
		if (fields.host.find(':') == npos)
			fail("There is no IPv6 address between the brackets", place.data());
		if (!rest.empty() && rest[0] != ':')
			fail("There is something between the address and the port", rest.data());
	} else {
		std::size_t const colon = place.find(':');
		fields.host = place.substr(0, colon);
		rest = colon == npos ? std::string_view() : place.substr(colon);
	}
	if (fields.host.empty())
		fail("The host is missing", place.data());
	if (fields.host.find(',') != npos || rest.find(',') != npos)
		fail("There is more than one host", place.data());
	if (remote::host_complaint(fields.host) != nullptr)
		fail("The host is neither an address nor a well-formed name", place.data());
	if (!rest.empty())
		parse_port(fields, rest.substr(1));
}

void
Parser::parse_network(Fields &fields, std::string_view rest) const
{
	if (!rest.starts_with("//"))
		fail("The scheme is not followed by two slashes", rest.data());
	rest.remove_prefix(2);
	std::size_t const end = std::min(rest.find_first_of("/?"), rest.size());
	std::string_view const authority = rest.substr(0, end);
	std::size_t const at = authority.find('@');
	/*
	 * Refuse an @ behind the authority too: there, the rest of a password with an unencoded / or ? would be taken for
	 * names.
	 */
	if (std::size_t const second = rest.find('@', at == npos ? end : at + 1); second != npos)
		fail("There is an at sign too many; in a user name or password @ / ? # and % have to be percent-encoded",
		     rest.data() + second);
	if (at != npos)
		parse_user(fields, authority.substr(0, at));
	parse_place(fields, at == npos ? authority : authority.substr(at + 1));

	rest.remove_prefix(end);
	std::size_t const query = std::min(rest.find('?'), rest.size());
	if (query > 0) {
		std::string_view const name = rest.substr(1, query - 1);
		if (std::size_t const slash = name.find('/'); slash != npos)
			fail("The database name contains a slash, which has to be percent-encoded", name.data() + slash);
		fields.database = decoded(name);
	}
	if (query < rest.size())
		parse_options(fields, rest.substr(query + 1));
}

void
Parser::parse_file(Fields &fields, std::string_view rest) const
{
	if (rest.starts_with("///"))
		rest.remove_prefix(3);
	else if (rest.starts_with("//"))
		fail("A SQLite database has no host", rest.data() + 2);
	std::size_t const query = std::min(rest.find('?'), rest.size());
	fields.database = decoded(rest.substr(0, query));
	if (fields.database.empty())
		fail("The file name is missing", rest.data());
	if (fields.database.front() == '/')
		fail("The file name is not relative", rest.data());
	if (query < rest.size())
		parse_options(fields, rest.substr(query + 1));
}

void
Parser::parse_option(Fields &fields, std::string_view item) const
{
	std::size_t const equals = item.find('=');
	if (equals == npos)
		fail("An option has no value", item.data());
	std::string const name(item.substr(0, equals));
	if (name.empty() ||
	    !std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }))
		fail("The name of an option consists of lower-case letters and underscores", item.data());
	if (std::any_of(fields.options.begin(), fields.options.end(),
	                [&](const auto &other) { return other.first == name; }))
		fail("An option is given twice", item.data());
	if (std::size_t const second = item.find('=', equals + 1); second != npos)
		fail("An equals sign in a value has to be percent-encoded", item.data() + second);
	fields.options.emplace_back(name, decoded(item.substr(equals + 1), Controls::line_ends));
}

void
Parser::parse_options(Fields &fields, std::string_view query) const
{
	for (;;) {
		std::size_t const end = std::min(query.find('&'), query.size());
		parse_option(fields, query.substr(0, end));
		if (end == query.size())
			return;
		query.remove_prefix(end + 1);
	}
}

Fields
Parser::parse()
{
	Fields fields;
	check_characters();
	if (std::size_t const fragment = text_.find('#'); fragment != npos)
		fail("There is a number sign, which has to be percent-encoded", text_.data() + fragment);
	std::string_view const rest = parse_scheme(fields);
	if (fields.type == remote::DatabaseType::sqlite)
		parse_file(fields, rest);
	else
		parse_network(fields, rest);
	return fields;
}

} // namespace

Fields
parse_connection_string(std::string_view text)
{
	return Parser(text).parse();
}

} // namespace tenancy::connection

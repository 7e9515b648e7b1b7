/*
 * Which hosts may be reached: literals, names, and the judgement of every address they stand for. Pure regime.
 */
#include "remote/address.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "core/error.hpp"
#include "remote/resolver.hpp"
#include "remote/text.hpp"

namespace tenancy::remote {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::array<unsigned char, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct V4Range {
	std::uint8_t a, b, c, d;
	unsigned bits;
};

/* What IANA's special-purpose registry (RFC 6890 and later) does not call globally reachable unicast. */
constexpr V4Range v4_refused[] = {
	{0, 0, 0, 0, 8},        {10, 0, 0, 0, 8},      {100, 64, 0, 0, 10},  {127, 0, 0, 0, 8},    {169, 254, 0, 0, 16},
	{172, 16, 0, 0, 12},    {192, 0, 0, 0, 24},    {192, 0, 2, 0, 24},   {192, 88, 99, 0, 24}, {192, 168, 0, 0, 16},
	{198, 18, 0, 0, 15},    {198, 51, 100, 0, 24}, {203, 0, 113, 0, 24}, {224, 0, 0, 0, 4},    {240, 0, 0, 0, 4},
	{168, 63, 129, 16, 32}, /* looks public, but is the host of every Azure machine */
};

struct V6Range {
	std::array<std::uint16_t, 4> groups; /* the first 64 bits */
	unsigned bits;
};

constexpr V6Range v6_global = {{0x2000, 0, 0, 0}, 3};

/* Inside 2000::/3: protocol assignments with Teredo, documentation, 6to4. */
constexpr V6Range v6_refused[] = {
	{{0x2001, 0, 0, 0}, 23},
	{{0x2001, 0x0db8, 0, 0}, 32},
	{{0x2002, 0, 0, 0}, 16},
	{{0x3fff, 0, 0, 0}, 20},
};

constexpr V6Range v6_nat64 = {{0x0064, 0xff9b, 0, 0}, 96};

bool
same_bits(const unsigned char *a, const unsigned char *b, unsigned bits) noexcept
{
	if (std::memcmp(a, b, bits / 8) != 0)
		return false;
	unsigned const rest = bits % 8;
	return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool
within(const Address &address, const V4Range &range) noexcept
{
	unsigned char const start[4] = {range.a, range.b, range.c, range.d};
	return same_bits(&address.bytes[12], start, range.bits);
}

bool
within(const Address &address, const V6Range &range) noexcept
{
	unsigned char start[16]{};
	for (std::size_t i = 0; i < range.groups.size(); ++i) {
		start[2 * i] = static_cast<unsigned char>(range.groups[i] >> 8);
		start[2 * i + 1] = static_cast<unsigned char>(range.groups[i]);
	}
	return same_bits(address.bytes.data(), start, range.bits);
}

Address
make_v4(const unsigned char *four) noexcept
{
	Address address;
	std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes.begin());
	std::memcpy(&address.bytes[12], four, 4);
	return address;
}

bool
is_global(const Address &address) noexcept
{
	auto const inside = [&address](const auto &range) { return within(address, range); };
	if (address.is_v4())
		return std::none_of(std::begin(v4_refused), std::end(v4_refused), inside);
	return within(address, v6_global) && std::none_of(std::begin(v6_refused), std::end(v6_refused), inside);
}

/* Is it an address of this machine? What a public address is translated to outside of it cannot be seen here. */
bool
is_own(const Address &address)
{
	ifaddrs *list = nullptr;
	if (getifaddrs(&list) != 0)
		throw Error(FailureKind::other, "58000",
		            std::string("could not read the addresses of this machine: ") + std::strerror(errno));
	std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> const owner(list, freeifaddrs);
	for (const ifaddrs *entry = list; entry != nullptr; entry = entry->ifa_next) {
		if (entry->ifa_addr == nullptr)
			continue;
		Address own;
		if (entry->ifa_addr->sa_family == AF_INET)
			own = make_v4(reinterpret_cast<const unsigned char *>(
				&reinterpret_cast<const sockaddr_in *>(entry->ifa_addr)->sin_addr));
		else if (entry->ifa_addr->sa_family == AF_INET6)
			std::memcpy(own.bytes.data(), &reinterpret_cast<const sockaddr_in6 *>(entry->ifa_addr)->sin6_addr, 16);
		else
			continue;
		if (own == address)
			return true;
	}
	return false;
}

/*
 * inet_pton knows one spelling of an IPv4 address, four decimal numbers without leading zeros: octal,
 * hexadecimal and short forms, which inet_aton takes, are no literals here. Zone ids are refused by it too.
 */
bool
parse_literal(const std::string &text, Address &address) noexcept
{
	unsigned char four[4];
	if (text.find('\0') != std::string::npos)
		return false;
	if (inet_pton(AF_INET, text.c_str(), four) == 1) {
		address = make_v4(four);
		return true;
	}
	return inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1;
}

bool
is_digit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

bool
is_name_character(char c) noexcept
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* Would somebody's inet_aton read this label as a number? No top-level domain is one. */
bool
is_number(std::string_view label) noexcept
{
	if (label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return std::all_of(label.begin() + 2, label.end(),
		                   [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
	return std::all_of(label.begin(), label.end(), is_digit);
}

/* What is wrong with a host name; nullptr when nothing is. */
const char *
name_complaint(std::string_view name) noexcept
{
	if (name.empty())
		return "The host is empty.";
	if (name.front() == '/' || name.front() == '@')
		return "Unix-domain sockets cannot be used.";
	if (name.find(',') != std::string_view::npos)
		return "Exactly one host can be given.";
	if (name.back() == '.')
		name.remove_suffix(1);
	if (name.size() > 253)
		return "The host name is too long.";
	for (;;) {
		std::size_t const dot = name.find('.');
		std::string_view const label = name.substr(0, dot);
		if (label.empty() || label.size() > 63)
			return "Each part of a host name has 1 to 63 characters.";
		if (!std::all_of(label.begin(), label.end(), is_name_character))
			return "A host name consists of ASCII letters, digits, hyphens, underscores and dots.";
		if (label.front() == '-')
			return "No part of a host name begins with a hyphen.";
		if (dot == std::string_view::npos)
			return is_number(label) ? "A numeric address is four decimal numbers without leading zeros, or IPv6."
			                        : nullptr;
		name.remove_prefix(dot + 1);
	}
}

[[noreturn]] void
fail_network(std::string_view item, const char *detail)
{
	throw Error(FailureKind::other, "22023", "invalid network \"" + printable(item) + "\"", detail,
	            "A list of networks looks like 10.1.0.0/16, 192.0.2.7, 2001:db8::/32.");
}

unsigned
parse_prefix_length(std::string_view item, std::string_view digits, unsigned width)
{
	unsigned bits = 0;
	auto const result = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
	if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() || bits > width ||
	    (digits.size() > 1 && digits[0] == '0'))
		fail_network(item, "The prefix length is a number from 0 to 32, or to 128 for IPv6.");
	return bits;
}

bool
has_host_bits(const Address &address, unsigned bits) noexcept
{
	for (unsigned i = bits; i < 128; ++i)
		if ((address.bytes[i / 8] >> (7 - i % 8) & 1) != 0)
			return true;
	return false;
}

} // namespace

bool
Address::is_v4() const noexcept
{
	return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin());
}

std::string
Address::text() const
{
	char buffer[INET6_ADDRSTRLEN];
	if (is_v4())
		inet_ntop(AF_INET, &bytes[12], buffer, sizeof buffer);
	else
		inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
	return buffer;
}

NetworkList
NetworkList::parse(std::string_view list)
{
	NetworkList result;
	if (trimmed(list).empty())
		return result;
	for (;;) {
		std::size_t const comma = list.find(',');
		std::string_view const item = trimmed(list.substr(0, comma));
		std::size_t const slash = item.find('/');
		std::string const literal(item.substr(0, slash));
		Network network{};
		if (!parse_literal(literal, network.address))
			fail_network(item, "It is neither an IPv4 nor an IPv6 address.");
		bool const v4 = literal.find(':') == std::string::npos;
		network.bits = 128;
		if (slash != std::string_view::npos)
			network.bits = parse_prefix_length(item, item.substr(slash + 1), v4 ? 32 : 128) + (v4 ? 96 : 0);
		if (has_host_bits(network.address, network.bits))
			fail_network(item, "It has bits set to the right of its prefix length.");
		result.networks_.push_back(network);
		if (comma == std::string_view::npos)
			return result;
		list.remove_prefix(comma + 1);
	}
}

bool
NetworkList::contains(const Address &address) const noexcept
{
	return std::any_of(networks_.begin(), networks_.end(), [&address](const Network &network) {
		/* ::/0 says all of IPv6; that IPv4 is stored as a part of it is our own affair. */
		if (address.is_v4() && network.bits < 96)
			return false;
		return same_bits(address.bytes.data(), network.address.bytes.data(), network.bits);
	});
}

bool
is_reachable(const Address &address, const NetworkList &allowed)
{
	if (allowed.contains(address))
		return true;
	if (within(address, v6_nat64))
		return is_reachable(make_v4(&address.bytes[12]), allowed);
	return is_global(address) && !is_own(address);
}

const char *
host_complaint(const std::string &host) noexcept
{
	Address literal;
	return parse_literal(host, literal) ? nullptr : name_complaint(host);
}

std::vector<Address>
resolve(const std::string &host, const NetworkList &allowed, core::Deadline deadline, core::Waiter &waiter)
{
	std::vector<Address> addresses;
	Address literal;
	if (parse_literal(host, literal))
		addresses.push_back(literal);
	else if (const char *const complaint = name_complaint(host); complaint != nullptr)
		throw Error(FailureKind::denied_address, "22023", "invalid host name \"" + printable(host) + "\"", complaint);
	else
		addresses = look_up(host, {}, deadline, waiter);

	for (const Address &address : addresses)
		if (!is_reachable(address, allowed))
			throw Error(FailureKind::denied_address, "42501", "connections to host \"" + host + "\" are not allowed",
			            "The host has an address outside the public networks.",
			            "An administrator can allow networks with the setting tenancy.allowed_networks.");
	return addresses;
}

} // namespace tenancy::remote

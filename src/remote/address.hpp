/*
 * Which hosts may be reached: resolve once (c-ares, never blocking), check every address, connect to a checked one.
 * Pure regime.
 */
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/waiter.hpp"

namespace tenancy::remote {

/* An IPv6 address; IPv4 is kept as ::ffff:a.b.c.d, so both families compare alike. */
struct Address {
	std::array<unsigned char, 16> bytes{};
	bool is_v4() const noexcept;
	std::string text() const; /* 192.0.2.1 or 2001:db8::1 */
	bool operator==(const Address &) const = default;
};

/* A parsed CIDR list, such as 'tenancy.allowed_networks'. */
class NetworkList {
public:
	NetworkList() = default;
	/* Comma-separated CIDRs or addresses; throws core::Error 22023 naming the bad item. */
	static NetworkList parse(std::string_view list);
	bool contains(const Address &address) const noexcept;

private:
	struct Network {
		Address address;
		unsigned bits; /* of 128 */
	};
	std::vector<Network> networks_;
};

/*
 * May a tenant's connection go there? Only globally reachable unicast addresses (IANA special-purpose registries,
 * RFC 6890) that are not an address of this machine; or whatever allowed contains.
 */
bool is_reachable(const Address &address, const NetworkList &allowed);

/*
 * The addresses of host, all of them checked: one forbidden address refuses the host (denied_address, 42501),
 * no address is dns (08001). Literals do not ask a name server. Sockets, '@' and host lists are refused.
 */
std::vector<Address> resolve(const std::string &host, const NetworkList &allowed, core::Deadline deadline,
                             core::Waiter &waiter);

} // namespace tenancy::remote

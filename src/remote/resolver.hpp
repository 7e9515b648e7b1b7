/*
 * Names to addresses by c-ares: the hosts file, then DNS, without a thread and without blocking; and what a host
 * may look like at all. Pure regime.
 */
#pragma once

#include <string>
#include <vector>

#include "core/waiter.hpp"
#include "remote/address.hpp"

namespace tenancy::remote {

/*
 * Every address of name, in the order in which they should be tried, none twice and none of them checked.
 * name_servers, as "192.0.2.53:5353,…", replaces those of resolv.conf when it is not empty.
 * Throws core::Error 08001: kind dns when there is no address, kind timeout when nobody answered in time.
 */
std::vector<Address> look_up(const std::string &name, const std::string &name_servers, core::Deadline deadline,
                             core::Waiter &waiter);

/*
 * What is wrong with host, which has to be an address literal or a well-formed name, as a sentence; nullptr: nothing.
 */
const char *host_complaint(const std::string &host) noexcept;

} // namespace tenancy::remote

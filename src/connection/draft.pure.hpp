/*
 * A connection as a user describes it, before it is stored: fields, checked as a whole. Pure regime.
 */
#pragma once

#include "connection/string.hpp"

namespace tenancy::connection {

/* Arguments of create_connection and update_connection; NULL or 0 is not given. */
struct Given {
	const char *database_type;
	const char *host;
	int port;
	const char *database_name, *username, *password, *connection_string;
};

/* Replace draft by what a connection string says, or change the fields that are given; both together are refused. */
void overlay(Fields &draft, const Given &given);

/* Refuse what a connection could never use (22023). */
void check(const Fields &draft);

/* Refuse an address literal that may not be reached (42501); of a name, connecting tells. */
void check_address(const std::string &host, const char *allowed_networks);

/* Would sending the stored password to the new place give it to somebody else? True asks for the password again. */
bool leads_elsewhere(const Fields &before, const Fields &after);

} // namespace tenancy::connection

/*
 * What kind of database a connection is: the planner needs it before anybody's right to the connection is in
 * question, so it is remembered per backend and checked again when a plan runs. PG regime.
 */
#include "connection/connection.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/spi.hpp"
#include "remote/options.hpp"

extern "C" {
#include "utils/hsearch.h"
}

namespace tenancy::connection {

namespace {

namespace spi = bridge::spi;

struct Known {
	core::Uuid id;
	remote::DatabaseType type;
};

spi::Statement type_by_id = {"SELECT c.database_type FROM tenancy.database_connections AS c WHERE c.id = $1",
                             {UUIDOID}};

HTAB *
known_types()
{
	static HTAB *table = nullptr;
	if (table == nullptr) {
		HASHCTL control{};
		control.keysize = sizeof(core::Uuid);
		control.entrysize = sizeof(Known);
		control.hcxt = TopMemoryContext;
		table = hash_create("types of connections", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	return table;
}

} // namespace

void
remember_type(const core::Uuid &id, remote::DatabaseType type)
{
	bool found;
	static_cast<Known *>(hash_search(known_types(), &id, HASH_ENTER, &found))->type = type;
}

remote::DatabaseType
type_of(const core::Uuid &id)
{
	auto const *known = static_cast<Known *>(hash_search(known_types(), &id, HASH_FIND, nullptr));
	if (known != nullptr)
		return known->type;
	MemoryContext const context = CurrentMemoryContext;
	Datum const values[] = {bridge::uuid_datum(id)};
	char *name = nullptr;
	spi::Scope const scope = spi::open();
	if (spi::run(type_by_id, values) == 1)
		name = MemoryContextStrdup(context, spi::text(0, 1));
	spi::close(scope);
	if (name == nullptr)
		deny(selector_of(id));
	remote::DatabaseType const type = *bridge::enter([name] { return remote::parse_database_type(name); });
	remember_type(id, type);
	return type;
}

} // namespace tenancy::connection

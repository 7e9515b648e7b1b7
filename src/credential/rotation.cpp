/*
 * The key ring as administrators see it, and the rotation of keys. PG regime.
 */
#include "bridge/pg.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/extension.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "bridge/wait.hpp"
#include "credential/seal.hpp"
#include "credential/source.hpp"
#include "credential/vault.hpp"
#include "identity/identity.hpp"

namespace tenancy::credential {

namespace {

namespace spi = bridge::spi;

constexpr int batch_rows = 500;

/* How many connections a key has sealed. */
struct Count {
	const char *key_id;
	int64 connections;
};

struct Counts {
	Count *items;
	uint64 size;
};

int64
count_of(const Counts &counts, const char *key_id)
{
	for (uint64 i = 0; i < counts.size; ++i)
		if (strcmp(counts.items[i].key_id, key_id) == 0)
			return counts.items[i].connections;
	return 0;
}

/* Called within an SPI scope; the counts are allocated in context, which outlives it. */
Counts
count_by_key(MemoryContext context)
{
	static spi::Statement count = {
		"SELECT coalesce(c.credential_key_id, ''), count(*) FROM tenancy.database_connections AS c "
		"WHERE c.password_encrypted IS NOT NULL OR c.connection_string_encrypted IS NOT NULL GROUP BY 1 ORDER BY 1"};
	Counts counts;
	counts.size = spi::run(count);
	counts.items = static_cast<Count *>(MemoryContextAlloc(context, (counts.size + 1) * sizeof(Count)));
	for (uint64 i = 0; i < counts.size; ++i) {
		bool is_null;
		counts.items[i].key_id = MemoryContextStrdup(context, spi::text(i, 1));
		counts.items[i].connections = DatumGetInt64(spi::value(i, 2, &is_null));
	}
	return counts;
}

/* The same secret under the active key; NULL stays NULL. */
char *
reseal(const char *sealed, const core::Uuid &user, const core::Uuid &connection, const char *column,
       vault::KeyId &key_id)
{
	if (sealed == nullptr)
		return nullptr;
	/* The size stays the same: only a longer nonce would change it, and stored columns never have one. */
	char *const fresh = static_cast<char *>(palloc(strlen(sealed) + 1));
	bridge::Failure failure;
	bool const done = bridge::attempt(failure, [&] {
		std::string const additional = additional_data(user, connection, column);
		core::Secret secret;
		if (!vault::open(sealed, additional, secret))
			refuse_ciphertext();
		vault::seal(secret.view(), additional, fresh, key_id);
	});
	if (done)
		return fresh;
	if (failure.pg == nullptr)
		snprintf(failure.message, sizeof failure.message, "could not open %s of connection %s", column,
		         bridge::uuid_text(connection));
	bridge::raise(failure);
}

/* Re-encrypt one row of the batch in SPI_tuptable. */
void
reseal_row(const SPITupleTable *table, uint64 row, core::Uuid *id)
{
	static spi::Statement update = {
		"UPDATE tenancy.database_connections SET password_encrypted = $2, connection_string_encrypted = $3, "
		"credential_key_id = $4 WHERE id = $1",
		{UUIDOID, TEXTOID, TEXTOID, TEXTOID}};
	bool is_null;
	HeapTuple const tuple = table->vals[row];
	*id = bridge::uuid_value(SPI_getbinval(tuple, table->tupdesc, 1, &is_null));
	core::Uuid const user = bridge::uuid_value(SPI_getbinval(tuple, table->tupdesc, 2, &is_null));
	vault::KeyId key_id;
	NullableDatum const password =
		bridge::nullable_text(reseal(SPI_getvalue(tuple, table->tupdesc, 3), user, *id, "password_encrypted", key_id));
	NullableDatum const string = bridge::nullable_text(
		reseal(SPI_getvalue(tuple, table->tupdesc, 4), user, *id, "connection_string_encrypted", key_id));
	Datum const values[] = {bridge::uuid_datum(*id), password.value, string.value, CStringGetTextDatum(key_id)};
	char const nulls[] = {' ', password.isnull ? 'n' : ' ', string.isnull ? 'n' : ' ', ' '};
	(void) spi::run(update, values, nulls); /* of a user who was deleted meanwhile, there is nothing left to seal */
}

void
reseal_all()
{
	static spi::Statement next = {
		"SELECT c.id, c.user_id, c.password_encrypted, c.connection_string_encrypted "
		"FROM tenancy.database_connections AS c "
		"WHERE c.id > $1 AND (c.password_encrypted IS NOT NULL OR c.connection_string_encrypted IS NOT NULL) "
		"ORDER BY c.id LIMIT $2",
		{UUIDOID, INT4OID}};
	MemoryContext const context =
		AllocSetContextCreate(CurrentMemoryContext, "tenancy rotation", ALLOCSET_DEFAULT_SIZES);
	core::Uuid last;
	for (;;) {
		CHECK_FOR_INTERRUPTS();
		Datum const values[] = {bridge::uuid_datum(last), Int32GetDatum(batch_rows)};
		uint64 const rows = spi::run(next, values);
		SPITupleTable *const table = SPI_tuptable;
		MemoryContext const before = MemoryContextSwitchTo(context);
		for (uint64 row = 0; row < rows; ++row)
			reseal_row(table, row, &last);
		MemoryContextSwitchTo(before);
		MemoryContextReset(context);
		SPI_freetuptable(table);
		if (rows < batch_rows)
			break;
	}
	MemoryContextDelete(context);
}

void
put_counts(ReturnSetInfo *result, const char *key_id, const Counts &before, const Counts &after)
{
	Datum const values[] = {CStringGetTextDatum(key_id), Int64GetDatum(count_of(before, key_id)),
	                        Int64GetDatum(count_of(after, key_id))};
	bool const nulls[] = {false, false, false};
	tuplestore_putvalues(result->setResult, result->setDesc, const_cast<Datum *>(values), const_cast<bool *>(nulls));
}

} // namespace

/*
 * All or nothing: nobody else seals from here on, so that none does with an older ring meanwhile, and the first
 * ciphertext that does not open ends it.
 */
TENANCY_FUNCTION(rotate_encryption_key)
{
	identity::require_admin();
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
		                errmsg("keys can be rotated only at isolation level read committed"),
		                errdetail("An older snapshot would not see every connection.")));
	InitMaterializedSRF(fcinfo, 0);
	auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	MemoryContext const context = CurrentMemoryContext;
	vault::Source const source = key_source();

	bridge::take_turn(bridge::Turn::sealing, ExclusiveLock);
	spi::Scope const scope = spi::open();
	bridge::enter([&] { vault::reload(source, bridge::waiter()); }); /* the key that is new by now */
	Counts const before = count_by_key(context);
	reseal_all();
	Counts const after = count_by_key(context);
	spi::close(scope);

	for (uint64 i = 0; i < before.size; ++i)
		put_counts(result, before.items[i].key_id, before, after);
	for (uint64 i = 0; i < after.size; ++i)
		if (count_of(before, after.items[i].key_id) == 0)
			put_counts(result, after.items[i].key_id, before, after);
	return static_cast<Datum>(0);
}

/* The ids in the ring, then those that connections name but the ring does not have. */
TENANCY_FUNCTION(key_ring)
{
	identity::require_admin();
	InitMaterializedSRF(fcinfo, 0);
	auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	vault::Source const source = key_source();
	spi::Scope const scope = spi::open();
	Counts const counts = count_by_key(result->econtext->ecxt_per_query_memory);
	spi::close(scope);
	std::size_t const size = bridge::enter([&] {
		vault::refresh(source, bridge::waiter());
		return vault::size();
	});
	uint64 missing = counts.size;
	bool *known = static_cast<bool *>(palloc0(counts.size + 1));
	for (std::size_t i = 0; i < size; ++i) {
		const char *const id = pnstrdup(vault::id(i).data(), vault::id(i).size());
		for (uint64 j = 0; j < counts.size; ++j)
			if (strcmp(counts.items[j].key_id, id) == 0) {
				known[j] = true;
				missing--;
			}
		Datum values[] = {CStringGetTextDatum(id), BoolGetDatum(i == 0), Int64GetDatum(count_of(counts, id))};
		bool nulls[] = {false, false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	for (uint64 j = 0; missing > 0 && j < counts.size; ++j) {
		if (known[j])
			continue;
		Datum values[] = {CStringGetTextDatum(counts.items[j].key_id), 0, Int64GetDatum(counts.items[j].connections)};
		bool nulls[] = {false, true, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return static_cast<Datum>(0);
}

} // namespace tenancy::credential

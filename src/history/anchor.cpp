/*
 * Heads of hash chains, signed, to be kept where nobody who can write to this database can write. PG regime.
 * "tenancy:anchor:1:user:seq:hash:time:key id:signature"
 */
#include "history/verify.hpp"

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "credential/credential.hpp"
#include "identity/identity.hpp"

extern "C" {
#include "access/rmgr.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "utils/datetime.h"
}

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

constexpr char purpose[] = "pg_tenancy history anchor 1";
constexpr char prefix[] = "tenancy:anchor:1:";

/* What an anchor says. */
struct Anchor {
	core::Uuid user;
	int64 seq;
	unsigned char hash[hash_size];
	TimestampTz at;
};

char *
text_of(const Anchor &anchor)
{
	char hex[2 * hash_size + 1];
	hex_encode(reinterpret_cast<const char *>(anchor.hash), hash_size, hex);
	hex[2 * hash_size] = 0;
	return psprintf("%s%s:" INT64_FORMAT ":%s:" INT64_FORMAT, prefix, bridge::uuid_text(anchor.user), anchor.seq, hex,
	                bridge::unix_micros(anchor.at));
}

/* The piece of text up to the next colon, which is cut off; NULL when there is none. */
char *
next_piece(char *&text)
{
	char *const piece = text;
	char *const colon = strchr(text, ':');
	if (colon == nullptr)
		return nullptr;
	*colon = 0;
	text = colon + 1;
	return piece;
}

bool
is_number(const char *text)
{
	return text != nullptr && *text != 0 && strlen(text) < MAXINT8LEN && strspn(text, "0123456789") == strlen(text);
}

/* Reads a text whose signature is good, but does not trust it to be well formed. */
bool
read_anchor(char *text, Anchor *anchor)
{
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return false;
	text += strlen(prefix);
	const char *const user = next_piece(text), *const seq = next_piece(text), *const hash = next_piece(text),
					  *const at = next_piece(text);
	if (user == nullptr || strlen(user) != 36 || !is_number(seq) || hash == nullptr || strlen(hash) != 2 * hash_size ||
	    strspn(hash, "0123456789abcdef") != 2 * hash_size || !is_number(at))
		return false;
	anchor->user = bridge::uuid_value(DirectFunctionCall1(uuid_in, CStringGetDatum(user)));
	anchor->seq = strtoll(seq, nullptr, 10);
	hex_decode(hash, 2 * hash_size, reinterpret_cast<char *>(anchor->hash));
	anchor->at = bridge::from_unix_micros(strtoll(at, nullptr, 10));
	return true;
}

/* What is wrong with the chain at the anchor's place; NULL: nothing. */
const char *
compare(const Anchor &anchor, const char **detail)
{
	static spi::Statement select = {
		"SELECT q.chain_hash FROM tenancy.query_history AS q WHERE q.user_id = $1 AND q.chain_seq = $2 "
		"UNION ALL SELECT q.chain_hash FROM tenancy.query_history AS q WHERE q.user_id IS NULL AND q.chain_seq = $2 "
		"AND $1 = '00000000-0000-0000-0000-000000000000'",
		{UUIDOID, INT8OID}};
	Ends ends;
	read_ends(anchor.user, &ends);
	if (anchor.seq < ends.pruned_seq) {
		*detail = "The row has been pruned, and so has the one after it: nothing is left to compare with.";
		return "pruned";
	}
	if (!ends.headed || ends.seq < anchor.seq) {
		*detail = psprintf("Today's chain ends before row " INT64_FORMAT ".", anchor.seq);
		return "cut";
	}
	if (anchor.seq == ends.pruned_seq) {
		*detail = "The last pruned row was another one.";
		return memcmp(ends.pruned_hash, anchor.hash, hash_size) == 0 ? nullptr : "rewritten";
	}
	Datum const values[] = {bridge::uuid_datum(anchor.user), Int64GetDatum(anchor.seq)};
	if (spi::read(select, values) == 0) {
		*detail = psprintf("Row " INT64_FORMAT " is missing.", anchor.seq);
		return "missing";
	}
	bool is_null;
	bytea *const hash = DatumGetByteaPP(spi::value(0, 1, &is_null));
	*detail = psprintf("Row " INT64_FORMAT " is not the one that was signed: it, or a row before it, was changed.",
	                   anchor.seq);
	bool const same = VARSIZE_ANY_EXHDR(hash) == hash_size && memcmp(VARDATA_ANY(hash), anchor.hash, hash_size) == 0;
	return same ? nullptr : "rewritten";
}

/*
 * The workers commit without a wait for the disk. Whoever keeps an anchor would take for cut what a crash of the server
 * took back, so all that is seen is on disk before it is signed. A record of its own, as a commit is seen before it is
 * known where it ends.
 */
void
flush_what_is_seen()
{
	if (RecoveryInProgress())
		return; /* a standby has what is on the primary's disk */
	char nothing = 0;
	XLogBeginInsert();
	XLogRegisterData(&nothing, sizeof nothing);
	XLogFlush(XLogInsert(RM_XLOG_ID, XLOG_NOOP));
}

} // namespace

/* tenancy.history_anchor(user_id) → (user_id, seq, hash, at, anchor) of one chain or of all. */
TENANCY_FUNCTION(history_anchor)
{
	static spi::Statement heads = {"SELECT h.user_id, h.seq, h.hash FROM tenancy.history_chain AS h "
	                               "WHERE $1 IS NULL OR h.user_id = $1 ORDER BY h.user_id",
	                               {UUIDOID}};
	core::Uuid user;
	bool const one = choose_user(fcinfo, &user);
	InitMaterializedSRF(fcinfo, 0);
	auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	spi::Scope const scope = spi::open();
	Datum const id = bridge::uuid_datum(user);
	char const nulls[] = {one ? ' ' : 'n'};
	uint64 const count = spi::read(heads, &id, nulls);
	flush_what_is_seen();
	for (uint64 i = 0; i < count; ++i) {
		bool is_null;
		Datum values[5] = {spi::value(i, 1, &is_null), spi::value(i, 2, &is_null), spi::value(i, 3, &is_null)};
		bytea *const hash = DatumGetByteaPP(values[2]);
		if (VARSIZE_ANY_EXHDR(hash) != hash_size)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the head of a history chain is not a hash")));
		Anchor anchor;
		anchor.user = bridge::uuid_value(values[0]);
		anchor.seq = DatumGetInt64(values[1]);
		memcpy(anchor.hash, VARDATA_ANY(hash), hash_size);
		anchor.at = GetCurrentTimestamp();
		values[3] = TimestampTzGetDatum(anchor.at);
		values[4] = CStringGetTextDatum(credential::sign(purpose, text_of(anchor)));
		bool is_nulls[] = {anchor.user.is_nil(), false, false, false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, is_nulls);
	}
	spi::close(scope);
	return static_cast<Datum>(0);
}

/* tenancy.verify_anchor(anchor) → (user_id, seq, at, problem, detail). */
TENANCY_FUNCTION(verify_anchor)
{
	TupleDesc description;
	if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!identity::is_admin())
		(void) identity::require_user();
	char *const text = bridge::text_argument(fcinfo, 0);
	credential::Signature const signature = credential::check_signature(purpose, text);
	Anchor anchor;
	bool const readable = signature == credential::Signature::good && read_anchor(text, &anchor);
	const char *problem = nullptr, *detail = nullptr;
	if (signature == credential::Signature::unknown_key) {
		problem = "unknown key";
		detail = "The key that it was signed with is not in the key ring.";
	} else if (!readable) {
		problem = "forged";
		detail = "The signature does not belong to the text.";
	} else {
		if (!identity::is_admin() && anchor.user != identity::require_user())
			deny_others_history();
		spi::Scope const scope = spi::open();
		const char *words = nullptr;
		problem = compare(anchor, &words);
		/* What SPI allocated goes with its scope. */
		static char kept[160];
		strlcpy(kept, words == nullptr ? "" : words, sizeof kept);
		detail = kept;
		spi::close(scope);
	}
	bool const broken = problem != nullptr;
	Datum values[] = {readable ? bridge::uuid_datum(anchor.user) : static_cast<Datum>(0),
	                  Int64GetDatum(readable ? anchor.seq : 0), TimestampTzGetDatum(readable ? anchor.at : 0),
	                  bridge::nullable_text(problem).value, bridge::nullable_text(detail).value};
	bool nulls[] = {!readable || anchor.user.is_nil(), !readable, !readable, !broken, !broken};
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}

} // namespace tenancy::history

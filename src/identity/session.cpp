/*
 * Whose transaction this is: the setting tenancy.session, when its token is live, and whom it names. PG regime.
 *
 * The check hook notes, beside the value, in which transaction it was set. PostgreSQL stacks the note with the value,
 * so whatever restores an older value (ROLLBACK TO, the end of a function, RESET) restores its note too, and a token
 * of an earlier transaction never comes back to life. Parallel workers get the value but not the note; they ask the
 * slot that their leader keeps in shared memory.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "access/xact.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
}

#include "bridge/datum.hpp"
#include "bridge/extension.hpp"
#include "bridge/row.hpp"
#include "bridge/setting.hpp"
#include "bridge/shared.hpp"
#include "identity/identity.hpp"
#include "identity/session.hpp"
#include "settings.hpp"

namespace tenancy::identity {

namespace session {

namespace {

/* What is known of a value of the setting. */
struct Note {
	LocalTransactionId lxid; /* of the transaction that set it; invalid outside of one, or from a parallel leader */
	uint64 number;           /* the same transaction: lxid comes round after 2^32 of them */
	Digest digest;
};

/* The user that a transaction belongs to. */
struct Identity {
	core::Uuid user; /* nil: nobody */
	TimestampTz expires;
};

/* The answer of this transaction. */
struct Cache {
	LocalTransactionId lxid; /* invalid: empty */
	bool by_token;
	Oid session_user;
	Identity identity;
};

/* What a backend tells its parallel workers; it writes only while it has none, so nobody reads meanwhile. */
struct Slot {
	Note token; /* lxid invalid: none */
	Cache answer;
	LocalTransactionId measures; /* the transaction in which it explains with counts; invalid: it does not */
};

char *value = nullptr; /* of the setting */
bool is_set = false;
constinit Note note{};
constinit Cache cache{};
uint64 changes = 0;      /* of what the answer depends on */
uint64 transactions = 0; /* that have ended here */
Slot *slots = nullptr;   /* by proc number, MaxBackends of them */

constexpr const char *setting_name = "tenancy.session";

bridge::Piece
slots_piece()
{
	return {"pg_tenancy sessions", mul_size(MaxBackends, sizeof(Slot)), 0};
}

Slot *
slot_of(PGPROC *proc)
{
	if (slots == nullptr || proc == nullptr)
		return nullptr;
	int const number = compat::proc_number(proc);
	return number >= 0 && number < MaxBackends ? &slots[number] : nullptr;
}

/* This backend's own slot, when it may be written. */
Slot *
own_slot()
{
	return IsParallelWorker() || IsInParallelMode() ? nullptr : slot_of(MyProc);
}

/* The leader's slot, if this is a parallel worker and the slot speaks of the transaction that the leader is in. */
const Slot *
leader_slot(LocalTransactionId *lxid)
{
	if (!IsParallelWorker() || MyProc->lockGroupLeader == nullptr)
		return nullptr;
	*lxid = compat::local_xid(MyProc->lockGroupLeader);
	return LocalTransactionIdIsValid(*lxid) ? slot_of(MyProc->lockGroupLeader) : nullptr;
}

/* Does somebody maintain a table of another role, whose functions run now? The identity is not theirs. */
bool
is_lent()
{
	return InSecurityRestrictedOperation() && GetUserId() != GetOuterUserId();
}

void
clear_cache()
{
	++changes;
	cache.lxid = InvalidLocalTransactionId;
	if (Slot *const slot = own_slot())
		slot->answer.lxid = InvalidLocalTransactionId;
}

/* Accepts every value: an error would quote it. Wrong tokens are merely unknown ones. */
bool
check(char **text, void **extra, GucSource source)
{
	if (*text == nullptr || **text == 0)
		return true;
	if (InSecurityRestrictedOperation()) {
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("cannot set \"%s\" within a security-restricted operation", setting_name);
		return false;
	}
	if (source >= PGC_S_INTERACTIVE && IsTransactionState() && !IsParallelWorker())
		hide_statement("authenticate");
	/* A setting of a role, a database or a function would be kept where everybody can read it. */
	if (source == PGC_S_TEST) {
		GUC_check_errcode(ERRCODE_FEATURE_NOT_SUPPORTED);
		GUC_check_errmsg("\"%s\" cannot be stored as a setting of a role, a database or a function", setting_name);
		return false;
	}
	Digest digest;
	if (!core::sha256(*text, digest)) {
		GUC_check_errcode(ERRCODE_OUT_OF_MEMORY);
		GUC_check_errmsg("out of memory"); /* PostgreSQL's own message would quote the value */
		return false;
	}
	auto *const fresh = static_cast<Note *>(compat::guc_memory(LOG, sizeof(Note)));
	if (fresh == nullptr)
		return false;
	/*
	 * A parallel worker inherits a value that may have outlived its transaction, and PostgreSQL 18 hands it over within
	 * the worker's own.
	 */
	bool const here = MyProc != nullptr && !InitializingParallelWorker;
	fresh->lxid = here ? compat::local_xid(MyProc) : InvalidLocalTransactionId;
	fresh->number = transactions;
	fresh->digest = digest;
	*extra = fresh;
	return true;
}

void
assign(const char *, void *extra)
{
	is_set = extra != nullptr;
	note = is_set ? *static_cast<Note *>(extra) : Note{};
	clear_cache();
	if (note.number != transactions)
		note.lxid = InvalidLocalTransactionId;
	if (Slot *const slot = own_slot())
		slot->token = note;
}

/* The token is for the server only: a function that somebody else wrote could read it otherwise. */
const char *
show()
{
	return value != nullptr && *value != 0 ? "********" : "";
}

/* A rolled back subtransaction may have held the session, or the binding, that the answer came from. */
void
at_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void *)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		clear_cache();
}

/* Forgets the transaction: another one may get the same local id. Settings are restored later. */
void
at_transaction_end(XactEvent event, void *)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	++transactions;
	note.lxid = cache.lxid = InvalidLocalTransactionId;
	if (Slot *const slot = own_slot())
		slot->token.lxid = slot->answer.lxid = InvalidLocalTransactionId;
}

bool
is_live()
{
	if (!is_set)
		return false;
	if (settings::identity_scope == static_cast<int>(settings::IdentityScope::session))
		return true;
	if (MyProc == nullptr)
		return false;
	if (LocalTransactionIdIsValid(note.lxid) && note.lxid == compat::local_xid(MyProc))
		return true;
	LocalTransactionId lxid;
	const Slot *const leader = leader_slot(&lxid);
	return leader != nullptr && leader->token.lxid == lxid && leader->token.digest == note.digest;
}

Identity
by_token()
{
	Identity identity{};
	Datum const digest = bridge::bytea_datum(note.digest.bytes.data(), note.digest.bytes.size());
	bridge::Row row = bridge::open_row("user_sessions", "user_sessions_token_hash_key", {{F_BYTEAEQ, digest}});
	if (row.found && bridge::is_null(row, "revoked_at")) {
		identity.user = bridge::uuid_value(bridge::value_of(row, "user_id"));
		identity.expires = DatumGetTimestampTz(bridge::value_of(row, "expires_at"));
	}
	bridge::close_row(row);
	return identity;
}

Identity
by_role()
{
	Identity identity{};
	const char *const role = GetUserNameFromId(GetSessionUserId(), true);
	if (role == nullptr) /* it is gone */
		return identity;
	bridge::Row row = bridge::open_row("role_bindings", "role_bindings_pkey", {{F_NAMEEQ, bridge::name_datum(role)}});
	if (row.found) {
		identity.user = bridge::uuid_value(bridge::value_of(row, "user_id"));
		identity.expires = DT_NOEND;
	}
	bridge::close_row(row);
	return identity;
}

bool
is_active(const core::Uuid &user)
{
	bridge::Row row = bridge::open_row("users", "users_pkey", {{F_UUID_EQ, bridge::uuid_datum(user)}});
	bool const active = row.found && DatumGetBool(bridge::value_of(row, "is_active"));
	bridge::close_row(row);
	return active;
}

/*
 * Ask the tables. As they are now, so that a transaction with an old snapshot does not revive a session that was
 * revoked since; in parallel mode as the query sees them, so that leader and workers agree.
 */
Identity
look_up(bool live)
{
	/* A schema of that name made by anybody else must not be asked with our rights. */
	if (creating_extension || !bridge::has_extension())
		return Identity{};
	Identity const identity = live ? by_token() : by_role();
	bool const stands = !identity.user.is_nil() && identity.expires > GetCurrentTimestamp() && is_active(identity.user);
	return stands ? identity : Identity{};
}

/* Has a parallel worker ask for what the leader knows already, so that both have one answer. */
bool
ask_leader(bool live, Identity *identity)
{
	LocalTransactionId lxid;
	const Slot *const leader = leader_slot(&lxid);
	if (leader == nullptr || leader->answer.lxid != lxid || leader->answer.by_token != live ||
	    leader->answer.session_user != GetSessionUserId() || (live && !(leader->token.digest == note.digest)))
		return false;
	*identity = leader->answer.identity;
	return true;
}

void
resolve(LocalTransactionId lxid, bool live)
{
	Identity identity;
	if (!ask_leader(live, &identity))
		identity = look_up(live);
	cache = Cache{lxid, live, GetSessionUserId(), identity};
	if (Slot *const slot = own_slot())
		slot->answer = cache;
}

} // namespace

void
tell_measuring(bool measures)
{
	/* Also in an error handler that is in parallel mode still. */
	if (Slot *const slot = IsParallelWorker() ? nullptr : slot_of(MyProc))
		slot->measures = measures ? compat::local_xid(MyProc) : InvalidLocalTransactionId;
}

bool
is_leader_measuring()
{
	LocalTransactionId lxid;
	const Slot *const leader = leader_slot(&lxid);
	return leader != nullptr && leader->measures == lxid;
}

void
define_setting()
{
	DefineCustomStringVariable(setting_name, "Token of the session that this transaction belongs to.",
	                           "tenancy.login gives tokens, tenancy.authenticate sets this for a transaction.", &value,
	                           "", PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, check,
	                           assign, show);
	RegisterSubXactCallback(at_subtransaction_end, nullptr);
	RegisterXactCallback(at_transaction_end, nullptr);
}

void
request_shared_memory()
{
	bridge::request_shared(slots_piece());
}

void
start_shared_memory()
{
	slots = bridge::start_shared<Slot>(slots_piece(), [](Slot &) {});
}

bool
live_token(Digest *digest)
{
	if (!is_live())
		return false;
	*digest = note.digest;
	return true;
}

void
set_token(const char *token)
{
	bridge::set_locally(setting_name, token, PGC_USERSET);
}

bool
is_bound()
{
	return !by_role().user.is_nil();
}

void
forget()
{
	clear_cache();
}

} // namespace session

core::Uuid
current_user()
{
	using namespace session;
	if (!IsTransactionState() || MyProc == nullptr || is_lent())
		return core::Uuid{};
	LocalTransactionId const lxid = compat::local_xid(MyProc);
	if (!LocalTransactionIdIsValid(lxid))
		return core::Uuid{};
	bool const live = is_live();
	if (cache.lxid != lxid || cache.by_token != live || cache.session_user != GetSessionUserId())
		resolve(lxid, live);
	const Identity &identity = cache.identity;
	if (identity.user.is_nil() || identity.expires == DT_NOEND)
		return identity.user;
	return GetCurrentTimestamp() < identity.expires ? identity.user : core::Uuid{};
}

/* Roles change without telling anybody; what they were at the last look is compared. */
uint64
generation()
{
	struct Roles {
		Oid current, outer, session;
		int scope;
		bool operator==(const Roles &) const = default;
	};
	static Roles seen{};
	Roles const now{GetUserId(), GetOuterUserId(), GetSessionUserId(), settings::identity_scope};
	if (!(now == seen)) {
		seen = now;
		++session::changes;
	}
	return session::changes;
}

core::Uuid
require_user()
{
	core::Uuid const user = current_user();
	if (user.is_nil())
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
		         errmsg("no tenancy identity in this transaction"),
		         errhint("Call tenancy.authenticate(token) in the same transaction; tenancy.login(email, password) "
		                 "gives a token.")));
	return user;
}

} // namespace tenancy::identity

/*
 * SQL functions around a session: register, login, authenticate, logout, change_password. PG regime.
 * They work with the extension's own rights (bridge/spi.hpp); each says itself whose rows it touches.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "mb/pg_wchar.h"
}

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "identity/account.hpp"
#include "identity/attempts.hpp"
#include "identity/identity.hpp"
#include "identity/session.hpp"
#include "settings.hpp"

namespace tenancy::identity {

namespace {

constexpr int max_email_characters = 255;

Datum
digest_datum(const Digest &digest)
{
	return bridge::bytea_datum(digest.bytes.data(), sizeof digest.bytes);
}

/*
 * One "@" with something on both sides, no white space: the same as the table's CHECK, whose error would show the row.
 */
void
check_email(const char *email)
{
	int ats = 0;
	bool plain = true;
	for (const char *c = email; *c != 0; ++c) {
		ats += *c == '@';
		plain = plain && static_cast<unsigned char>(*c) > ' ' && *c != 0x7f;
	}
	if (ats != 1 || !plain || *email == '@' || email[strlen(email) - 1] == '@' ||
	    pg_mbstrlen(email) > max_email_characters)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid email address"), errhidestmt(true),
		                errhidecontext(true)));
}

/* Refuses a NULL argument of a function that takes a secret; its statement must be hidden before. */
void
require_both(FunctionCallInfo fcinfo, const char *what)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

/* Give the account a hash of today's cost. True when the row still had the old one. */
bool
replace_hash(const Account &account, const char *hash)
{
	static bridge::spi::Statement update = {
		"UPDATE tenancy.users SET password_hash = $2 WHERE id = $1 AND password_hash = $3",
		{UUIDOID, TEXTOID, TEXTOID}};
	Datum const values[] = {bridge::uuid_datum(account.id), CStringGetTextDatum(hash),
	                        CStringGetTextDatum(account.hash)};
	return bridge::spi::run(update, values) == 1;
}

/*
 * A new session of the account, if its password and state are still those that were checked: the row lock makes a login
 * and a change of password or state wait for each other. Here and in all that ends sessions, they are those that there
 * are by now: by an old snapshot, some would be missed.
 */
bool
insert_session(const Account &account, const Digest &digest)
{
	static bridge::spi::Statement insert = {
		"INSERT INTO tenancy.user_sessions (user_id, token_hash, expires_at, client_addr, application_name) "
		"SELECT u.id, $2, clock_timestamp() + make_interval(secs => $3), inet_client_addr(), "
		"       nullif(current_setting('application_name'), '') "
		"FROM tenancy.users AS u WHERE u.id = $1 AND u.password_hash = $4 AND u.is_active FOR SHARE OF u",
		{UUIDOID, BYTEAOID, FLOAT8OID, TEXTOID}};
	Datum const values[] = {bridge::uuid_datum(account.id), digest_datum(digest),
	                        Float8GetDatum(settings::session_lifetime), CStringGetTextDatum(account.hash)};
	return bridge::spi::change_latest(insert, values) == 1;
}

/*
 * Delete the user's sessions that have expired, and the oldest of more than there may be with the new one. The user's
 * row is locked by now, as by set_active() and changes of a password. Sessions that somebody else has locked, as
 * another login or a logout, are not waited for.
 */
void
purge_sessions(const core::Uuid &user, const Digest &added)
{
	static bridge::spi::Statement purge = {
		"DELETE FROM tenancy.user_sessions WHERE id = ANY (ARRAY("
		"SELECT s.id FROM tenancy.user_sessions AS s WHERE s.user_id = $1 AND s.token_hash <> $2 "
		"AND (s.expires_at < clock_timestamp() "
		"     OR $3 > 0 AND s.id IN (SELECT o.id FROM tenancy.user_sessions AS o "
		"                            WHERE o.user_id = $1 AND o.token_hash <> $2 "
		"                            ORDER BY o.revoked_at IS NOT NULL, o.created_at DESC OFFSET greatest($3, 1) - 1)) "
		"FOR UPDATE OF s SKIP LOCKED))",
		{UUIDOID, BYTEAOID, INT4OID}};
	Datum const values[] = {bridge::uuid_datum(user), digest_datum(added),
	                        Int32GetDatum(settings::max_sessions_per_user)};
	(void) bridge::spi::change_latest(purge, values);
}

/* End sessions of a user, but for the one with the given digest; answers how many. */
uint64
revoke_sessions(const core::Uuid &user, const Digest &kept)
{
	static bridge::spi::Statement revoke = {
		"UPDATE tenancy.user_sessions SET revoked_at = clock_timestamp() "
		"WHERE user_id = $1 AND token_hash <> $2 AND revoked_at IS NULL AND expires_at > clock_timestamp()",
		{UUIDOID, BYTEAOID}};
	Datum const values[] = {bridge::uuid_datum(user), digest_datum(kept)};
	return bridge::spi::change_latest(revoke, values);
}

/*
 * Whoever may sign users up could fill the disk. Count before the work, and before a rollback undoes it. A role that is
 * bound to a user counts as that user even while an invalid token keeps its identity away.
 */
void
limit_registrations()
{
	if (is_admin())
		return;
	attempts::Registration const registration =
		attempts::count_registration(!current_user().is_nil() || session::is_bound());
	if (!registration.refused)
		return;
	if (registration.first)
		ereport(
			LOG_SERVER_ONLY,
			(errmsg("pg_tenancy: %d accounts were registered%s within an hour; more are refused until it has passed",
		            registration.most, registration.by),
		     errhint("See \"tenancy.max_registrations_per_hour\"."), errhidestmt(true), errhidecontext(true)));
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many accounts are being registered"),
	                errhint("Try again within an hour."), errhidestmt(true), errhidecontext(true)));
}

} // namespace

TENANCY_FUNCTION(register)
{
	hide_statement("register");
	require_both(fcinfo, "email and password");
	const char *const email = bridge::text_argument(fcinfo, 0);
	check_email(email);
	const char *const password = utf8_argument(fcinfo, 1);
	check_policy(password); /* what is refused for free must not use up what others may make */
	limit_registrations();
	char hash[max_hash_size];
	make_hash(password, hash);

	static bridge::spi::Statement insert = {
		"INSERT INTO tenancy.users (email, password_hash, first_name, last_name, company_name) "
		"VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id",
		{TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}};
	Datum values[] = {CStringGetTextDatum(email), CStringGetTextDatum(hash), 0, 0, 0};
	char nulls[] = {' ', ' ', ' ', ' ', ' '};
	for (int i = 2; i < 5; ++i) {
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const inserted = bridge::spi::run(insert, values, nulls) == 1;
	core::Uuid user;
	bool is_null;
	if (inserted)
		user = bridge::uuid_value(bridge::spi::value(0, 1, &is_null));
	bridge::spi::close(scope);
	if (!inserted)
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION), errmsg("email address is already registered"),
		                errhidestmt(true), errhidecontext(true)));
	PG_RETURN_DATUM(bridge::uuid_datum(user));
}

TENANCY_FUNCTION(login)
{
	hide_statement("login");
	require_both(fcinfo, "email and password");
	const char *const password = utf8_argument(fcinfo, 1);
	Account account = check_credentials(bridge::text_argument(fcinfo, 0), password);
	char hash[max_hash_size] = "";
	if (is_outdated(account.hash, settings::password_cost))
		make_hash(password, hash);
	char token[token_length + 1];
	Digest const digest = bridge::enter([&] {
		make_token(token);
		return core::sha256(token);
	});
	if (IsolationUsesXactSnapshot())
		require_seen(account.id);

	bridge::spi::Scope const scope = bridge::spi::open();
	if (hash[0] != 0 && replace_hash(account, hash))
		memcpy(account.hash, hash, sizeof hash);
	bool const inserted = insert_session(account, digest);
	if (inserted)
		purge_sessions(account.id, digest);
	bridge::spi::close(scope);
	if (!inserted)
		refuse_credentials(false);
	text *const answer = cstring_to_text(token);
	explicit_bzero(token, sizeof token);
	PG_RETURN_TEXT_P(answer);
}

TENANCY_FUNCTION(authenticate)
{
	hide_statement("authenticate");
	char *const token = PG_ARGISNULL(0) ? pstrdup("") : bridge::text_argument(fcinfo, 0);
	session::set_token(token);
	explicit_bzero(token, strlen(token));
	Digest digest;
	bool const live = session::live_token(&digest); /* not so for an empty one, which must not fall back to a role */
	core::Uuid const user = live ? current_user() : core::Uuid{};
	if (user.is_nil())
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
		                errmsg("invalid or expired session token"), errhidestmt(true), errhidecontext(true)));
	PG_RETURN_DATUM(bridge::uuid_datum(user));
}

TENANCY_FUNCTION(logout)
{
	Digest digest;
	if (!session::live_token(&digest))
		PG_RETURN_BOOL(false);
	static bridge::spi::Statement revoke = {
		"UPDATE tenancy.user_sessions SET revoked_at = clock_timestamp() "
		"WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > clock_timestamp()",
		{BYTEAOID}};
	Datum const value = digest_datum(digest);
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const ended = bridge::spi::change_latest(revoke, &value) == 1;
	bridge::spi::close(scope);
	session::set_token("");
	session::forget();
	PG_RETURN_BOOL(ended);
}

TENANCY_FUNCTION(logout_everywhere)
{
	core::Uuid const user = require_user();
	bridge::spi::Scope const scope = bridge::spi::open();
	uint64 const ended = revoke_sessions(user, Digest{});
	bridge::spi::close(scope);
	session::set_token("");
	session::forget();
	PG_RETURN_INT32(static_cast<int32>(ended));
}

TENANCY_FUNCTION(change_password)
{
	hide_statement("change_password");
	require_both(fcinfo, "passwords");
	core::Uuid const user = require_user();
	static bridge::spi::Statement find = {"SELECT u.email FROM tenancy.users AS u WHERE u.id = $1", {UUIDOID}};
	Datum const id = bridge::uuid_datum(user);
	bridge::spi::Scope scope = bridge::spi::open();
	char email[max_email_characters * MAX_MULTIBYTE_CHAR_LEN + 1] = "";
	if (bridge::spi::run(find, &id) == 1)
		strlcpy(email, bridge::spi::text(0, 1), sizeof email);
	bridge::spi::close(scope);
	if (email[0] == 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("the user was removed meanwhile")));

	Account const account = check_credentials(email, utf8_argument(fcinfo, 0));
	char hash[max_hash_size];
	make_hash(utf8_argument(fcinfo, 1), hash);
	Digest kept{};
	(void) session::live_token(&kept);
	scope = bridge::spi::open();
	bool const changed = replace_hash(account, hash);
	if (changed)
		(void) revoke_sessions(user, kept);
	bridge::spi::close(scope);
	if (!changed)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("the password was changed meanwhile")));
	PG_RETURN_VOID();
}

/* Gives a new password to somebody who forgot theirs, and ends all of their sessions. For administrators. */
TENANCY_FUNCTION(reset_password)
{
	hide_statement("reset_password");
	require_admin();
	require_both(fcinfo, "user_id and new_password");
	char hash[max_hash_size];
	make_hash(utf8_argument(fcinfo, 1), hash);
	static bridge::spi::Statement update = {"UPDATE tenancy.users SET password_hash = $2 WHERE id = $1",
	                                        {UUIDOID, TEXTOID}};
	Datum const values[] = {PG_GETARG_DATUM(0), CStringGetTextDatum(hash)};
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const found = bridge::spi::run(update, values) == 1;
	if (found)
		(void) revoke_sessions(bridge::uuid_value(values[0]), Digest{});
	bridge::spi::close(scope);
	session::forget();
	if (!found) {
		require_seen(bridge::uuid_value(values[0]));
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("user does not exist")));
	}
	PG_RETURN_VOID();
}

} // namespace tenancy::identity

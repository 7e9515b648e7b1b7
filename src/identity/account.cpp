/*
 * See account.hpp. PG regime.
 */
#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/param.hpp"
#include "bridge/spi.hpp"
#include "identity/account.hpp"
#include "identity/attempts.hpp"
#include "settings.hpp"

namespace tenancy::identity {

namespace {

constexpr Size most_email_bytes = 4 * 255;
constexpr Size most_password_bytes = 1024;

Account
find_account(const char *email)
{
	static bridge::spi::Statement find = {"SELECT u.id, u.is_active, u.password_hash FROM tenancy.users AS u "
	                                      "WHERE lower(u.email COLLATE \"C\") = lower($1 COLLATE \"C\")",
	                                      {TEXTOID}};
	Account account{};
	Datum argument = CStringGetTextDatum(email);
	bridge::spi::Scope const scope = bridge::spi::open();
	/*
	 * Look at the account as it is now, whatever snapshot the transaction has: in an old one an old password would be
	 * right.
	 */
	CommandCounterIncrement();
	if (bridge::spi::read_latest(find, &argument) == 1) {
		bool is_null;
		const char *const hash = bridge::spi::text(0, 3);
		account.id = bridge::uuid_value(bridge::spi::value(0, 1, &is_null));
		account.is_active = DatumGetBool(bridge::spi::value(0, 2, &is_null));
		strlcpy(account.hash, hash != nullptr ? hash : "", sizeof account.hash);
	}
	bridge::spi::close(scope);
	return account;
}

} // namespace

void
refuse_credentials(bool locked)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PASSWORD), errmsg("invalid email or password"),
	                locked ? errhint("Too many failed attempts; try again later.") : 0, errhidestmt(true),
	                errhidecontext(true)));
}

void
require_seen(const core::Uuid &user)
{
	static bridge::spi::Statement find = {"SELECT FROM tenancy.users WHERE id = $1", {UUIDOID}};
	Datum const value = bridge::uuid_datum(user);
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const newer = bridge::spi::run(find, &value) == 0 && bridge::spi::read_latest(find, &value) == 1;
	bridge::spi::close(scope);
	if (newer)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("user was made since the transaction began"),
		                errhint("Try again in a new transaction."), errhidestmt(true), errhidecontext(true)));
}

const char *
utf8_argument(FunctionCallInfo fcinfo, int n)
{
	return bridge::utf8(bridge::text_argument(fcinfo, n)).data();
}

Account
check_credentials(const char *email, const char *password)
{
	/*
	 * One of them is longer than any that register() takes: not worth a hash, nor the memory to fold the address.
	 */
	if (strlen(email) > most_email_bytes || strlen(password) > most_password_bytes)
		refuse_credentials(false);
	Digest const key = attempts::account_of(email);
	if (attempts::is_locked(key))
		refuse_credentials(true);
	Account const account = find_account(email);
	int const cost = settings::password_cost;

	/*
	 * Counted only when the work is about to be done: attempts that are broken off early cost nobody a hash. Between
	 * entering and leaving nothing may raise, log or serve interrupts, or the place would be lost to everybody.
	 */
	attempts::enter_hashing();
	attempts::Chance const chance = attempts::count(key);
	bridge::Failure failure;
	bool matches = false;
	bool const done = chance == attempts::Chance::none ||
	                  bridge::attempt(failure, [&] { matches = verify_password(password, account.hash, cost); });
	attempts::leave_hashing();
	if (chance == attempts::Chance::none)
		refuse_credentials(true);
	if (chance == attempts::Chance::last)
		attempts::log_last_chance(key);
	if (!done)
		bridge::raise(failure);
	if (!matches || !account.is_active)
		refuse_credentials(false);
	attempts::forget(key);
	return account;
}

void
check_policy(const char *password)
{
	bridge::enter([&] { check_password(password); });
}

void
make_hash(const char *password, char (&hash)[max_hash_size])
{
	check_policy(password);
	int const cost = settings::password_cost;
	attempts::enter_hashing();
	bridge::Failure failure;
	bool const done = bridge::attempt(failure, [&] { hash_password(password, cost, hash); });
	attempts::leave_hashing();
	if (!done)
		bridge::raise(failure);
}

} // namespace tenancy::identity

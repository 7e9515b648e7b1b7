/*
 * Logins and authentications per second. A login is one scrypt by design, so its peer is the bare scrypt of the same
 * cost; the peer of an authentication is a prepared query of one row by its primary key on the same server.
 */
#include <openssl/evp.h>

#include "clients.hpp"

using namespace bench;

namespace {

void
bare_scrypt(const std::string &password)
{
	/* tenancy.password_cost = 15, the default. */
	constexpr std::uint64_t cost = 1 << 15, block_size = 8, parallelism = 1, memory = 64 << 20;
	unsigned char const salt[16] = {};
	unsigned char key[32];
	if (EVP_PBE_scrypt(password.data(), password.size(), salt, sizeof salt, cost, block_size, parallelism, memory, key,
	                   sizeof key) != 1)
		throw std::runtime_error("scrypt failed");
}

using Call = std::function<void(Postgres &)>;
using Connections = std::vector<std::unique_ptr<Postgres>>;

Connections
connect(int sessions)
{
	Connections connections;
	for (int i = 0; i < sessions; ++i) {
		connections.push_back(std::make_unique<Postgres>(Postgres::platform("async")));
		connections.back()->prepare("login", "SELECT tenancy.login($1, $2)");
		connections.back()->prepare("authenticate", "SELECT tenancy.authenticate($1)");
		connections.back()->prepare("lookup", "SELECT word FROM public.lookup WHERE id = $1");
	}
	return connections;
}

std::function<double()>
rate_of(const Connections &connections, double seconds, const Call &call)
{
	std::vector<std::function<void()>> bodies;
	for (auto const &connection : connections)
		bodies.push_back([&call, platform = connection.get()] { call(*platform); });
	return [bodies, seconds] { return throughput(bodies, seconds); };
}

void
measure(int sessions, int turns, double seconds)
{
	std::string const password = required("BENCH_PASSWORD"), email = "bench@example.com";
	Connections const connections = connect(sessions);
	std::string const suffix = sessions == 1 ? ", 1 session" : ", " + std::to_string(sessions) + " sessions";

	Call const login = [&](Postgres &platform) { platform.call("login", {email, password}); };
	Call const scrypt = [&](Postgres &) { bare_scrypt(password); };
	report("login" + suffix + ", bare scrypt",
	       in_turns(turns, rate_of(connections, seconds, login), rate_of(connections, seconds, scrypt)), "%.1f/s");

	/* Made last: a user has tenancy.max_sessions_per_user logins, and one more ends the oldest. */
	std::string const token = connections.front()->call("login", {email, password});
	Call const authenticate = [&](Postgres &platform) { platform.call("authenticate", {token}); };
	Call const lookup = [](Postgres &platform) { platform.call("lookup", {"7"}); };
	report("authenticate" + suffix + ", plain lookup",
	       in_turns(turns, rate_of(connections, seconds, authenticate), rate_of(connections, seconds, lookup)),
	       "%.0f/s");
}

} // namespace

int
main()
{
	return run_main([] {
		for (int const sessions : {1, 8})
			measure(sessions, quick() ? 1 : 5, quick() ? 1 : 2);
	});
}

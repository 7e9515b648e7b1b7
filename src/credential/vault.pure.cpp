/*
 * See vault.hpp. Pure regime.
 */
#include "credential/vault.hpp"

#include <chrono>
#include <cstring>
#include <string>

#include "core/error.hpp"
#include "credential/keyring.hpp"
#include "credential/seal.hpp"

namespace tenancy::credential::vault {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto command_deadline_ms = 10'000;
constexpr auto command_lifetime = std::chrono::minutes(5);
constexpr auto command_rest = std::chrono::seconds(10); /* between runs that a ciphertext or a signature asks for */

struct Loaded {
	std::string file, command;
	FileStamp stamp;
	Clock::time_point at;
	KeyRing ring;
};

Loaded *loaded = nullptr; /* lives until the process ends */

bool
is_current(const Source &source)
{
	if (loaded == nullptr || loaded->file != source.file || loaded->command != source.command)
		return false;
	if (!loaded->command.empty())
		return Clock::now() - loaded->at < command_lifetime;
	return loaded->stamp == stamp_of(loaded->file);
}

void
load(const Source &source, core::Waiter &waiter)
{
	FileStamp stamp;
	core::Secret const text = *source.command != 0
	                              ? run_key_command(source.command, core::Deadline::after(command_deadline_ms), waiter)
	                              : read_key_file(source.file, stamp);
	Loaded *const fresh = new Loaded{source.file, source.command, stamp, Clock::now(), KeyRing::parse(text.view())};
	delete loaded;
	loaded = fresh;
}

/* Load the ring again because something is not in it; false where that cannot help, or was done a moment ago. */
bool
load_again(const Source &source, core::Waiter &waiter)
{
	if (*source.command == 0 || Clock::now() - loaded->at < command_rest)
		return false;
	load(source, waiter);
	return true;
}

void
demand_one(const Source &source)
{
	bool const file = *source.file != 0, command = *source.command != 0;
	if (!file && !command)
		throw core::Error(core::FailureKind::other, "58000", "no key ring is configured",
		                  "Credentials cannot be sealed or opened without a key.",
		                  "Set tenancy.key_file or tenancy.key_command in postgresql.conf.");
	if (file && command)
		throw core::Error(core::FailureKind::other, "58000", "two key rings are configured", {},
		                  "Set only one of tenancy.key_file and tenancy.key_command.");
}

} // namespace

void
refresh(const Source &source, core::Waiter &waiter)
{
	demand_one(source);
	if (!is_current(source))
		load(source, waiter);
}

void
reload(const Source &source, core::Waiter &waiter)
{
	demand_one(source);
	load(source, waiter);
}

std::size_t
size() noexcept
{
	return loaded->ring.size();
}

std::string_view
id(std::size_t index) noexcept
{
	return loaded->ring.id(index);
}

void
seal(std::string_view secret, std::string_view additional, char *text, KeyId &key_id)
{
	const KeyRing &ring = loaded->ring;
	std::string const sealed = credential::seal(ring.key(0), secret, additional);
	std::memcpy(text, sealed.c_str(), sealed.size() + 1);
	std::memcpy(key_id, ring.id(0).c_str(), ring.id(0).size() + 1);
}

Mac
mac(std::size_t index, std::string_view purpose, std::string_view text)
{
	return mac_of(loaded->ring.key(index), purpose, text);
}

bool
open(std::string_view text, std::string_view additional, core::Secret &secret)
{
	Sealed const sealed(text);
	for (std::size_t i = 0; i < loaded->ring.size(); ++i)
		if (sealed.open(loaded->ring.key(i), additional, secret))
			return true;
	return false;
}

bool
open(const Source &source, std::string_view text, std::string_view additional, core::Secret &secret,
     core::Waiter &waiter)
{
	return open(text, additional, secret) || (load_again(source, waiter) && open(text, additional, secret));
}

std::size_t
find(const Source &source, std::string_view key_id, core::Waiter &waiter)
{
	auto const look = [key_id] {
		std::size_t i = 0;
		while (i < size() && id(i) != key_id)
			++i;
		return i;
	};
	std::size_t const found = look();
	return found < size() || !load_again(source, waiter) ? found : look();
}

} // namespace tenancy::credential::vault

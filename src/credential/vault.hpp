/*
 * The key ring that this process has loaded, and sealing with it. Pure regime, but free of owning types in its calls.
 */
#pragma once

#include <cstddef>
#include <string_view>

#include "core/secret.hpp"
#include "core/waiter.hpp"
#include "credential/sign.hpp"

namespace tenancy::credential::vault {

/* The settings that say where the keys are; exactly one of them is not empty. */
struct Source {
	const char *file;
	const char *command;
};

constexpr std::size_t max_key_id = 64;
using KeyId = char[max_key_id + 1];

/*
 * Load the ring if that is due: the first time, when a setting or the file changed, when a command's output is old.
 * Throws core::Error 58000 without a source, and what keyring.hpp says. The other functions need a loaded ring.
 */
void refresh(const Source &source, core::Waiter &waiter);
/* Load it in any case. */
void reload(const Source &source, core::Waiter &waiter);

std::size_t size() noexcept;
std::string_view id(std::size_t index) noexcept; /* 0 is the active key */

/*
 * The key with that id, or size(): a key command is asked once more for one that the ring lacks, which may have grown
 * since.
 */
std::size_t find(const Source &source, std::string_view key_id, core::Waiter &waiter);

/* Seal with the active key into text, which holds sealed_size(secret.size()) + 1 characters. */
void seal(std::string_view secret, std::string_view additional, char *text, KeyId &key_id);

/* Authenticate a text with a key derived from that one. */
Mac mac(std::size_t index, std::string_view purpose, std::string_view text);

/* Open with whichever key fits; false when none does. */
bool open(std::string_view text, std::string_view additional, core::Secret &secret);

/* The same, asking a key command once more when none fits: the ring may have grown since. */
bool open(const Source &source, std::string_view text, std::string_view additional, core::Secret &secret,
          core::Waiter &waiter);

} // namespace tenancy::credential::vault

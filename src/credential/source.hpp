/*
 * What the files of credential share. PG regime.
 */
#pragma once

#include "credential/credential.hpp"
#include "credential/vault.hpp"

namespace tenancy::credential {

/* Where the settings say that the keys are. */
vault::Source key_source();

/* Throws, in pure code, that no key opens a ciphertext. */
[[noreturn]] void refuse_ciphertext();

} // namespace tenancy::credential

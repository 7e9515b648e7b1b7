/*
 * Who is asking: what the other features may ask of identity. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "bridge/spi.hpp"
#include "core/uuid.hpp"

namespace tenancy::identity {

/* Settings, hooks and shared memory; see module.cpp. */
void initialize();
void request_shared_memory();
void start_shared_memory();

/* The user of this moment, or the nil UUID when there is none. Looked up once per transaction and token. */
core::Uuid current_user();

/*
 * Another number after whatever changes the answer of current_user() or is_admin() (a token, a role, a security
 * context, a rollback), but not after the mere passing of time. Costs a few nanoseconds.
 */
uint64 generation();

/* The same as current_user(), raising 28000 with a hint when there is no identity. */
core::Uuid require_user();

/* Is the current role a member of tenancy_admin (or a superuser)? */
bool is_admin();
/* The same of any role. */
bool is_admin(Oid role);
/* Raise 42501 unless is_admin(). */
void require_admin();

/*
 * Replace this backend's line in pg_stat_activity and in later log lines by "tenancy.<function>(…)":
 * for functions that are called with a secret.
 */
void hide_statement(const char *function);

/* The things of which a user may have a limited number. */
enum class Quota : int16 { connections, attachments };

/*
 * The count that the statement answers, once nobody else can add to it before the end of this transaction; called
 * within SPI. It counts what is there by then: the snapshot of a transaction that began before the others would not see
 * theirs.
 */
int64 count_alone(const core::Uuid &user, Quota quota, bridge::spi::Statement &statement, const Datum *values);

} // namespace tenancy::identity

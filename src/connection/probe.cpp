/*
 * tenancy.test_connection, and the view on this backend's pool. PG regime.
 */
#include <chrono>

#include "connection/connection.hpp"
#include "remote/options.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "bridge/readable.hpp"
#include "bridge/wait.hpp"
#include "identity/identity.hpp"

namespace tenancy::connection {

namespace {

/* A connection of its own, not the pool's, and one question asked on it. */
void
connect_and_ask(Opening &opening, Probe &result)
{
	opening.target.allowed_networks = &opening.networks;
	auto const session = remote::connect(opening.target, bridge::waiter());
	auto const asked = std::chrono::steady_clock::now();
	if (!session->ping(core::Deadline::after(opening.target.connect_timeout_ms), bridge::waiter()))
		throw core::Error(core::FailureKind::timeout, "08006",
		                  "the server accepted the connection but does not answer");
	result.latency_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - asked).count();
	session->server_version().copy(result.server_version, sizeof result.server_version - 1);
}

/* The promised codes; anything else that can go wrong is "other". */
const char *
code_of(const bridge::Failure &failure)
{
	switch (failure.kind) {
	case core::FailureKind::denied_address:
	case core::FailureKind::dns:
	case core::FailureKind::refused:
	case core::FailureKind::timeout:
	case core::FailureKind::tls:
	case core::FailureKind::password:
	case core::FailureKind::database: return core::name_of(failure.kind).data();
	default: return "other";
	}
}

} // namespace

Probe
probe(Opening &opening)
{
	Probe result{};
	bridge::Failure failure;
	result.ok = bridge::attempt(failure, [&] { connect_and_ask(opening, result); });
	if (failure.pg != nullptr)
		bridge::raise(failure);
	result.code = result.ok ? "ok" : code_of(failure);
	result.message = result.ok ? nullptr : bridge::one_line(failure);
	return result;
}

TENANCY_FUNCTION(test_connection)
{
	Config const config = require(selector_argument(fcinfo, 0));
	Probe const result = probe(*prepare(config, true));

	TupleDesc descriptor;
	if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	Datum values[5] = {BoolGetDatum(result.ok)};
	bool nulls[5] = {};
	values[1] = CStringGetTextDatum(result.code);
	nulls[2] = result.ok;
	nulls[3] = nulls[4] = !result.ok;
	if (result.ok) {
		values[3] = CStringGetTextDatum(bridge::readable(result.server_version));
		values[4] =
			DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("%.3f", result.latency_ms)), 0, Int32GetDatum(-1));
	} else
		values[2] = CStringGetTextDatum(result.message);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

TENANCY_FUNCTION(pool)
{
	bool const admin = identity::is_admin();
	core::Uuid const user = identity::current_user();
	InitMaterializedSRF(fcinfo, 0);
	auto *const info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	for (Pool::Entry const &entry : pool().entries()) {
		if (!admin && (user.is_nil() || entry.key.identity != user))
			continue;
		Datum const values[] = {bridge::uuid_datum(entry.key.connection),
		                        bridge::uuid_datum(entry.key.owner),
		                        Int64GetDatum(entry.key.version),
		                        CStringGetTextDatum(remote::name_of(entry.type).data()),
		                        BoolGetDatum(entry.busy),
		                        Int64GetDatum(entry.uses),
		                        TimestampTzGetDatum(bridge::from_unix_micros(entry.opened_at)),
		                        TimestampTzGetDatum(bridge::from_unix_micros(entry.used_at)),
		                        CStringGetTextDatum(bridge::readable(entry.session->server_version()))};
		bool const nulls[sizeof values / sizeof *values] = {};
		tuplestore_putvalues(info->setResult, info->setDesc, const_cast<Datum *>(values), const_cast<bool *>(nulls));
	}
	return static_cast<Datum>(0);
}

TENANCY_FUNCTION(close_connections)
{
	if (identity::is_admin())
		PG_RETURN_INT32(pool().close_idle());
	core::Uuid const user = identity::current_user();
	PG_RETURN_INT32(user.is_nil() ? 0 : pool().close_idle(&user));
}

} // namespace tenancy::connection

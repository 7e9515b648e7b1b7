/*
 * Which driver serves which database type. Pure regime.
 */
#include "core/error.hpp"
#include "remote/driver.hpp"

namespace tenancy::remote {

std::unique_ptr<Session>
connect(const Target &target, core::Waiter &waiter)
{
	switch (target.type) {
	case DatabaseType::postgresql: return postgres::connect(target, waiter);
	case DatabaseType::mysql: return mysql::connect(target, waiter);
	case DatabaseType::sqlite: return sqlite::connect(target, waiter);
	}
	throw core::Error(core::FailureKind::other, "XX000",
	                  "unexpected database type " + std::to_string(static_cast<int>(target.type)));
}

} // namespace tenancy::remote

/*
 * What a statement may do inside SQLite: allow-lists of actions, functions, pragmas and modules. Pure regime.
 */
#pragma once

#include <sqlite3.h>

#include "core/error.hpp"

namespace tenancy::remote::sqlite {

/* Judges while a statement is compiled, and remembers what it refused first. */
class Authorizer {
public:
	void install(sqlite3 *database) noexcept;
	/*
	 * Called before each call that may compile something; own_step: what it compiles is a transaction command of ours.
	 */
	void begin(bool read_only, bool own_step) noexcept
	{
		read_only_ = read_only;
		own_step_ = own_step;
		verdict_ = Verdict::allowed;
	}
	bool refused() const noexcept { return verdict_ != Verdict::allowed; }
	/* The error of what was refused. */
	core::Error error() const;

private:
	enum class Verdict : unsigned char { allowed, read_only, transaction, denied };

	static int called(void *self, int action, const char *first, const char *second, const char *schema,
	                  const char *) noexcept;
	Verdict judge(int action, const char *first, const char *second, const char *schema) const noexcept;

	bool read_only_ = false;
	bool own_step_ = false;
	Verdict verdict_ = Verdict::allowed;
	int action_ = 0;
	char name_[64] = ""; /* of the function, pragma or module */
};

} // namespace tenancy::remote::sqlite

/*
 * The parameters of a statement in the arrays that libpq takes. Pure regime.
 */
#pragma once

#include <span>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "remote/value.hpp"

namespace tenancy::remote::postgres {

/* Points into the Params, which have to live as long. */
class Arguments {
public:
	Arguments() = default;
	Arguments(const Arguments &) = delete;
	Arguments &operator=(const Arguments &) = delete;

	/*
	 * Those of another statement, in the same memory. Throws 22021 for a text with a zero byte, which no server takes.
	 */
	void assign(std::span<const Param> params);

	int count() const noexcept { return static_cast<int>(types_.size()); }
	const Oid *types() const noexcept { return types_.data(); }
	const char *const *values() const noexcept { return values_.data(); }
	const int *lengths() const noexcept { return lengths_.data(); }
	const int *formats() const noexcept { return formats_.data(); }

private:
	void add(const Param &param);
	void add_value(Oid type, int format, const char *value, std::size_t size);
	const char *spell(const Param &param);

	static constexpr std::size_t longest_number = 32; /* in text, with its zero byte */

	std::vector<char> digits_; /* of numbers; never grows while values_ points into it */
	std::size_t used_ = 0;
	std::vector<Oid> types_;
	std::vector<const char *> values_;
	std::vector<int> lengths_, formats_;
};

} // namespace tenancy::remote::postgres

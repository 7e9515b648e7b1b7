/*
 * Which statements of a session are prepared on the server: those run at least twice, the most recently used.
 * Pure regime.
 */
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "remote/postgres/arguments.hpp"

namespace tenancy::remote::postgres {

struct PreparedStatement {
	std::string key;
	std::string name;      /* empty until it is worth a name */
	bool prepared = false; /* sent to the server under that name */
};

class Statements {
public:
	/*
	 * The entry of a statement about to run, or null for one that is not worth remembering. The second time it has
	 * a name. evicted takes the name of a statement that the server can forget. Good until the next call.
	 */
	PreparedStatement *use(std::string_view sql, const Arguments &arguments, std::string &evicted);
	/* The server does not have it, or has it in a form that does not fit: it gets a new name. */
	void rename(PreparedStatement &statement);
	void clear() noexcept;

private:
	static constexpr std::size_t capacity = 64;
	static constexpr std::size_t longest = 64 << 10; /* of a text worth remembering */

	using Order = std::list<PreparedStatement>;
	Order order_;                                                 /* most recently used first */
	std::unordered_map<std::string_view, Order::iterator> index_; /* keys point into order_ */
	unsigned long number_ = 0;
};

} // namespace tenancy::remote::postgres

/*
 * What a session knows of the statements that it ran last, and which of them are prepared on the server: those run at
 * least twice, the most recently used. Pure regime.
 */
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "remote/postgres/arguments.hpp"
#include "remote/postgres/rows.hpp"

namespace tenancy::remote::postgres {

struct PreparedStatement {
	/* Can every column of its answer be read in wire form? */
	enum class Form : unsigned char { unknown, wire, text };

	std::string key;       /* the text up to its zero byte, and more */
	std::string name;      /* empty until it is worth a name */
	bool asked = false;    /* the server was asked to prepare it under that name */
	bool prepared = false; /* and did */
	bool marks = false;    /* may_leave_a_mark() of the text */
	Form form = Form::unknown;
	std::shared_ptr<const Shape> shape; /* of its last answer; good for as long as the name */

	const char *sql() const noexcept { return key.c_str(); }
};

class Statements {
public:
	/*
	 * The entry of a statement about to run, or null for one that is not worth remembering. The second time it has
	 * a name. evicted takes the name of a statement that the server can forget. Good until the next call.
	 */
	PreparedStatement *use(std::string_view sql, const Arguments &arguments, std::string &evicted);
	/* The server does not have it, or nobody knows, or it has one that does not fit: it gets a new name. */
	void rename(PreparedStatement &statement);
	void clear() noexcept;

private:
	void give_name(PreparedStatement &statement);

	static constexpr std::size_t capacity = 64;
	static constexpr std::size_t longest = 64 << 10; /* of a text worth remembering */

	using Order = std::list<PreparedStatement>;
	Order order_;                                                 /* most recently used first */
	std::unordered_map<std::string_view, Order::iterator> index_; /* keys point into order_ */
	std::string key_;                                             /* memory that is used again */
	unsigned long number_ = 0;
};

} // namespace tenancy::remote::postgres

/*
 * The statement cache of one session. Pure regime.
 */
#include "remote/postgres/statements.hpp"

#include <utility>

#include "remote/postgres/lasting.hpp"

namespace tenancy::remote::postgres {

namespace {

/* The text, and after a zero byte, which no text has, the types: the same text with other types is another plan. */
void
spell_key(std::string &key, std::string_view sql, const Arguments &arguments)
{
	auto const count = static_cast<std::size_t>(arguments.count());
	key.assign(sql);
	key += '\0';
	key.append(reinterpret_cast<const char *>(arguments.types()), count * sizeof(Oid));
}

} // namespace

PreparedStatement *
Statements::use(std::string_view sql, const Arguments &arguments, std::string &evicted)
{
	if (sql.size() > longest)
		return nullptr;
	spell_key(key_, sql, arguments);
	if (!order_.empty() && order_.front().key == key_ && !order_.front().name.empty())
		return &order_.front();
	if (auto const found = index_.find(key_); found != index_.end()) {
		order_.splice(order_.begin(), order_, found->second);
		PreparedStatement &statement = order_.front();
		if (statement.name.empty())
			give_name(statement);
		return &statement;
	}
	if (order_.size() == capacity) {
		if (order_.back().asked)
			evicted = std::move(order_.back().name);
		index_.erase(order_.back().key);
		order_.pop_back();
	}
	PreparedStatement &statement = order_.emplace_front();
	statement.key = key_;
	statement.marks = may_leave_a_mark(sql);
	index_.emplace(statement.key, order_.begin());
	return &statement;
}

void
Statements::give_name(PreparedStatement &statement)
{
	statement.name = "tenancy_" + std::to_string(++number_);
}

void
Statements::rename(PreparedStatement &statement)
{
	give_name(statement);
	statement.asked = statement.prepared = false;
	statement.form = PreparedStatement::Form::unknown;
	statement.shape.reset();
}

void
Statements::clear() noexcept
{
	index_.clear();
	order_.clear();
}

} // namespace tenancy::remote::postgres

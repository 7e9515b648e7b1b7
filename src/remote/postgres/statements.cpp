/*
 * The statement cache of one session. Pure regime.
 */
#include "remote/postgres/statements.hpp"

#include <utility>

namespace tenancy::remote::postgres {

namespace {

/* The text, and after a zero byte, which no text has, the types: the same text with other types is another plan. */
std::string
key_of(std::string_view sql, const Arguments &arguments)
{
	std::string key(sql);
	key += '\0';
	auto const count = static_cast<std::size_t>(arguments.count());
	key.append(reinterpret_cast<const char *>(arguments.types()), count * sizeof(Oid));
	return key;
}

} // namespace

PreparedStatement *
Statements::use(std::string_view sql, const Arguments &arguments, std::string &evicted)
{
	if (sql.size() > longest)
		return nullptr;
	std::string key = key_of(sql, arguments);
	if (auto const found = index_.find(key); found != index_.end()) {
		order_.splice(order_.begin(), order_, found->second);
		PreparedStatement &statement = order_.front();
		if (statement.name.empty())
			rename(statement);
		return &statement;
	}
	if (order_.size() == capacity) {
		if (order_.back().prepared)
			evicted = std::move(order_.back().name);
		index_.erase(order_.back().key);
		order_.pop_back();
	}
	PreparedStatement &statement = order_.emplace_front();
	statement.key = std::move(key);
	index_.emplace(statement.key, order_.begin());
	return &statement;
}

void
Statements::rename(PreparedStatement &statement)
{
	statement.name = "tenancy_" + std::to_string(++number_);
	statement.prepared = false;
}

void
Statements::clear() noexcept
{
	index_.clear();
	order_.clear();
}

} // namespace tenancy::remote::postgres

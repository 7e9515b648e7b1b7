/*
 * See check.pure.hpp. Pure regime.
 */
#include "ask/check.pure.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "ask/token.pure.hpp"
#include "remote/ascii.hpp"

namespace tenancy::ask {

namespace {

using remote::DatabaseType;
using remote::lower_ascii;

/* Words that no SELECT needs unquoted and without parentheses after them: INSERT() and REPLACE() are functions, too. */
constexpr std::array<std::string_view, 7> changing = {"delete",  "dumpfile", "insert", "into",
                                                      "outfile", "replace",  "update"};

/* A word that begins a query in parentheses. */
constexpr std::array<std::string_view, 2> querying = {"select", "values"};

template <std::size_t count>
bool
is_one_of(std::string_view word, const std::array<std::string_view, count> &list) noexcept
{
	return std::ranges::find(list, word) != list.end();
}

/* A statement as tokens, words in lower case, and a walk over it that stops at the first objection. */
class Statement {
public:
	Statement(DatabaseType engine, std::string_view sql, const catalog::Schema *schema)
		: engine_(engine), schema_(schema)
	{
		Tokens tokens(engine, sql);
		for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
			if (token.kind == TokenKind::bad) {
				object(std::string("it holds ") + tokens.complaint());
				return;
			}
			if (items_.size() == most_tokens) {
				object("it is too long");
				return;
			}
			items_.push_back(
				{token.kind, token.kind == TokenKind::word ? lower_ascii(token.text) : std::string(token.text)});
		}
	}

	std::string objection()
	{
		if (objection_.empty())
			end_at_semicolon();
		if (objection_.empty())
			check_query(0);
		for (std::size_t i = 0; i < items_.size() && objection_.empty(); ++i)
			check_item(i);
		if (objection_.empty())
			check_parentheses();
		return objection_;
	}

private:
	static constexpr std::size_t most_tokens = 20'000;

	struct Item {
		TokenKind kind;
		std::string text;
	};

	void object(std::string why)
	{
		if (objection_.empty())
			objection_ = std::move(why);
	}
	bool is_word(std::size_t at, std::string_view word) const noexcept
	{
		return at < items_.size() && items_[at].kind == TokenKind::word && items_[at].text == word;
	}
	bool is_symbol(std::size_t at, char symbol) const noexcept
	{
		return at < items_.size() && items_[at].kind == TokenKind::symbol && items_[at].text[0] == symbol;
	}
	bool is_name(std::size_t at) const noexcept
	{
		return at < items_.size() && (items_[at].kind == TokenKind::word || items_[at].kind == TokenKind::name);
	}

	void end_at_semicolon();
	void check_query(std::size_t at);
	void check_with(std::size_t at);
	std::size_t after_parentheses(std::size_t open);
	std::size_t check_common_table(std::size_t at);
	void check_item(std::size_t at);
	void check_word(std::size_t at);
	bool is_attribute(std::size_t at) const noexcept;
	bool is_column(std::size_t at) const;
	void check_call(std::size_t at);
	void check_parentheses();

	DatabaseType engine_;
	const catalog::Schema *schema_;
	std::vector<Item> items_;
	std::string objection_;
};

/* One semicolon may end it; any other would begin a second statement. */
void
Statement::end_at_semicolon()
{
	if (!items_.empty() && is_symbol(items_.size() - 1, ';'))
		items_.pop_back();
	if (items_.empty())
		object("it is empty");
	for (std::size_t i = 0; i < items_.size(); ++i)
		if (is_symbol(i, ';'))
			object("it is more than one statement");
}

/* What begins at the statement's start, after WITH's list, or in its parentheses has to be a query. */
void
Statement::check_query(std::size_t at)
{
	std::size_t start = at;
	while (is_symbol(start, '('))
		++start;
	if (is_word(start, "with"))
		return; /* check_item() comes to it */
	if (start >= items_.size() || items_[start].kind != TokenKind::word || !is_one_of(items_[start].text, querying) ||
	    (at == 0 && items_[start].text != "select"))
		object(start < items_.size() && items_[start].kind == TokenKind::word
		           ? "it is " + items_[start].text + ", not SELECT"
		           : "it is not SELECT");
}

/* The index after the parenthesis that closes the one at open. */
std::size_t
Statement::after_parentheses(std::size_t open)
{
	std::size_t depth = 0;
	for (std::size_t i = open; i < items_.size(); ++i) {
		if (is_symbol(i, '('))
			++depth;
		else if (is_symbol(i, ')') && --depth == 0)
			return i + 1;
	}
	object("its parentheses do not match");
	return items_.size();
}

/* name [(columns)] AS [[NOT] MATERIALIZED] (query); the index after it. */
std::size_t
Statement::check_common_table(std::size_t at)
{
	if (!is_name(at)) {
		object("its WITH cannot be read");
		return items_.size();
	}
	++at;
	if (is_symbol(at, '('))
		at = after_parentheses(at);
	if (!is_word(at, "as")) {
		object("its WITH cannot be read");
		return items_.size();
	}
	++at;
	if (is_word(at, "not"))
		++at;
	if (is_word(at, "materialized"))
		++at;
	if (!is_symbol(at, '(')) {
		object("its WITH cannot be read");
		return items_.size();
	}
	check_query(at + 1);
	return after_parentheses(at);
}

void
Statement::check_with(std::size_t at)
{
	++at;
	if (is_word(at, "recursive"))
		++at;
	at = check_common_table(at);
	while (objection_.empty() && is_symbol(at, ','))
		at = check_common_table(at + 1);
	if (objection_.empty())
		check_query(at);
}

void
Statement::check_item(std::size_t at)
{
	if (items_[at].kind == TokenKind::word)
		check_word(at);
	if (is_name(at) && (is_symbol(at + 1, '(') || (is_attribute(at) && !is_column(at))))
		check_call(at);
}

/*
 * Of a value or of a table's row: (x).f and x.f are f(x) to PostgreSQL, unless x has a field or column of that name.
 * The row of a function in FROM is what it returns.
 */
bool
Statement::is_attribute(std::size_t at) const noexcept
{
	return engine_ == DatabaseType::postgresql && at > 0 && is_symbol(at - 1, '.') && !is_symbol(at + 1, '.');
}

/* Behind a name: of the catalog, where x.f is that column before it is f(x), and in FROM a table. */
bool
Statement::is_column(std::size_t at) const
{
	if (schema_ == nullptr || at < 2 || !is_name(at - 2))
		return false;
	std::string name = items_[at].text;
	if (items_[at].kind == TokenKind::name) {
		name = name.substr(1, name.size() - 2);
		for (std::size_t i = name.find('"'); i != name.npos; i = name.find('"', i + 1))
			name.erase(i, 1); /* of two, which are one */
	}
	return has_name(*schema_, name);
}

void
Statement::check_word(std::size_t at)
{
	std::string const &word = items_[at].text;
	if (at > 0 && is_symbol(at - 1, '.'))
		return; /* a column of that name */
	if (word == "with" && (at == 0 || is_symbol(at - 1, '(')))
		check_with(at);
	if (is_one_of(word, changing) && !(is_symbol(at + 1, '(') && (word == "insert" || word == "replace")))
		object("it holds the word " + word);
	if (word == "procedure" && engine_ == DatabaseType::mysql)
		object("it holds the word procedure");
	if (word == "for" && (is_word(at + 1, "share") || is_word(at + 1, "no") || is_word(at + 1, "key")))
		object("it locks rows");
	if (word == "lock" && is_word(at + 1, "in"))
		object("it locks rows");
	if (word == "next" && is_word(at + 1, "value"))
		object("it advances a sequence");
}

void
Statement::check_call(std::size_t at)
{
	std::string name = items_[at].text;
	if (items_[at].kind == TokenKind::name)
		name = lower_ascii(std::string_view(name).substr(1, name.size() - 2));
	if (has_effects(engine_, name))
		object("it calls the function " + name);
}

void
Statement::check_parentheses()
{
	std::size_t depth = 0;
	for (std::size_t i = 0; i < items_.size(); ++i) {
		if (is_symbol(i, '('))
			++depth;
		else if (is_symbol(i, ')') && depth-- == 0)
			break;
	}
	if (depth != 0)
		object("its parentheses do not match");
}

} // namespace

std::string
objection_to(DatabaseType engine, std::string_view sql, const catalog::Schema *schema)
{
	return Statement(engine, sql, schema).objection();
}

bool
has_name(const catalog::Schema &schema, std::string_view name) noexcept
{
	return std::ranges::any_of(schema.tables, [&](const catalog::Table &table) {
		return table.name == name ||
		       std::ranges::find(table.columns, name, &catalog::Column::name) != table.columns.end();
	});
}

} // namespace tenancy::ask

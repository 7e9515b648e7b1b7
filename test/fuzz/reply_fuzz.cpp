/*
 * libFuzzer target: what a language model says becomes a piece of itself as the statement, and words fit for people.
 * Pure regime.
 */
#include "ask/reply.pure.hpp"
#include "fuzz.hpp"

using namespace tenancy;

namespace {

bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
check_line(const std::string &line, std::size_t most)
{
	constexpr std::size_t ellipsis = 3;
	fuzz::require(fuzz::is_plain(line) && line.size() <= most + ellipsis);
	fuzz::require(line.find("  ") == std::string::npos && (line.empty() || line.front() != ' '));
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string const text(reinterpret_cast<const char *>(data), size);
	ask::Reply const reply = ask::read_reply(text);
	fuzz::require(text.find(reply.sql) != std::string::npos);
	fuzz::require(reply.sql.empty() || (!is_blank(reply.sql.front()) && !is_blank(reply.sql.back())));
	fuzz::require(!reply.sql.empty() || !reply.words.empty() || text.find("```") != std::string::npos);
	check_line(reply.words, 500);

	std::size_t const most = size == 0 ? 0 : data[0];
	std::string const line = ask::one_line(text, most);
	check_line(line, most);
	fuzz::require(line.size() > most || ask::one_line(line, most) == line);

	/* A statement in a fence, or alone, is found as it is. */
	std::string const sql = "SELECT " + std::to_string(size);
	if (text.find("```") == std::string::npos) {
		fuzz::require(ask::read_reply("In words: " + text + "\n```sql\n" + sql + ";\n```\n" + text).sql == sql);
		fuzz::require(ask::read_reply("<think>" + text + "</think> " + sql).sql == sql);
	}
	return 0;
}

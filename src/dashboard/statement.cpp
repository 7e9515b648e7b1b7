/*
 * See statement.hpp. PG regime.
 */
#include "dashboard/statement.hpp"

#include "bridge/enter.hpp"
#include "dashboard/fingerprint.pure.hpp"

namespace tenancy::dashboard {

namespace {

constexpr int longest_sample = 500; /* bytes */

Dialect
dialect_of(const char *database_type)
{
	if (database_type == nullptr)
		return Dialect::unknown;
	return strcmp(database_type, "mysql") == 0    ? Dialect::mysql
	       : strcmp(database_type, "sqlite") == 0 ? Dialect::sqlite
	                                              : Dialect::postgresql;
}

/* Cut a text that is too long between two characters, and show it. */
void
shorten(char *sample)
{
	constexpr char more[] = "...";
	if (strlen(sample) <= longest_sample)
		return;
	int const length = pg_mbcliplen(sample, longest_sample, longest_sample - static_cast<int>(strlen(more)));
	memcpy(sample + length, more, sizeof more);
}

} // namespace

Statement
statement_of(const text *sql, const char *database_type)
{
	Dialect const dialect = dialect_of(database_type);
	auto *const sample = static_cast<char *>(palloc(longest_sample + 2));
	int64 const fingerprint = bridge::enter([&] {
		std::string const whole =
			normalized({VARDATA_ANY(sql), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(sql))}, dialect);
		std::string_view const part = std::string_view(whole).substr(0, longest_sample + 1);
		memcpy(sample, part.data(), part.size());
		sample[part.size()] = 0;
		return fingerprint_of(whole);
	});
	shorten(sample);
	return {fingerprint, sample};
}

} // namespace tenancy::dashboard

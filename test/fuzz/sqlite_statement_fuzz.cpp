/*
 * libFuzzer target: any text runs as one statement of SQLite, or not at all: no second one behind it, no other file, no
 * change by one that may only read. Pure regime.
 */
#include <filesystem>
#include <memory>

#include "../unit/waiter.hpp"
#include "fuzz.hpp"
#include "remote/driver.hpp"

using namespace tenancy;
namespace fs = std::filesystem;

namespace {

/* A directory with one database, for the life of the process. */
class Home {
public:
	Home()
	{
		std::string pattern = fs::temp_directory_path() / "tenancy_fuzz_XXXXXX";
		fuzz::require(mkdtemp(pattern.data()) != nullptr);
		path_ = pattern;
		auto const session = open(true);
		run(*session, "CREATE TABLE t (a integer PRIMARY KEY, b text, c numeric)", false);
		run(*session, "INSERT INTO t VALUES (1, 'x', 1.5), (2, NULL, 'y'), (3, x'00ff', -1)", false);
		run(*session, "CREATE TABLE beacon (lit integer)", false);
	}
	~Home() { fs::remove_all(path_); }
	Home(const Home &) = delete;
	Home &operator=(const Home &) = delete;

	std::unique_ptr<remote::Session> open(bool create)
	{
		remote::Target target;
		target.type = remote::DatabaseType::sqlite;
		target.database = "a.db";
		target.sqlite_directory = path_;
		target.create = create;
		return remote::connect(target, waiter_);
	}
	/* The numbers in the first rows. */
	std::string run(remote::Session &session, std::string_view sql, bool read_only)
	{
		remote::RunOptions options;
		options.read_only = read_only;
		options.timeout_ms = 50;
		auto const cursor = session.execute(sql, {}, options, waiter_);
		remote::Batch batch;
		std::string text;
		for (int batches = 0; batches < 3 && cursor->fetch(batch, waiter_); ++batches) {
			fuzz::read_all(batch);
			for (std::size_t row = 0; row < batch.rows(); ++row)
				for (std::size_t column = 0; column < batch.width(); ++column)
					text += std::to_string(batch.row(row)[column].integer) + " ";
		}
		return text;
	}
	bool is_alone() const
	{
		for (auto const &entry : fs::directory_iterator(path_))
			if (!entry.path().filename().string().starts_with("a.db"))
				return false;
		return true;
	}
	void transact(remote::Session &session, remote::TransactionStep::Verb verb)
	{
		remote::TransactionStep step;
		step.verb = verb;
		step.will_write = true;
		session.transact(step, core::Deadline::after(10'000), waiter_);
	}

private:
	fs::path path_;
	test::PollWaiter waiter_;
};

void
check_error(const core::Error &error, bool plain)
{
	std::string_view const state(error.sqlstate);
	fuzz::require(!state.starts_with("XX") && !state.starts_with("08"));
	fuzz::require(!plain || remote::is_utf8(error.message + error.detail));
}

/*
 * Run it between two looks at what it must not touch, and take everything back. False when it is no statement at all,
 * but blanks and comments.
 */
bool
check_statement(Home &home, const std::string &sql, bool read_only, bool may_light)
{
	using Verb = remote::TransactionStep::Verb;
	bool empty = false;
	auto const session = home.open(false);
	home.transact(*session, Verb::begin);
	std::string const state = "SELECT (SELECT sum(a) FROM t), count(*) FROM sqlite_schema";
	std::string const before = home.run(*session, state, true);
	try {
		home.run(*session, sql, read_only);
		if (read_only)
			fuzz::require(home.run(*session, state, true) == before);
	} catch (const core::Error &error) {
		check_error(error, remote::is_utf8(sql));
		empty = error.message == "the statement is empty";
	}
	if (!may_light)
		try {
			fuzz::require(home.run(*session, "SELECT count(*) FROM beacon", true) == "0 ");
		} catch (const core::Error &error) {
			check_error(error, true); /* the statement took the transaction with it */
		}
	home.transact(*session, Verb::rollback);
	fuzz::require(home.run(*session, state, true) == before);
	fuzz::require(home.is_alone());
	return !empty;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	static Home home;
	if (size == 0)
		return 0;
	std::string const text(reinterpret_cast<const char *>(data + 1), size - 1);
	bool const is_statement = check_statement(home, text, data[0] % 2 == 0, true);
	std::string lower = text;
	for (char &c : lower)
		c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
	if (is_statement && lower.find("beacon") == std::string::npos)
		check_statement(home, text + "\n; INSERT INTO beacon VALUES (1)", false, false);
	return 0;
}

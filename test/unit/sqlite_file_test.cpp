/*
 * Where SQLite databases may be: names, links, devices, broken files. Pure regime.
 */
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/stat.h>

#include "remote/sqlite/path.hpp"
#include "sqlite_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test;

class SqliteFile : public SqliteFixture {};

TEST_F(SqliteFile, RefusesNamesThatLeaveTheDirectory)
{
	for (const std::string name : {"",
	                               "/etc/passwd",
	                               "../a.db",
	                               "x/../../a.db",
	                               "..",
	                               ".",
	                               "./a.db",
	                               "a//b",
	                               "a/",
	                               ":memory:",
	                               "file:a.db",
	                               "FILE:a.db?mode=rw",
	                               "file::memory:?cache=shared",
	                               "a.db-journal",
	                               "a.db-WAL",
	                               "a.db-shm",
	                               "a.db-mj0123ABCD",
	                               "a\nb",
	                               "a\x7f",
	                               "\xff.db"}) {
		EXPECT_NE(sqlite::file_name_complaint(name), nullptr) << name;
		Failure const failure = refuses(name, true);
		EXPECT_EQ(failure.sqlstate, "42501") << name;
		EXPECT_EQ(failure.kind, FailureKind::denied) << name;
	}
	EXPECT_EQ(refuses(std::string("a.db\0b", 6), true).sqlstate, "42501");
	EXPECT_EQ(refuses(std::string(300, 'a'), true).sqlstate, "42501");
	EXPECT_TRUE(fs::is_empty(home()));
}

TEST_F(SqliteFile, TakesAnythingElseAsAPlainName)
{
	for (const std::string name :
	     {"a.db", "a?mode=memory&cache=shared", "a%2e%2e", "..a", "ä b'.db", "-wal.db", "a-mj12"}) {
		auto const session = connect(target(name), waiter_);
		EXPECT_TRUE(fs::is_regular_file(home() / name)) << name;
		EXPECT_EQ(value(*session, "SELECT 1"), "int 1");
	}
}

TEST_F(SqliteFile, MissingFileIsMissingDatabase)
{
	for (const std::string name : {"none.db", "folder/none.db"}) {
		Failure const failure = refuses(name);
		EXPECT_EQ(failure.sqlstate, "3D000");
		EXPECT_EQ(failure.kind, FailureKind::database);
		EXPECT_NE(failure.hint.find("create"), std::string::npos);
	}
	fs::remove(home());
	EXPECT_EQ(refuses("a.db").sqlstate, "3D000");
	EXPECT_FALSE(fs::exists(home()));
}

TEST_F(SqliteFile, CreatesDirectoryAndFileForTheOwnerOnly)
{
	fs::remove(home());
	open("new.db");
	struct stat status;
	ASSERT_EQ(stat(home().c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0700U);
	ASSERT_EQ(stat((home() / "new.db").c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0600U);
	EXPECT_EQ(refuses("folder/new.db", true).sqlstate, "3D000"); /* folders are not made */
}

TEST_F(SqliteFile, NeedsARoot)
{
	Target without = target("a.db");
	without.sqlite_directory = "";
	EXPECT_EQ(failure_of([&] { connect(without, waiter_); }).sqlstate, "55000");
	without.sqlite_directory = "/nonexistent-root/user";
	EXPECT_EQ(failure_of([&] { connect(without, waiter_); }).sqlstate, "58P01");
}

TEST_F(SqliteFile, FollowsNoLinks)
{
	open("real.db");
	fs::create_symlink(home() / "real.db", home() / "inside.db");
	fs::create_symlink("/etc/passwd", home() / "outside.db");
	fs::create_symlink("/", home() / "slash");
	fs::create_symlink("/proc/self/cwd", home() / "magic");
	for (const std::string name : {"inside.db", "outside.db", "slash/etc/passwd", "magic/x.db"}) {
		EXPECT_EQ(refuses(name).sqlstate, "42501") << name;
		EXPECT_EQ(refuses(name, true).sqlstate, "42501") << name;
	}
	fs::create_hard_link(home() / "real.db", home() / "hard.db");
	EXPECT_EQ(refuses("hard.db").sqlstate, "42501");
}

TEST_F(SqliteFile, UserDirectoryMayNotBeALinkButTheRootMay)
{
	fs::create_directory(root_ / "victim");
	Target stranger = target("a.db");
	fs::create_directory_symlink(root_ / "victim", root_ / "thief");
	stranger.sqlite_directory = root_ / "thief";
	EXPECT_EQ(failure_of([&] { connect(stranger, waiter_); }).sqlstate, "42501");
	EXPECT_TRUE(fs::is_empty(root_ / "victim"));

	fs::create_directory_symlink(root_, root_.string() + "_link");
	Target linked = target("a.db");
	linked.sqlite_directory = root_.string() + "_link/0190b5f0-user";
	EXPECT_EQ(failure_of([&] { connect(linked, waiter_); }).sqlstate, "00000");
	fs::remove(root_.string() + "_link");
}

TEST_F(SqliteFile, FollowsNoLinkedJournal)
{
	open("a.db");
	std::ofstream(root_ / "precious") << "precious";
	fs::create_symlink(root_ / "precious", home() / "a.db-journal");
	EXPECT_EQ(refuses("a.db").sqlstate, "42501");
}

TEST_F(SqliteFile, OpensOnlyRegularFiles)
{
	ASSERT_EQ(mkfifo((home() / "fifo.db").c_str(), 0600), 0);
	fs::create_directory(home() / "folder.db");
	/* Making a device needs root, as this test is run in a container; elsewhere the kernel refuses the same. */
	bool const device = mknod((home() / "zero.db").c_str(), S_IFCHR | 0600, static_cast<dev_t>(1 << 8 | 5)) == 0;
	EXPECT_TRUE(device || errno == EPERM);
	for (const std::string name : {"fifo.db", "folder.db"})
		EXPECT_EQ(refuses(name).sqlstate, "42501") << name;
	EXPECT_EQ(refuses("zero.db").sqlstate, device ? "42501" : "3D000");
}

TEST_F(SqliteFile, SaysThatAFileIsNoDatabase)
{
	std::ofstream(home() / "text.db") << std::string(5000, 'x');
	Failure const failure = refuses("text.db");
	EXPECT_EQ(failure.sqlstate, "XX001");
	EXPECT_EQ(failure.kind, FailureKind::database);
}

TEST_F(SqliteFile, ReportsCorruptionAndLives)
{
	rows(*open(), "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
	              " SELECT i, hex(randomblob(20)) AS h FROM n");
	auto const size = fs::file_size(home() / "a.db");
	for (unsigned seed = 0; seed < 200; ++seed) {
		fs::copy_file(home() / "a.db", home() / "c.db", fs::copy_options::overwrite_existing);
		{
			std::fstream file(home() / "c.db", std::ios::in | std::ios::out | std::ios::binary);
			std::srand(seed);
			for (int i = 0; i < 60; ++i) {
				file.seekp(static_cast<std::streamoff>(100 + static_cast<unsigned>(std::rand()) % (size - 100)));
				file.put(static_cast<char>(std::rand()));
			}
		}
		Failure const failure = failure_of([&] {
			auto const session = connect(target("c.db"), waiter_);
			rows(*session, "SELECT count(*), max(h) FROM t");
			rows(*session, "SELECT * FROM t ORDER BY h LIMIT 5");
		});
		std::string const known = "00000 XX001 42P01 42000 22021 54000 53200";
		EXPECT_NE(known.find(failure.sqlstate), std::string::npos) << failure.sqlstate << " " << failure.message;
	}
}

TEST_F(SqliteFile, NoticesAReplacedFile)
{
	auto const session = open();
	EXPECT_TRUE(session->ping(core::Deadline(), waiter_));
	fs::remove(home() / "a.db");
	EXPECT_FALSE(session->ping(core::Deadline(), waiter_));
	std::ofstream(home() / "a.db");
	EXPECT_FALSE(session->ping(core::Deadline(), waiter_));
}

} // namespace

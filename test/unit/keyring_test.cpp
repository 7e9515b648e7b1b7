/*
 * Key rings: their text, the file and the command that they come from. Pure regime.
 */
#include "credential/keyring.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "credential/vault.hpp"
#include "waiter.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::credential;

/* base64 of 32 times the byte */
const std::string ones = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const std::string twos = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/* The SQLSTATE that body throws, with what it says in *message. */
template <typename Body>
std::string
error_of(Body body, std::string *message = nullptr)
{
	try {
		body();
	} catch (const core::Error &error) {
		if (message != nullptr)
			*message = error.message + "\n" + error.detail + "\n" + error.hint;
		return error.sqlstate;
	}
	return "";
}

/* A directory of its own for each test. */
class KeyFile : public testing::Test {
protected:
	void SetUp() override
	{
		char pattern[] = "/tmp/keyring_test.XXXXXX";
		ASSERT_NE(mkdtemp(pattern), nullptr);
		directory_ = pattern;
		path_ = directory_ + "/ring";
	}
	void TearDown() override
	{
		unlink(path_.c_str());
		unlink((directory_ + "/target").c_str());
		rmdir(directory_.c_str());
	}
	void write(const std::string &text, mode_t mode = 0600, const char *name = "ring")
	{
		std::string const path = directory_ + "/" + name;
		std::ofstream(path) << text;
		chmod(path.c_str(), mode);
	}
	std::string read()
	{
		FileStamp stamp;
		return std::string(read_key_file(path_, stamp).view());
	}
	std::string directory_, path_;
};

TEST(KeyRing, FirstKeyIsActive)
{
	KeyRing const ring = KeyRing::parse("# a comment\n\n  new.key_2-x \t" + ones + "  \r\nold " + twos);
	ASSERT_EQ(ring.size(), 2U);
	EXPECT_EQ(ring.id(0), "new.key_2-x");
	EXPECT_EQ(ring.id(1), "old");
	for (unsigned char const byte : ring.key(0))
		EXPECT_EQ(byte, 1);
	for (unsigned char const byte : ring.key(1))
		EXPECT_EQ(byte, 2);
}

TEST(KeyRing, BadLinesAreRefusedWithoutShowingThem)
{
	std::string const short_key = "AQEBAQEBAQEBAQEBAQEBAQ=="; /* 16 bytes: AES, but not AES-256 */
	std::string const bad[] = {"k1",
	                           "k1 " + short_key,
	                           "k1 " + ones + "AAAA",
	                           "k1 not!base64",
	                           "k1 " + ones + " more",
	                           "k/1 " + ones,
	                           std::string(65, 'k') + " " + ones,
	                           "k0 " + twos,
	                           "k1 "};
	for (const std::string &line : bad) {
		std::string message;
		EXPECT_EQ(error_of([&] { KeyRing::parse("k0 " + ones + "\n" + line + "\n"); }, &message), "22023") << line;
		EXPECT_NE(message.find("Line 2"), message.npos) << message;
		EXPECT_EQ(message.find(ones.substr(0, 8)), message.npos) << message;
		EXPECT_EQ(message.find(twos.substr(0, 8)), message.npos) << message;
	}
	EXPECT_EQ(error_of([] { KeyRing::parse(""); }), "22023");
	EXPECT_EQ(error_of([] { KeyRing::parse("# nothing\n\n"); }), "22023");
}

TEST_F(KeyFile, IsReadWhenNobodyElseCanReadIt)
{
	write("k1 " + ones + "\n");
	EXPECT_EQ(read(), "k1 " + ones + "\n");
	write("k1 " + ones + "\n", 0400);
	EXPECT_EQ(read(), "k1 " + ones + "\n");
}

TEST_F(KeyFile, LooseOnesAreRefused)
{
	for (mode_t const mode : {0640, 0604, 0660, 0610, 0601, 0644, 0777}) {
		write("k1 " + ones + "\n", mode);
		EXPECT_EQ(error_of([&] { read(); }), "42501") << std::oct << mode;
	}
}

TEST_F(KeyFile, OtherThingsAreRefused)
{
	EXPECT_EQ(error_of([&] { read(); }), "58P01");
	EXPECT_EQ(error_of([&] { stamp_of(path_); }), "58P01");
	write("k1 " + ones + "\n", 0600, "target");
	ASSERT_EQ(symlink("target", path_.c_str()), 0);
	EXPECT_EQ(error_of([&] { read(); }), "42501");
	unlink(path_.c_str());
	ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
	EXPECT_EQ(error_of([&] { read(); }), "42501"); /* and does not wait for a writer */
	unlink(path_.c_str());
	write(std::string(100'000, '#'));
	EXPECT_EQ(error_of([&] { read(); }), "42501");
	path_ = directory_;
	EXPECT_EQ(error_of([&] { read(); }), "42501");
}

TEST_F(KeyFile, OfSomebodyElseIsRefused)
{
	if (geteuid() != 0)
		GTEST_SKIP() << "only root can give a file away";
	write("k1 " + ones + "\n");
	ASSERT_EQ(chown(path_.c_str(), 1, 1), 0);
	EXPECT_EQ(error_of([&] { read(); }), "42501");
}

TEST_F(KeyFile, IsReadAgainWhenItChanged)
{
	test::PollWaiter waiter;
	write("k1 " + ones + "\n");
	vault::Source const source{path_.c_str(), ""};
	vault::refresh(source, waiter);
	EXPECT_EQ(vault::id(0), "k1");
	char sealed[128];
	vault::KeyId id;
	vault::seal("secret", "place", sealed, id);
	EXPECT_STREQ(id, "k1");

	write("k2 " + twos + "\nk1 " + ones + "\n");
	vault::refresh(source, waiter);
	EXPECT_EQ(vault::id(0), "k2");
	core::Secret secret;
	EXPECT_TRUE(vault::open(sealed, "place", secret));
	EXPECT_EQ(secret.view(), "secret");

	write("k2 " + twos + "\n");
	vault::refresh(source, waiter);
	EXPECT_FALSE(vault::open(sealed, "place", secret));
	/* a file that became unsafe, or went away, is no longer trusted */
	chmod(path_.c_str(), 0644);
	EXPECT_EQ(error_of([&] { vault::refresh(source, waiter); }), "42501");
	unlink(path_.c_str());
	EXPECT_EQ(error_of([&] { vault::refresh(source, waiter); }), "58P01");
}

/* A command is asked once in five minutes, or ten seconds after the last time when its ring lacks a key. */
TEST_F(KeyFile, MayComeFromACommand)
{
	test::PollWaiter waiter;
	std::string const command = "echo >>" + directory_ + "/target; cat " + path_;
	vault::Source const source{"", command.c_str()};
	auto const runs = [this] {
		std::ifstream lines(directory_ + "/target");
		return std::count(std::istreambuf_iterator<char>(lines), {}, '\n');
	};
	write("k1 " + ones + "\n");
	vault::refresh(source, waiter);
	char sealed[128];
	vault::KeyId id;
	vault::seal("secret", "place", sealed, id);
	EXPECT_STREQ(id, "k1");

	write("k2 " + twos + "\n");
	vault::refresh(source, waiter);
	EXPECT_EQ(vault::id(0), "k1");
	vault::reload(source, waiter);
	auto const asked = std::chrono::steady_clock::now();
	EXPECT_EQ(vault::id(0), "k2");
	EXPECT_EQ(runs(), 2);

	write("k2 " + twos + "\nk1 " + ones + "\n");
	core::Secret secret;
	bool const at_once = vault::open(source, sealed, "place", secret, waiter);
	while (!vault::open(source, sealed, "place", secret, waiter) &&
	       std::chrono::steady_clock::now() - asked < std::chrono::seconds(60))
		usleep(20'000);
	EXPECT_FALSE(at_once);
	EXPECT_EQ(secret.view(), "secret");
	EXPECT_GE(std::chrono::steady_clock::now() - asked, std::chrono::seconds(9));
	EXPECT_EQ(vault::find(source, "k1", waiter), 1U);
	EXPECT_EQ(vault::find(source, "k3", waiter), vault::size());
	EXPECT_EQ(runs(), 3);
}

TEST(Vault, NeedsExactlyOneSource)
{
	test::PollWaiter waiter;
	EXPECT_EQ(error_of([&] { vault::refresh({"", ""}, waiter); }), "58000");
	EXPECT_EQ(error_of([&] { vault::refresh({"/a", "b"}, waiter); }), "58000");
}

std::string
run(const std::string &command, long ms = 5'000)
{
	test::PollWaiter waiter;
	return std::string(run_key_command(command, core::Deadline::after(ms), waiter).view());
}

TEST(KeyCommand, ItsOutputIsTheRing)
{
	EXPECT_EQ(run("echo k1 " + ones), "k1 " + ones + "\n");
	EXPECT_EQ(run("cat; echo nothing on standard input"), "nothing on standard input\n");
	EXPECT_EQ(run("sleep 0.2; printf a; sleep 0.2; printf b"), "ab");
	/* no descriptor of the server's gets there: ls has its own, the directory */
	EXPECT_EQ(run("ls /proc/self/fd"), "0\n1\n2\n3\n");
}

TEST(KeyCommand, FailuresAreErrors)
{
	std::string message;
	for (const char *command :
	     {"echo sesame; exit 3", "echo sesame; kill -9 $$", "no_such_command_sesame 2>/dev/null", "yes sesame"}) {
		EXPECT_EQ(error_of([&] { run(command); }, &message), "58000") << command;
		EXPECT_EQ(message.find("sesame"), message.npos) << message;
	}
}

TEST(KeyCommand, EndsAtTheDeadlineWithAllItsChildren)
{
	auto const start = std::chrono::steady_clock::now();
	EXPECT_EQ(error_of([] { run("sleep 60 & sleep 60", 300); }), "58000");
	EXPECT_EQ(error_of([] { run("exec >&-; sleep 60", 300); }), "58000");
	EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(KeyCommand, AnInterruptEndsIt)
{
	test::PollWaiter waiter;
	waiter.interrupt_after(200);
	auto const start = std::chrono::steady_clock::now();
	EXPECT_THROW(run_key_command("sleep 60", core::Deadline::after(60'000), waiter), test::Interrupted);
	EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

} // namespace

/*
 * The thread that makes the blocking calls of Oracle's library.
 */
#include "remote/mysql/async.hpp"

#ifndef MARIADB_PACKAGE_VERSION

#include <atomic>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/poll.hpp"
#include "remote/mysql/helper.hpp"

namespace {

using namespace tenancy;
using remote::mysql::Helper;

TEST(MysqlHelper, EndsAJobThatComesToItsSocketWhenItWasGivenUp)
{
	int ends[2];
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	Helper helper;
	core::PollWaiter waiter;
	int socket = -1;
	std::atomic<bool> given_up = false;
	ssize_t count = -1;
	auto const job = [&] {
		given_up.wait(false);
		std::this_thread::sleep_for(std::chrono::milliseconds(30)); /* until it is shut down for the first time */
		std::atomic_ref<int>(socket).store(ends[0]);
		char byte;
		count = read(ends[0], &byte, 1);
	};
	auto const give_up = [&](int) {
		given_up = true;
		given_up.notify_one();
		throw std::runtime_error("given up");
	};
	EXPECT_THROW(helper.run(job, socket, {core::Deadline::after(60'000), waiter}, give_up), std::runtime_error);
	EXPECT_EQ(count, 0) << "the end of what was shut down";
	close(ends[0]);
	close(ends[1]);
}

} // namespace

#endif

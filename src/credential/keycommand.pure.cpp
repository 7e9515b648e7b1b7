/*
 * run_key_command of keyring.hpp: a child process whose output is read through the waiter. Pure regime.
 */
#include "credential/keyring.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.hpp"

extern char **environ;

namespace tenancy::credential {

namespace {

constexpr std::size_t max_output = 64 << 10;

/* The command is named by its setting only: its text may tell more than a log should. */
[[noreturn]] void
fail(const std::string &why)
{
	throw core::Error(core::FailureKind::other, "58000", "could not obtain the key ring from tenancy.key_command", why);
}

/* A process group that does not outlive this object. */
class Child {
public:
	explicit Child(const std::string &command)
	{
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0)
			fail(std::string("Could not make a pipe: ") + std::strerror(errno) + ".");
		output_ = ends[0];
		(void) fcntl(output_, F_SETFL, O_NONBLOCK); /* our end only: the command may rely on writes that wait */
		int const error = spawn(command, ends[1]);
		close(ends[1]);
		if (error != 0) {
			close(output_);
			fail(std::string("Could not start it: ") + std::strerror(error) + ".");
		}
	}
	Child(const Child &) = delete;
	Child &operator=(const Child &) = delete;
	~Child()
	{
		close(output_);
		if (running_) {
			kill(-pid_, SIGKILL);
			while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR)
				;
		}
	}
	int output() const noexcept { return output_; }
	/* Has it ended? Its wait status, if so. */
	bool ended(int &status)
	{
		pid_t const pid = waitpid(pid_, &status, WNOHANG);
		if (pid == 0 || (pid < 0 && errno == EINTR))
			return false;
		running_ = false;
		if (pid < 0)
			fail("Its exit status is lost.");
		return true;
	}

private:
	/*
	 * Starts the command with signals as a new process has them, with other standard input and output, and with every
	 * other descriptor closed.
	 */
	int spawn(const std::string &command, int write_end)
	{
		posix_spawn_file_actions_t actions;
		posix_spawnattr_t attributes;
		sigset_t none, all;
		sigemptyset(&none);
		sigfillset(&all);
		posix_spawn_file_actions_init(&actions);
		posix_spawnattr_init(&attributes);
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
		posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &all);
		posix_spawnattr_setpgroup(&attributes, 0);
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
		const char *const arguments[] = {"/bin/sh", "-c", command.c_str(), nullptr};
		int const error =
			posix_spawn(&pid_, arguments[0], &actions, &attributes, const_cast<char *const *>(arguments), environ);
		posix_spawnattr_destroy(&attributes);
		posix_spawn_file_actions_destroy(&actions);
		return error;
	}

	pid_t pid_ = 0;
	int output_ = -1;
	bool running_ = true;
};

} // namespace

core::Secret
run_key_command(const std::string &command, core::Deadline deadline, core::Waiter &waiter)
{
	Child child(command);
	core::Secret buffer(max_output);
	std::size_t filled = 0;
	for (;;) {
		if (waiter.wait(child.output(), core::wait_read, deadline) == 0)
			fail("It did not end in time.");
		ssize_t const got = read(child.output(), buffer.data() + filled, max_output - filled);
		if (got == 0)
			break;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			fail(std::string("Could not read its output: ") + std::strerror(errno) + ".");
		if (got > 0)
			filled += static_cast<std::size_t>(got);
		if (filled == max_output)
			fail("It printed more than a key ring can be.");
	}
	int status = 0;
	while (!child.ended(status)) {
		if (deadline.passed())
			fail("It did not end in time.");
		waiter.wait(-1, 0, core::Deadline::after(2));
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail(WIFEXITED(status) ? "It ended with status " + std::to_string(WEXITSTATUS(status)) + "."
		                       : "It ended with signal " + std::to_string(WTERMSIG(status)) + ".");
	return core::Secret(buffer.view().substr(0, filled));
}

} // namespace tenancy::credential

/*
 * A thread that makes the calls which block, while its owner waits through a core::Waiter. Pure regime.
 * For Oracle's library, which has no other calls for prepared statements. The thread runs nothing but calls of the
 * library and pure code around them, and takes no signals: those of a backend stay with its own thread.
 */
#pragma once

#include <functional>
#include <thread>

#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

class Helper {
public:
	Helper();
	~Helper();
	Helper(const Helper &) = delete;
	Helper &operator=(const Helper &) = delete;

	bool is_this_thread() const noexcept { return std::this_thread::get_id() == thread_.get_id(); }
	/*
	 * Run the job, do something meanwhile, and wait for it. When its time is up, or an exception ends what is done
	 * meanwhile or the wait, the socket is shut down, which has to end the job, and an exception thrown; but whatever
	 * happens, the job has ended by then. It must not throw. The job may set the socket that it uses, and change it.
	 * What is done meanwhile gets a descriptor that can be read when the job has ended.
	 */
	void run(
		const std::function<void()> &job, int &socket, const Budget &budget,
		const std::function<void(int done)> &meanwhile = [](int) {});

private:
	/* What one thread does, and the other waits for. */
	class Event {
	public:
		Event();
		~Event();
		Event(const Event &) = delete;
		Event &operator=(const Event &) = delete;
		int fd() const noexcept { return fd_; }
		void happen() const noexcept;
		void take() const noexcept;
		bool has_happened(int patience_ms) const noexcept;

	private:
		int const fd_;
	};

	struct Turn;
	void serve() noexcept;

	Event request_, done_;
	const std::function<void()> *job_ = nullptr; /* null: end */
	std::thread thread_;
};

} // namespace tenancy::remote::mysql

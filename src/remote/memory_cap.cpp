/*
 * See memory_cap.hpp. Pure regime.
 */
#include "remote/memory_cap.hpp"

#include <charconv>
#include <ctime>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace tenancy::remote {

namespace {

constexpr long longest_age = 20'000'000; /* ns */

/* Bytes of data, as RLIMIT_DATA counts them: the sixth number of statm, in pages. 0 when that cannot be told. */
unsigned long
data_size() noexcept
{
	static int const file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t const size = pread(file, text, sizeof text, 0);
	std::string_view rest(text, size > 0 ? static_cast<std::size_t>(size) : 0);
	for (int skipped = 0; skipped < 5; ++skipped)
		rest.remove_prefix(rest.find(' ') == rest.npos ? rest.size() : rest.find(' ') + 1);
	unsigned long pages = 0;
	std::from_chars(rest.data(), rest.data() + rest.size(), pages);
	return pages * static_cast<unsigned long>(sysconf(_SC_PAGESIZE));
}

/* Measured anew after some milliseconds only: a point query has three caps, and measuring costs more than capping. */
unsigned long
recent_data_size() noexcept
{
	static unsigned long size;
	static time_t second;
	static long tick = -1;
	timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != second || now.tv_nsec / longest_age != tick) {
		second = now.tv_sec;
		tick = now.tv_nsec / longest_age;
		size = data_size();
	}
	return size;
}

/* The limit that the process started with; in the process only a cap changes its limit. */
rlimit
own_limit() noexcept
{
	rlimit limit{};
	if (getrlimit(RLIMIT_DATA, &limit) != 0)
		limit.rlim_cur = 0;
	return limit;
}

rlimit const &
limit_of_process() noexcept
{
	static rlimit const limit = own_limit();
	return limit;
}

bool is_set = false;

} // namespace

MemoryCap::MemoryCap() noexcept
{
	if (is_set)
		return;
	rlimit tight = limit_of_process();
	unsigned long const now = recent_data_size();
	if (now == 0 || now + most_growth >= tight.rlim_cur)
		return;
	tight.rlim_cur = now + most_growth;
	is_set = set_ = setrlimit(RLIMIT_DATA, &tight) == 0;
}

MemoryCap::~MemoryCap()
{
	if (!set_)
		return;
	setrlimit(RLIMIT_DATA, &limit_of_process());
	is_set = false;
}

} // namespace tenancy::remote

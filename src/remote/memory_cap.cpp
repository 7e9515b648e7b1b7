/*
 * See memory_cap.hpp. Pure regime.
 */
#include "remote/memory_cap.hpp"

#include <charconv>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace tenancy::remote {

namespace {

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

} // namespace

MemoryCap::MemoryCap() noexcept
{
	unsigned long const now = data_size();
	if (now == 0 || getrlimit(RLIMIT_DATA, &before_) != 0)
		return;
	rlimit tight = before_;
	tight.rlim_cur = now + most_growth;
	set_ = tight.rlim_cur < before_.rlim_cur && setrlimit(RLIMIT_DATA, &tight) == 0;
}

MemoryCap::~MemoryCap()
{
	if (set_)
		setrlimit(RLIMIT_DATA, &before_);
}

} // namespace tenancy::remote

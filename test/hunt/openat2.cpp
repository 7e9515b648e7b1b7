/*
 * For programs under a valgrind that does not know openat2 yet: the nearest call that it knows. It resolves links that
 * openat2 would refuse, so nothing but such a run may load this. Pure regime.
 */
#include <cerrno>
#include <cstdarg>

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" long
syscall(long number, ...) noexcept
{
	using Syscall = long (*)(long, ...);
	static Syscall const next = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
	long words[6];
	va_list list;
	va_start(list, number);
	for (long &word : words)
		word = va_arg(list, long);
	va_end(list);
	if (number != SYS_openat2)
		return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
	auto const *const how = reinterpret_cast<const open_how *>(words[2]);
	return openat(static_cast<int>(words[0]), reinterpret_cast<const char *>(words[1]),
	              static_cast<int>(how->flags) | O_NOFOLLOW, static_cast<mode_t>(how->mode));
}

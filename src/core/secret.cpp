/*
 * The memory of secrets: pages of their own, which the kernel leaves out of core files. Pure regime.
 */
#include "core/secret.hpp"

#include <new>

#include <sys/mman.h>
#include <unistd.h>

namespace tenancy::core {

namespace {

class UndumpedPages final : public std::pmr::memory_resource {
	static std::size_t whole_pages(std::size_t size)
	{
		auto const page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
		return (size + page - 1) / page * page;
	}
	void *do_allocate(std::size_t size, std::size_t) override
	{
		void *const pages =
			mmap(nullptr, whole_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pages == MAP_FAILED)
			throw std::bad_alloc();
		/* A failure is no error: a secret that may be in core dumps is wiped all the same. */
		(void) madvise(pages, whole_pages(size), MADV_DONTDUMP);
		return pages;
	}
	void do_deallocate(void *pages, std::size_t size, std::size_t) override { munmap(pages, whole_pages(size)); }
	bool do_is_equal(const memory_resource &other) const noexcept override { return this == &other; }
};

constexpr std::size_t most_in_pool = 1024; /* longer ones, which are rare, have pages of their own */

} // namespace

std::pmr::memory_resource *
secret_memory()
{
	static auto *const pool =
		new std::pmr::synchronized_pool_resource(std::pmr::pool_options{16, most_in_pool}, new UndumpedPages);
	return pool;
}

} // namespace tenancy::core

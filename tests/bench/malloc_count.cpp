// Stands in for the C library's heap functions, counts the calls and passes them on.
#include "malloc_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

extern "C" {
// The names that glibc keeps its own functions under.
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

std::atomic<std::uint64_t> calls{0};

// Not an atomic addition, which would affect the times: other threads do not matter.
void count() noexcept {
    calls.store(calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

} // namespace

std::uint64_t bench::malloc_count() noexcept {
    return calls.load(std::memory_order_relaxed);
}

extern "C" {

void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}
void* calloc(std::size_t items, std::size_t size) {
    count();
    return __libc_calloc(items, size);
}
void* realloc(void* old, std::size_t size) {
    count();
    return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
    void* const made = memalign(alignment, size);
    if (made == nullptr) return ENOMEM;
    *out = made;
    return 0;
}
}

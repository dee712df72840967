/// Detects that the process is a forked child.
#pragma once

#include <cloudflare/core/fwd.hpp>

#if !defined(_WIN32)
#include <cstddef>

#include <sys/mman.h>
#include <unistd.h>
#endif

namespace cloudflare::inline v0::detail {

/// Detects that this process was forked from the one that made the object. A child inherits the
/// parent's open connections, and must neither use them nor send a close_notify on them.
///
/// Linux zeroes a page in the child on request (`madvise(2)`, MADV_WIPEONFORK), so that the check takes no
/// system call. Elsewhere process ids are compared.
class fork_detector {
public:
#if defined(_WIN32)
    [[nodiscard]] bool in_child() const noexcept { return false; } // no fork there
#else
    fork_detector() noexcept : process_(::getpid()), mark_(make_mark()) {}
    fork_detector(fork_detector const&) = delete;
    fork_detector& operator=(fork_detector const&) = delete;
    ~fork_detector() {
        if (mark_ != nullptr) ::munmap(mark_, page_size());
    }

    /// Whether this process is a child of the one that made the object. Safe from any thread.
    [[nodiscard]] bool in_child() const noexcept {
        return mark_ != nullptr ? *static_cast<unsigned char volatile*>(mark_) == 0
                                : ::getpid() != process_;
    }

private:
    [[nodiscard]] static std::size_t page_size() noexcept {
        return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    }

    /// A page that holds 1 here and 0 in a child; null where the system has no such pages.
    [[nodiscard]] static void* make_mark() noexcept {
#if defined(MADV_WIPEONFORK)
        void* const page = ::mmap(nullptr, page_size(), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return nullptr;
        if (::madvise(page, page_size(), MADV_WIPEONFORK) == 0) {
            *static_cast<unsigned char volatile*>(page) = 1;
            return page;
        }
        ::munmap(page, page_size());
#endif
        return nullptr;
    }

    ::pid_t process_;
    void* mark_;
#endif
};

} // namespace cloudflare::inline v0::detail

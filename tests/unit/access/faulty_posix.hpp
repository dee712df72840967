// System calls of which the n-th fails: for tests of the file stores.
#pragma once

#include <cloudflare/access/detail/posix.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace faults {

/// `Tag` gives each test file counters of its own.
template <class Tag>
struct faulty_posix {
    using real = cloudflare::access::detail::posix;

    // What is to go wrong.
    static inline int fail_at = 0; ///< the call that fails, counted from 1; 0: none
    static inline int reason = EIO;
    static inline bool all_after = false; ///< and all calls behind it
    static inline bool short_writes = false;
    static inline bool no_rename_to_new = false, no_link = false, no_locks = false;
    static inline bool is_mounted = false, is_fixed = false;
    static inline bool no_sync = false; ///< costs time only
    static inline std::chrono::milliseconds sync_takes{0};
    // What was done.
    static inline int calls = 0;
    static inline std::atomic<int> syncs = 0;
    static inline std::size_t bytes_read = 0, bytes_written = 0;

    static void reset() {
        fail_at = 0, reason = EIO, all_after = false, short_writes = false;
        no_rename_to_new = no_link = no_locks = is_mounted = is_fixed = no_sync = false;
        sync_takes = std::chrono::milliseconds(0);
        calls = 0, syncs = 0, bytes_read = bytes_written = 0;
    }

    static int open(char const* path, int flags, ::mode_t mode) {
        return fails(true) ? -1 : real::open(path, flags, mode);
    }
    static int close(int d) { return real::close(d); }
    static ::ssize_t read(int d, void* data, std::size_t size, ::off_t at) {
        if (fails(true)) return -1;
        auto const n = real::read(d, data, size, at);
        if (n > 0) bytes_read += static_cast<std::size_t>(n);
        return n;
    }
    static ::ssize_t write(int d, void const* data, std::size_t size) {
        if (fails(true)) return -1;
        auto const n = real::write(d, data, short_writes && size > 7 ? 7 : size);
        if (n > 0) bytes_written += static_cast<std::size_t>(n);
        return n;
    }
    static ::off_t seek(int d, ::off_t at) { return fails() ? -1 : real::seek(d, at); }
    static int sync(int d) {
        ++syncs;
        if (sync_takes.count() != 0) std::this_thread::sleep_for(sync_takes);
        return fails(true) ? -1 : no_sync ? 0 : real::sync(d);
    }
    static int truncate(int d, ::off_t size) { return fails() ? -1 : real::truncate(d, size); }
    static int lock(int d, int operation) {
        if (no_locks) return errno = ENOLCK, -1;
        return fails(true) ? -1 : real::lock(d, operation);
    }
    static int status(int d, struct ::stat& s) { return fails() ? -1 : real::status(d, s); }
    static int status(char const* path, struct ::stat& s) {
        return fails() ? -1 : real::status(path, s);
    }
    static int change_mode(int d, ::mode_t mode) {
        return fails() ? -1 : real::change_mode(d, mode);
    }
    static int change_owner(int d, ::uid_t user, ::gid_t group) {
        return fails() ? -1 : real::change_owner(d, user, group);
    }
    static int change_time(char const* path, std::time_t changed) {
        return fails() ? -1 : real::change_time(path, changed);
    }
    static int rename(char const* from, char const* to) {
        return fails() ? -1 : real::rename(from, to);
    }
    static int link(char const* from, char const* to) {
        if (no_link) return errno = EPERM, -1;
        return fails() ? -1 : real::link(from, to);
    }
    static int unlink(char const* path) { return fails() ? -1 : real::unlink(path); }
    static ::ssize_t read_link(char const* path, char* data, std::size_t size) {
        return fails() ? -1 : real::read_link(path, data, size);
    }
    static int rename_to_new(char const* from, char const* to) {
        if (no_rename_to_new) return errno = EINVAL, -1;
        return fails() ? -1 : real::rename_to_new(from, to);
    }
    static int is_mount_point(char const* path) {
        return is_mounted ? 1 : real::is_mount_point(path);
    }
    static int is_immutable(char const* path) { return is_fixed ? 1 : real::is_immutable(path); }
    static int list(char const* path, std::vector<std::string>& names) {
        return fails() ? -1 : real::list(path, names);
    }

private:
    /// @param waits whether a signal may interrupt the call
    static bool fails(bool waits = false) {
        if (reason == EINTR && !waits) return false;
        ++calls;
        bool const now = fail_at != 0 && (calls == fail_at || (all_after && calls > fail_at));
        if (now) errno = reason;
        return now;
    }
};

} // namespace faults

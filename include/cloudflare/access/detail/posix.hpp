/// The system calls of the file stores, one function each, so that a test can replace them.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/detail/posix_only.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

namespace cloudflare::inline v0::access::detail {

/// A failure is a negative result and `errno`, as in POSIX.
struct posix {
    static int open(char const* path, int flags, ::mode_t mode) noexcept {
        return ::open(path, flags, mode);
    }
    static int close(int descriptor) noexcept { return ::close(descriptor); }
    static ::ssize_t read(int descriptor, void* data, std::size_t size, ::off_t at) noexcept {
        return ::pread(descriptor, data, size, at);
    }
    static ::ssize_t write(int descriptor, void const* data, std::size_t size) noexcept {
        return ::write(descriptor, data, size);
    }
    static ::off_t seek(int descriptor, ::off_t at) noexcept {
        return ::lseek(descriptor, at, SEEK_SET);
    }
    static int sync(int descriptor) noexcept { return ::fsync(descriptor); }
    static int truncate(int descriptor, ::off_t size) noexcept {
        return ::ftruncate(descriptor, size);
    }
    static int lock(int descriptor, int operation) noexcept {
        return ::flock(descriptor, operation);
    }
    static int status(int descriptor, struct ::stat& s) noexcept { return ::fstat(descriptor, &s); }
    /// Of a link itself.
    static int status(char const* path, struct ::stat& s) noexcept { return ::lstat(path, &s); }
    static int change_mode(int descriptor, ::mode_t mode) noexcept {
        return ::fchmod(descriptor, mode);
    }
    static int change_owner(int descriptor, ::uid_t user, ::gid_t group) noexcept {
        return ::fchown(descriptor, user, group);
    }
    /// Sets when the file was last changed, in whole seconds.
    static int change_time(char const* path, std::time_t changed) noexcept {
        struct ::timespec const times[2] = {{changed, 0}, {changed, 0}};
        return ::utimensat(AT_FDCWD, path, times, 0);
    }
    static int rename(char const* from, char const* to) noexcept { return ::rename(from, to); }
    static int link(char const* from, char const* to) noexcept { return ::link(from, to); }
    static int unlink(char const* path) noexcept { return ::unlink(path); }
    static ::ssize_t read_link(char const* path, char* data, std::size_t size) noexcept {
        return ::readlink(path, data, size);
    }
    /// Fails with `EEXIST` if `to` exists, with `EINVAL` or `ENOSYS` if the system has no such
    /// call.
    static int rename_to_new(char const* from, char const* to) noexcept {
#ifdef SYS_renameat2
        constexpr unsigned no_replace = 1; // RENAME_NOREPLACE
        return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, no_replace));
#else
        static_cast<void>(from), static_cast<void>(to);
        errno = ENOSYS;
        return -1;
#endif
    }
    /// 1 if `path` is a mount point, 0 if not or if that is not known.
    static int is_mount_point(char const* path) noexcept {
#ifdef STATX_ATTR_MOUNT_ROOT
        struct ::statx s{};
        if (::statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &s) != 0) return -1;
        return (s.stx_attributes & s.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 ? 1 : 0;
#else
        static_cast<void>(path);
        return 0;
#endif
    }
    /// 1 if the file may not be replaced, because it is immutable or can only be appended to
    /// (chattr); 0 if it may, or if that is not known.
    static int is_immutable(char const* path) noexcept {
#if defined(STATX_ATTR_IMMUTABLE) && defined(STATX_ATTR_APPEND)
        struct ::statx s{};
        if (::statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &s) != 0) return -1;
        constexpr unsigned which = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
        return (s.stx_attributes & s.stx_attributes_mask & which) != 0 ? 1 : 0;
#else
        static_cast<void>(path);
        return 0;
#endif
    }
    /// The names in a directory.
    static int list(char const* path, std::vector<std::string>& names) {
        auto* const directory = ::opendir(path);
        if (directory == nullptr) return -1;
        errno = 0;
        while (auto const* entry = ::readdir(directory))
            names.emplace_back(entry->d_name);
        int const failed = errno;
        ::closedir(directory);
        errno = failed;
        return failed == 0 ? 0 : -1;
    }
};

} // namespace cloudflare::inline v0::access::detail

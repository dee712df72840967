/// Excludes those who write the same file of a directory, and nobody else.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/detail/replacement.hpp>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// A locked file beside the one that is written, `.NAME.new.lock`, until the end, which removes it.
/// Whoever has one holds a shared lock of the directory, too: an exclusive one of that excludes
/// all.
template <class System>
class name_lock {
public:
    using file = basic_file<System>;

    /// Waits for whoever has it. A file that was removed meanwhile excludes nobody, so another one
    /// is made.
    ///
    /// @return nothing if the file cannot be made or locked, perhaps because it is another user's
    [[nodiscard]] static result<std::optional<name_lock>>
    take(std::string const& target, std::chrono::milliseconds patience, errc code) {
        auto const path = path_for(target);
        for (int tries = 0; tries != 100; ++tries) {
            auto opened = file::open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, code);
            if (reason_of(opened) == EEXIST)
                opened = file::open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK, code);
            if (reason_of(opened) == ENOENT) continue; // removed meanwhile
            if (!opened) return std::optional<name_lock>();
            auto const locked = opened->lock(LOCK_EX, patience, code, target);
            if (!locked && locked.error().details().cause.value() == EWOULDBLOCK)
                return locked.error();
            struct ::stat own{}, there{};
            if (!locked || !opened->status(own)) return std::optional<name_lock>();
            if (System::status(path.c_str(), there) == 0 && own.st_dev == there.st_dev &&
                own.st_ino == there.st_ino)
                return std::optional(name_lock(path, std::move(*opened)));
        }
        return std::optional<name_lock>();
    }
    /// Removes what one that died left, for those who have the directory's exclusive lock.
    static void remove_left_over(std::string const& target) {
        System::unlink(path_for(target).c_str());
    }

    name_lock(name_lock&& other) noexcept
        : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
    name_lock& operator=(name_lock&&) = delete;
    ~name_lock() {
        if (!path_.empty()) System::unlink(path_.c_str()); // while it is locked
    }

private:
    name_lock(std::string path, file opened) noexcept
        : path_(std::move(path)), file_(std::move(opened)) {}

    [[nodiscard]] static int reason_of(result<file> const& opened) {
        return opened ? 0 : opened.error().details().cause.value();
    }
    [[nodiscard]] static std::string path_for(std::string const& target) {
        return directory_of(target) + "/." + replacement_prefix(target) + "lock";
    }

    std::string path_; ///< empty: it was moved
    file file_;
};

} // namespace cloudflare::inline v0::access::detail

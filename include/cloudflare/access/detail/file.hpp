/// Files that survive a crash: what is written is on the disk, whole, or not there at all.
#pragma once

#include <cloudflare/access/detail/posix.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>

#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace cloudflare::inline v0::access {

/// A POSIX file descriptor, closed at the end. A system call that a signal interrupts is repeated.
///
/// @tparam System the system calls; another one than the default is for tests
template <class System>
class basic_file {
public:
    /// Opens a file; a new one is readable by its owner only.
    ///
    /// @return `code` with the system's reason and the path
    [[nodiscard]] static result<basic_file> open(std::string const& path, int flags, errc code) {
        int const descriptor =
            repeated([&] { return System::open(path.c_str(), flags | O_CLOEXEC, 0600); });
        if (descriptor < 0) return last_error(code, path);
        return basic_file(descriptor);
    }

    basic_file(basic_file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    basic_file& operator=(basic_file other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~basic_file() {
        if (descriptor_ >= 0) System::close(descriptor_);
    }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// Writes all of `text` at the descriptor's position.
    [[nodiscard]] bool write(std::string_view text) const noexcept {
        while (!text.empty()) {
            auto const n =
                repeated([&] { return System::write(descriptor_, text.data(), text.size()); });
            if (n <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    /// The same from byte `at` on.
    [[nodiscard]] bool write(std::string_view text, std::size_t at) const noexcept {
        return System::seek(descriptor_, static_cast<::off_t>(at)) >= 0 && write(text);
    }

    /// Reads the file from byte `from` on, which may contain a secret; false if that fails.
    [[nodiscard]] bool read(wiped_string& text, std::size_t from = 0) const {
        text.clear();
        for (char buffer[16384];;) {
            auto const at = static_cast<::off_t>(from + text.size());
            auto const n =
                repeated([&] { return System::read(descriptor_, buffer, sizeof buffer, at); });
            if (n > 0) {
                text.append(buffer, static_cast<std::size_t>(n));
                continue;
            }
            int const reason = errno;
            cloudflare::wipe(buffer, sizeof buffer);
            errno = reason;
            return n == 0;
        }
    }

    /// Flushes what was written to the disk; true also if the file system does not support that.
    [[nodiscard]] bool sync() const noexcept {
        return repeated([&] { return System::sync(descriptor_); }) == 0 || errno == EINVAL ||
               errno == ENOTSUP;
    }

    [[nodiscard]] bool status(struct ::stat& s) const noexcept {
        return System::status(descriptor_, s) == 0;
    }

    /// Locks the file for all who lock it (`flock`), until it is closed.
    ///
    /// @param operation `LOCK_EX` or `LOCK_SH`
    /// @param patience how long to wait for a process that holds it, which may be stopped
    [[nodiscard]] result<void> lock(int operation, std::chrono::milliseconds patience, errc code,
                                    std::string const& path) const {
        using namespace std::chrono;
        using namespace std::chrono_literals;
        auto const end =
            steady_clock::now() + std::clamp<milliseconds>(patience, 0ms, hours(24 * 365));
        for (auto pause = microseconds(100);; pause = (std::min)(pause * 2, microseconds(10'000))) {
            if (repeated([&] { return System::lock(descriptor_, operation | LOCK_NB); }) == 0)
                return {};
            if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EBADF)
                return last_error(code, path + ": the file system has no locks (flock)");
            if (errno != EWOULDBLOCK) return last_error(code, path + ": cannot be locked");
            if (steady_clock::now() >= end)
                return last_error(code, path + ": another process has held its lock for " +
                                            std::to_string(patience.count()) + " ms");
            std::this_thread::sleep_for(pause);
        }
    }

    /// The reason of the last system call that failed.
    [[nodiscard]] static error last_error(errc code, std::string explanation) {
        int const reason = errno;
        return {code, error_details{.explanation = std::move(explanation),
                                    .delivery = delivery::not_sent,
                                    .cause = {reason, boost::system::system_category()}}};
    }

private:
    explicit basic_file(int descriptor) noexcept : descriptor_(descriptor) {}

    template <class Call>
    [[nodiscard]] static auto repeated(Call call) noexcept {
        for (;;)
            if (auto const done = call(); done >= 0 || errno != EINTR) return done;
    }

    int descriptor_;
};

using file = basic_file<detail::posix>;

namespace detail {

/// The directory that `path` is in.
[[nodiscard]] inline std::string directory_of(std::string const& path) {
    auto const slash = path.rfind('/');
    return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
/// The name of `path` in that directory.
[[nodiscard]] inline std::string base_name_of(std::string const& path) {
    auto const slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

/// The path itself, or where it leads to if it is a symbolic link; that need not exist.
template <class System>
[[nodiscard]] result<std::string> resolve_links(std::string path, errc code) {
    for (int links = 0; links != 40; ++links) {
        char target[4096];
        auto const size = System::read_link(path.c_str(), target, sizeof target);
        if (size < 0) {
            if (errno == EINVAL || errno == ENOENT) return path; // no link, or nothing
            return basic_file<System>::last_error(code, path);
        }
        std::string const next(target, static_cast<std::size_t>(size));
        path = next.starts_with('/') ? next : directory_of(path) + '/' + next;
    }
    errno = ELOOP;
    return basic_file<System>::last_error(code, path);
}

} // namespace detail

/// Opens the directory that `path` is in, so that `sync` can flush its entries to the disk.
template <class System = detail::posix>
[[nodiscard]] result<basic_file<System>> open_directory_of(std::string const& path, errc code) {
    return basic_file<System>::open(detail::directory_of(path), O_RDONLY | O_DIRECTORY, code);
}

} // namespace cloudflare::inline v0::access

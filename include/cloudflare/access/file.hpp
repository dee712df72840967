/// Files that survive a crash: what is written is on the disk, whole, or not there at all.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>

#include <boost/system/error_code.hpp>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cloudflare::inline v0::access {

/// A POSIX file descriptor, closed at the end.
class file {
public:
    /// Opens a file; one that is made is readable by its owner only.
    /// @return `code` with the system's reason and the path
    [[nodiscard]] static result<file> open(std::string const& path, int flags, errc code) {
        int const descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (descriptor < 0) return last_error(code, path);
        return file(descriptor);
    }

    file(file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    file& operator=(file other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~file() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// Writes all of `text` where the descriptor stands.
    [[nodiscard]] bool write(std::string_view text) const noexcept {
        while (!text.empty()) {
            auto const n = ::write(descriptor_, text.data(), text.size());
            if (n < 0 && errno != EINTR) return false;
            if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

    /// All of the file from its beginning; false where it cannot be read. The text may hold a
    /// secret.
    [[nodiscard]] bool read(wiped_string& text) const {
        text.clear();
        for (char buffer[4096];;) {
            auto const n =
                ::pread(descriptor_, buffer, sizeof buffer, static_cast<off_t>(text.size()));
            if (n < 0 && errno == EINTR) continue;
            if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
            v0::wipe(buffer, sizeof buffer);
            if (n <= 0) return n == 0;
        }
    }

    /// Puts what was written on the disk; true too where the file system knows no such thing.
    [[nodiscard]] bool sync() const noexcept {
        return ::fsync(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP;
    }

    /// The reason of the last system call that failed.
    [[nodiscard]] static error last_error(errc code, std::string const& path) {
        return {code, error_details{.explanation = path,
                                    .delivery = delivery::not_sent,
                                    .cause = {errno, boost::system::system_category()}}};
    }

private:
    explicit file(int descriptor) noexcept : descriptor_(descriptor) {}
    int descriptor_;
};

/// Opens the directory that `path` is in, so that `sync` can put its entries on the disk.
[[nodiscard]] inline result<file> open_directory_of(std::string const& path, errc code) {
    auto const slash = path.rfind('/');
    auto const directory = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    return file::open(directory, O_RDONLY | O_DIRECTORY, code);
}

} // namespace cloudflare::inline v0::access

/// A file that is written beside the one it replaces and then renamed: after a crash either the old
/// one or the new one is there, whole.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/core/detail/system_random.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// What the name of a file that is to replace `path` begins with; random digits follow.
[[nodiscard]] inline std::string replacement_prefix(std::string const& path) {
    return base_name_of(path) + ".new.";
}

/// How many hexadecimal digits follow the prefix in a name; 0 where the name is another one.
[[nodiscard]] inline std::size_t digits_after(std::string_view prefix,
                                              std::string_view name) noexcept {
    if (!name.starts_with(prefix)) return 0;
    name.remove_prefix(prefix.size());
    return name.find_first_not_of("0123456789abcdef") == name.npos ? name.size() : 0;
}

/// The new file. It is removed at the end, unless it was moved.
template <class System>
class replacement {
public:
    static constexpr std::size_t digits = 16;

    /// Makes an empty file `DIRECTORY/PREFIX`, followed by random digits.
    ///
    /// @return `code`, also where there is a file of that name
    [[nodiscard]] static result<replacement> make(std::string const& directory,
                                                  std::string const& prefix, errc code) {
        auto path = directory + '/' + prefix;
        auto bits = cloudflare::detail::system_random();
        for (std::size_t n = 0; n != digits; ++n, bits >>= 4)
            path += "0123456789abcdef"[bits & 15];
        auto opened =
            basic_file<System>::open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, code);
        if (!opened) return opened.error();
        return replacement(std::move(path), std::move(*opened));
    }
    replacement(replacement&& other) noexcept
        : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
    replacement& operator=(replacement&&) = delete;
    ~replacement() {
        if (!path_.empty()) System::unlink(path_.c_str());
    }

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] basic_file<System> const& file() const noexcept { return file_; }

    /// Gives the file the owner, group and mode of the one that it replaces.
    ///
    /// @param replaced the path that the error names
    [[nodiscard]] result<void> copy_rights(struct ::stat const& from, errc code,
                                           std::string const& replaced) const {
        struct ::stat own{};
        if (!file_.status(own)) return basic_file<System>::last_error(code, replaced);
        bool const is_same = own.st_uid == from.st_uid && own.st_gid == from.st_gid;
        if (!is_same && System::change_owner(file_.descriptor(), from.st_uid, from.st_gid) != 0)
            return basic_file<System>::last_error(code, replaced +
                                                            ": its owner and group cannot be kept");
        if (System::change_mode(file_.descriptor(), from.st_mode & 07777) != 0)
            return basic_file<System>::last_error(code, replaced);
        return {};
    }

    /// Removes the file now; false with `errno` where that fails.
    [[nodiscard]] bool remove() { return moved(System::unlink(path_.c_str()) == 0); }
    /// Moves the file to `target`, in place of what is there; false with `errno` where that fails.
    [[nodiscard]] bool move_to(std::string const& target) {
        return moved(System::rename(path_.c_str(), target.c_str()) == 0);
    }
    /// The same where nothing is there: two processes cannot take the same place.
    [[nodiscard]] bool move_to_new(std::string const& target) {
        if (moved(System::rename_to_new(path_.c_str(), target.c_str()) == 0)) return true;
        if (errno == EEXIST) return false;
        if (System::link(path_.c_str(), target.c_str()) == 0) {
            System::unlink(path_.c_str());
            return moved(true);
        }
        if (errno == EEXIST) return false;
        // This file system has neither: an empty file takes the place, and is then replaced.
        {
            auto const taken = basic_file<System>::open(
                target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, errc::sink_failed);
            if (!taken) return false;
        }
        if (move_to(target)) return true;
        int const reason = errno;
        System::unlink(target.c_str());
        errno = reason;
        return false;
    }

private:
    replacement(std::string path, basic_file<System> opened) noexcept
        : path_(std::move(path)), file_(std::move(opened)) {}

    bool moved(bool ok) noexcept {
        if (ok) path_.clear();
        return ok;
    }

    std::string path_; ///< empty: it was moved
    basic_file<System> file_;
};

} // namespace cloudflare::inline v0::access::detail

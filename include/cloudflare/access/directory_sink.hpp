/// A sink that is a directory: a file for each key.
#pragma once

#include <cloudflare/access/detail/secret_file.hpp>
#include <cloudflare/access/secret_format.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Keeps tokens in a directory, each in a file that has its key's name and is written as
/// `file_sink` does. In the name, letters, digits, `-`, `_` and `.` (but not as the first) are as
/// in the key; each other byte becomes `%` and two hexadecimal digits. A key that is empty, or
/// longer than 200 bytes when written so, is refused with `errc::invalid_argument`.
///
/// Stores of different keys run side by side, those of one key one at a time. While one runs, a
/// file `.NAME.new.lock` stands beside.
///
/// Errors and threads: as `file_sink`. `forget` reads all files of the directory; a file that
/// cannot be read is an error, because it may be the token's.
///
/// @tparam System the system calls; another one than the default is for tests
template <class System = detail::posix>
class basic_directory_sink {
public:
    /// @param path the directory, which must exist
    /// @param patience how long a store may wait for another of the same key
    explicit basic_directory_sink(std::string path,
                                  std::chrono::milliseconds patience = std::chrono::seconds(5))
        : path_(std::move(path)), patience_(patience) {}

    /// Of the directory.
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    [[nodiscard]] result<void> prepare(intent const& i) const {
        auto const placed = file_of(i.key);
        return placed ? placed->prepare(i.token_id) : placed.error();
    }
    [[nodiscard]] result<void> store(intent const& i, issued_service_token const& token) const {
        auto const placed = file_of(i.key);
        return placed ? placed->store(token, &i) : placed.error();
    }
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key) const {
        auto const placed = file_of(key);
        if (!placed) return placed.error();
        auto held = placed->find();
        if (held && *held) (*held)->key = key;
        return held;
    }
    /// The secret that is stored under the key, or nothing. A sealed one is not opened: see
    /// `unseal`.
    [[nodiscard]] result<std::optional<secret>> secret_of(std::string_view key) const {
        auto const placed = file_of(key);
        return placed ? placed->secret_of(key) : placed.error();
    }
    [[nodiscard]] result<std::vector<held_token>> list() const {
        std::vector<std::string> names;
        if (System::list(path_.c_str(), names) != 0)
            return basic_file<System>::last_error(errc::sink_failed, path_);
        std::vector<held_token> all;
        for (auto const& name : names) {
            auto key = name.starts_with('.') ? std::nullopt : http::percent_decode(name);
            if (!key) continue; // not the name of a key
            auto held = find(*key);
            if (!held && held.error().details().cause) return held.error();
            if (held && *held) all.push_back(std::move(**held));
        }
        return all;
    }
    [[nodiscard]] result<void> forget(std::string_view token_id) const {
        return with_file_of(token_id, [&](auto const& held) { return held.forget(token_id); });
    }
    [[nodiscard]] result<void> rewrite(std::string_view token_id,
                                       secret_change const& change) const {
        return with_file_of(token_id,
                            [&](auto const& held) { return held.rewrite(token_id, change); });
    }

private:
    /// Calls `f` with the file that holds the token, if there is one.
    template <class Function>
    [[nodiscard]] result<void> with_file_of(std::string_view token_id, Function f) const {
        std::vector<std::string> names;
        if (System::list(path_.c_str(), names) != 0)
            return basic_file<System>::last_error(errc::sink_failed, path_);
        result<void> unread;
        for (auto const& name : names) {
            if (name.starts_with('.')) continue;
            auto const held = file_named(name);
            auto const token = held.find();
            if (!token && token.error().details().cause) unread = token.error();
            if (token && *token && (*token)->token_id == token_id) return f(held);
        }
        return unread;
    }
    [[nodiscard]] result<detail::secret_file<System>> file_of(std::string_view key) const {
        std::string name;
        for (char const c : key) {
            bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                               (c == '.' && !name.empty());
            if (plain) {
                name += c;
                continue;
            }
            constexpr std::string_view hex = "0123456789ABCDEF";
            auto const byte = static_cast<unsigned char>(c);
            ((name += '%') += hex[byte >> 4]) += hex[byte & 15];
        }
        if (name.empty() || name.size() > 200)
            return error(errc::invalid_argument,
                         "key: must have from 1 to 200 bytes as a file's name");
        return file_named(name);
    }
    [[nodiscard]] detail::secret_file<System> file_named(std::string const& name) const {
        return detail::secret_file<System>(path_ + '/' + name, patience_, {}, secret_format::lines,
                                           detail::lock_extent::file);
    }

    std::string path_;
    std::chrono::milliseconds patience_;
};

/// A `basic_directory_sink` on this system's files.
using directory_sink = basic_directory_sink<>;

static_assert(rewritable_sink<directory_sink>);

} // namespace cloudflare::inline v0::access

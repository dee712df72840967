/// A sink that is a file: the token's ids and its secret, as lines for a shell or as JSON.
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

/// Keeps one token in one file; a new one is readable by its owner only:
///
///     CF_ACCESS_TOKEN_ID=f174e90a-fafe-4643-bbbc-4a0ed4fc8415
///     CF_ACCESS_CLIENT_ID=88bf3b6d86161464f6509f7219099e57.access
///     CF_ACCESS_CLIENT_SECRET=...
///     CF_ACCESS_CLIENT_SECRET_VERSION=1
///     CF_ACCESS_TOKEN_KEY=machine-17
///     CF_ACCESS_TOKEN_TAG=6d1f0b7a6b0e4b3f8a0f6c3e0b1d2a4c
///
/// or as JSON, with the API's names:
///
///     {"id":"f174e90a-...","client_id":"88bf3b6d....access","client_secret":"...",
///      "client_secret_version":1,"key":"machine-17","tag":"6d1f0b7a..."}
///
/// The new file is written beside the old one (`.NAME.new.DIGITS`), flushed (fsync) and renamed, so
/// that a file is whole or not there. A file that is replaced keeps its format, mode, owner, group
/// and other lines or members; a symbolic link keeps leading to it. The next process removes what a
/// killed one left beside.
///
/// The version is left out if it is not known. A file that an issue wrote has the intent's tag, and
/// the key (percent-encoded) if the caller gave one. In any other file `held_token::key` is empty,
/// and `find` accepts any key. `held_token::since` is the time of the file's last change.
///
/// `store` flushes twice: the file, and the directory. `prepare` writes a file of the same size and
/// removes it unflushed: a store that fails all the same costs a token that is withdrawn, and no
/// secret.
///
/// Errors: `errc::sink_failed` with the path and the reason. Its `delivery` is `unknown` if the file
/// may have been changed all the same, otherwise `not_sent`. A missing directory is an error of
/// `find`, too. `prepare` refuses a file that is a mount point (a bind mount), that is
/// immutable (chattr) or has other names (hard links), a read-only directory, a full disk, and an
/// owner or group that cannot be kept.
///
/// Threads: may be used from several at once, by several processes of one host, and of several
/// hosts if the file system has locks (`flock`) across them. Blocks on the disk, and for up to
/// `patience` on other writers of the same directory.
///
/// @tparam System the system calls; another one than the default is for tests
template <class System = detail::posix>
class basic_file_sink {
public:
    /// @param path where the file is or will be; its directory must exist
    /// @param patience how long a store may wait for another in the same directory
    /// @param format of a file that is not there yet
    explicit basic_file_sink(std::string path,
                             std::chrono::milliseconds patience = std::chrono::seconds(5),
                             secret_format format = secret_format::lines)
        : path_(std::move(path)),
          patience_(patience),
          format_(format),
          file_(path_, patience, {}, format) {}

    /// The same file, in which this token, which is of no use any more, counts as not held: any
    /// other may replace it. Until then it stays in the file.
    [[nodiscard]] basic_file_sink replacing(std::string token_id) const {
        auto sink = *this;
        sink.file_ = detail::secret_file<System>(path_, patience_, std::move(token_id), format_);
        return sink;
    }

    /// Of the file.
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    [[nodiscard]] result<void> prepare(intent const& i) const { return file_.prepare(i.token_id); }
    [[nodiscard]] result<void> store(intent const& i, issued_service_token const& token) const {
        return file_.store(token, &i);
    }
    /// What the file holds, unless it says that it is another key's.
    ///
    /// @param key empty: any
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key = {}) const {
        return file_.find(key);
    }
    [[nodiscard]] result<void> forget(std::string_view token_id) const {
        return file_.forget(token_id);
    }

    /// The one token that the file holds, or nothing.
    [[nodiscard]] result<std::vector<held_token>> list() const {
        auto held = file_.find();
        if (!held) return held.error();
        std::vector<held_token> all;
        if (*held) all.push_back(std::move(**held));
        return all;
    }

    [[nodiscard]] result<void> rewrite(std::string_view token_id,
                                       secret_change const& change) const {
        return file_.rewrite(token_id, change);
    }

    /// Stores a token that was made without an intent.
    [[nodiscard]] result<void> store(issued_service_token const& token) const {
        return file_.store(token);
    }
    /// Whether the file holds a secret of this token.
    [[nodiscard]] result<bool> holds(std::string_view token_id) const {
        auto const held = file_.find();
        if (!held) return held.error();
        return *held && (*held)->token_id == token_id;
    }

private:
    std::string path_;
    std::chrono::milliseconds patience_;
    secret_format format_;
    detail::secret_file<System> file_;
};

/// A `basic_file_sink` on this system's files.
using file_sink = basic_file_sink<>;

static_assert(rewritable_sink<file_sink>);

} // namespace cloudflare::inline v0::access

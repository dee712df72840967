/// Reading a token's ids and secret from a file, in one of several formats.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/detail/secret_file.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/json/document.hpp>
#include <cloudflare/json/object_reader.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline error secret_unreadable(std::string const& path, std::string const& why) {
    return {errc::secret_unreadable,
            error_details{.explanation = path + ": " + why, .delivery = delivery::not_sent}};
}

/// Changes when another file takes the place of a file, or the file is written to.
struct file_identity {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0; // in ns; only the system sets the second

    file_identity() = default;
    explicit file_identity(struct ::stat const& s) noexcept
        : device(static_cast<std::uint64_t>(s.st_dev)),
          inode(static_cast<std::uint64_t>(s.st_ino)),
          size(static_cast<std::uint64_t>(s.st_size)) {
#ifdef __APPLE__
        modified = nanoseconds(s.st_mtimespec);
        changed = nanoseconds(s.st_ctimespec);
#else
        modified = nanoseconds(s.st_mtim);
        changed = nanoseconds(s.st_ctim);
#endif
    }
    friend bool operator==(file_identity const&, file_identity const&) = default;

private:
    [[nodiscard]] static std::int64_t nanoseconds(struct ::timespec const& t) noexcept {
        return std::int64_t{t.tv_sec} * 1'000'000'000 + std::int64_t{t.tv_nsec};
    }
};

struct opened_secret {
    file opened;
    struct ::stat status;
    file_identity seen;
};

[[nodiscard]] inline result<opened_secret> open_secret(std::string const& path) {
    auto opened = file::open(path, O_RDONLY | O_NONBLOCK, errc::secret_unreadable);
    if (!opened) return opened.error();
    struct ::stat status{};
    if (!opened->status(status)) return file::last_error(errc::secret_unreadable, path);
    if (!S_ISREG(status.st_mode)) return secret_unreadable(path, "is no regular file");
    if (status.st_size > 1024 * 1024)
        return secret_unreadable(path, "is too large for a token's file");
    return opened_secret{std::move(*opened), status, file_identity(status)};
}

struct read_token {
    held_token token{};
    secret client_secret{};
};

/// The lines that a file sink writes. The secret's must have an end: a file that is written in
/// place may be seen before it has.
[[nodiscard]] inline std::optional<read_token> token_of_lines(std::string_view string) {
    auto const client_secret = value_in(string, secret_line);
    if (!value_in(string, client_id_line) || !client_secret) return std::nullopt;
    if (client_secret->data() + client_secret->size() == string.data() + string.size())
        return std::nullopt;
    read_token read;
    read.token = ids_in(string);
    read.client_secret = secret(*client_secret);
    return read;
}

/// An object with the API's names.
[[nodiscard]] inline std::optional<read_token> token_of_json(std::string_view string) {
    json_document const document(string);
    if (!document.is_valid()) return std::nullopt;
    read_token read;
    json_object_reader in(document.root());
    in.optional("id", read.token.token_id);
    in.required("client_id", read.token.client_id);
    in.required("client_secret", read.client_secret);
    in.optional("client_secret_version", read.token.version);
    auto done = in.finish(std::move(read));
    return done ? std::optional(std::move(*done)) : std::nullopt;
}

/// One line, which is the secret.
[[nodiscard]] inline std::optional<read_token> token_of_secret(std::string_view string,
                                                               std::string const& client_id) {
    if (string.ends_with('\n')) string.remove_suffix(1);
    if (string.empty() || string.find_first_of("= \n\r\t") != string.npos) return std::nullopt;
    read_token read;
    read.token.client_id = client_id;
    read.client_secret = secret(string);
    return read;
}

/// @param client_id for a file that has the secret alone; empty: none is expected
[[nodiscard]] inline result<read_token>
read_secret(std::string const& path, opened_secret const& from, std::string const& client_id) {
    wiped_string string;
    if (!from.opened.read(string)) return file::last_error(errc::secret_unreadable, path);
    // Who writes to a file in place may be seen half way.
    struct ::stat after{};
    if (!from.opened.status(after)) return file::last_error(errc::secret_unreadable, path);
    if (file_identity(after) != from.seen || string.size() != from.seen.size)
        return secret_unreadable(path, "is being written to");
    auto const first = string.find_first_not_of(" \t\r\n");
    bool const is_json = first != string.npos && string[first] == '{';
    auto read = is_json ? token_of_json(string) : token_of_lines(string);
    if (!read && !client_id.empty()) read = token_of_secret(string, client_id);
    if (!read)
        return secret_unreadable(path, "holds no client id and secret, as whole lines or as JSON");
    read->token.since =
        timestamp(std::chrono::sys_seconds(std::chrono::seconds(from.status.st_mtime)));
    return std::move(*read);
}

} // namespace cloudflare::inline v0::access::detail

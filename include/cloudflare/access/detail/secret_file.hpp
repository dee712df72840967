/// One file with one token's ids and secret: written whole, replaced with care. What the file sinks
/// share.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/detail/system_random.hpp>
#include <cloudflare/http/percent_encoding.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

inline constexpr std::string_view id_line = "CF_ACCESS_TOKEN_ID=";
inline constexpr std::string_view client_id_line = "CF_ACCESS_CLIENT_ID=";
inline constexpr std::string_view secret_line = "CF_ACCESS_CLIENT_SECRET=";
inline constexpr std::string_view version_line = "CF_ACCESS_CLIENT_SECRET_VERSION=";
inline constexpr std::string_view key_line = "CF_ACCESS_TOKEN_KEY=";
inline constexpr std::string_view tag_line = "CF_ACCESS_TOKEN_TAG=";

/// What stands behind `name` at the beginning of a line; the first such line counts.
[[nodiscard]] inline std::optional<std::string_view> value_in(std::string_view text,
                                                              std::string_view name) noexcept {
    while (!text.empty()) {
        auto const line = text.substr(0, text.find('\n'));
        if (line.starts_with(name)) return line.substr(name.size());
        text.remove_prefix((std::min)(text.size(), line.size() + 1));
    }
    return std::nullopt;
}

/// The ids and the version that a file's lines tell; each empty where they do not.
[[nodiscard]] inline held_token ids_in(std::string_view text) {
    held_token held{std::string(value_in(text, id_line).value_or("")),
                    std::string(value_in(text, client_id_line).value_or(""))};
    auto const version = value_in(text, version_line).value_or("");
    std::from_chars(version.data(), version.data() + version.size(), held.version);
    return held;
}

[[nodiscard]] inline bool has_controls(std::string_view text) noexcept {
    auto const is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    return std::any_of(text.begin(), text.end(), is_control);
}

/// A key as it stands in a file: on one line, and fit for a shell.
[[nodiscard]] inline std::string key_text(std::string_view key) {
    std::string text;
    http::append_percent_encoded(text, key);
    return text;
}

/// The text of a file that held `old`: the token's lines, and all other lines as they were.
///
/// @param of the intent that the token comes with, whose key and tag are written down; null: what
/// the file says of them stays
[[nodiscard]] inline wiped_string secret_text(issued_service_token const& token, intent const* of,
                                              std::string_view old) {
    struct line {
        std::string_view name;
        wiped_string value;
        bool is_ours = true;
        bool written = false;
    };
    bool const has_key = of != nullptr && !of->key.empty() && of->key != of->tag;
    auto const version = token.client_secret_version.value_or(0);
    line lines[] = {{id_line, wiped_string(token.id)},
                    {client_id_line, wiped_string(token.client_id)},
                    {secret_line, wiped_string(token.client_secret.reveal())},
                    {version_line, wiped_string(std::to_string(version))},
                    {key_line, wiped_string(has_key ? key_text(of->key) : ""), of != nullptr},
                    {tag_line, wiped_string(of != nullptr ? of->tag : ""), of != nullptr}};
    lines[3].written = !token.client_secret_version;
    lines[4].written = !has_key;
    lines[5].written = of == nullptr || of->tag.empty();
    wiped_string text;
    text.reserve(old.size() + 512);
    auto const write = [&](line& l) {
        if (!std::exchange(l.written, true)) text.append(l.name).append(l.value) += '\n';
    };
    while (!old.empty()) {
        auto const there = old.substr(0, old.find('\n'));
        auto const ours = std::find_if(std::begin(lines), std::end(lines), [&](line const& l) {
            return l.is_ours && there.starts_with(l.name);
        });
        if (ours != std::end(lines)) {
            write(*ours);
        } else {
            text.append(there) += '\n';
        }
        old.remove_prefix((std::min)(old.size(), there.size() + 1));
    }
    for (auto& l : lines)
        write(l);
    return text;
}

/// Reads and writes one such file. Writers of one directory exclude each other by a lock on it, as
/// far as the file system has locks.
template <class System>
class secret_file {
public:
    using file = basic_file<System>;

    /// @param path may be a symbolic link: then what it leads to is read and replaced
    /// @param patience how long to wait for another writer
    /// @param replaces the id of a token that counts as not held, and that any may replace
    secret_file(std::string path, std::chrono::milliseconds patience, std::string replaces = {})
        : path_(std::move(path)), patience_(patience), replaces_(std::move(replaces)) {}

    /// What the file holds; nothing where there is no file, or one that holds no token. A missing
    /// directory is an error, for it may be a volume that is not mounted.
    ///
    /// @param key nothing, too, where the file says that its token is another key's; empty: any
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key = {}) const {
        auto const target = resolve_links<System>(path_, errc::sink_failed);
        if (!target) return target.error();
        auto held = read(*target);
        if (!held) return held.error();
        bool const is_replaced = held->token && held->token->token_id == replaces_;
        if (is_replaced || !may_be_of(*held, key)) held->token.reset();
        return std::move(held->token);
    }

    /// Whether `store` of this token would succeed, as far as can be told: tries all that it would
    /// do but the last step.
    ///
    /// @param token_id the token that may be there already; empty: none may
    [[nodiscard]] result<void> prepare(std::string_view token_id) const {
        auto const placed = place();
        if (!placed) return placed.error();
        auto const held = read(placed->path);
        if (!held) return held.error();
        if (auto const free = check_free(*held, token_id); !free) return free;
        auto const trial =
            write_beside(*placed, *held, wiped_string(held->text.size() + 1024, '#'));
        if (!trial) return trial.error();
        System::unlink(trial->c_str());
        return {};
    }

    /// The secret that the file holds; nothing where it holds no token.
    [[nodiscard]] result<std::optional<secret>> secret_of(std::string_view key) const {
        auto const target = resolve_links<System>(path_, errc::sink_failed);
        if (!target) return target.error();
        auto const held = read(*target);
        if (!held) return held.error();
        std::optional<secret> found;
        bool const is_held = held->token && held->token->token_id != replaces_;
        if (is_held && may_be_of(*held, key))
            found.emplace(value_in(held->text, secret_line).value_or(std::string_view()));
        return found;
    }

    /// Writes the token's secret, in place of an older one of the same token.
    ///
    /// @param of the intent that the token comes with, if any
    [[nodiscard]] result<void> store(issued_service_token const& token,
                                     intent const* of = nullptr) const {
        for (std::string_view const part :
             {std::string_view(token.id), std::string_view(token.client_id),
              token.client_secret.reveal()})
            if (has_controls(part))
                return failed("a line cannot hold this token: a control character");
        auto const placed = place();
        if (!placed) return placed.error();
        auto const held = read(placed->path);
        if (!held) return held.error();
        if (auto const free = check_free(*held, token.id); !free) return free;
        bool const is_there = held->token && held->token->token_id == token.id;
        if (is_there && token.client_secret_version.value_or(0) < held->token->version)
            return failed("holds a later secret of " + token.id);
        auto const text = secret_text(token, is_there ? nullptr : of, held->text);
        if (text == held->text) return sync(*placed);

        auto const beside = write_beside(*placed, *held, text);
        if (!beside) return beside.error();
        auto const moved =
            held->exists ? replace(*beside, placed->path) : put_new(*beside, placed->path);
        if (!moved) {
            System::unlink(beside->c_str());
            return moved;
        }
        return sync(*placed);
    }

    /// Removes the file if it holds this token.
    [[nodiscard]] result<void> forget(std::string_view token_id) const {
        auto const placed = place();
        if (!placed) return placed.error();
        auto const held = read(placed->path);
        if (!held) return held.error();
        if (!held->token || held->token->token_id != token_id) return {};
        if (System::unlink(placed->path.c_str()) != 0) return last_error();
        return sync(*placed);
    }

    /// Puts what `change` gives in the place of the token's secret, if the file holds the token. All
    /// else stays, the time of the file's last change too.
    [[nodiscard]] result<void> rewrite(std::string_view token_id,
                                       secret_change const& change) const {
        auto const placed = place();
        if (!placed) return placed.error();
        auto const held = read(placed->path);
        if (!held) return held.error();
        if (!held->token || held->token->token_id != token_id) return {};
        auto changed = change(
            *held->token, secret(value_in(held->text, secret_line).value_or(std::string_view())));
        if (!changed) return changed.error();
        issued_service_token token;
        token.id = held->token->token_id;
        token.client_id = held->token->client_id;
        if (held->token->version != 0) token.client_secret_version = held->token->version;
        token.client_secret = std::move(*changed);
        auto const text = secret_text(token, nullptr, held->text);
        if (text == held->text) return {};

        auto const beside = write_beside(*placed, *held, text);
        if (!beside) return beside.error();
        auto moved = result<void>();
        if (System::change_time(beside->c_str(), held->status.st_mtime) != 0) moved = last_error();
        if (moved) moved = replace(*beside, placed->path);
        if (!moved) {
            System::unlink(beside->c_str());
            return moved;
        }
        return sync(*placed);
    }

private:
    struct contents {
        bool exists = false;
        struct ::stat status{};
        wiped_string text{};
        std::optional<held_token> token{};
    };
    /// Where the file goes, with its directory open and locked.
    struct location {
        std::string path;
        file directory;
        bool locked;
    };

    [[nodiscard]] error failed(std::string const& why) const {
        return {errc::sink_failed,
                error_details{.explanation = path_ + ": " + why, .delivery = delivery::not_sent}};
    }
    [[nodiscard]] error last_error(char const* what = "") const {
        return file::last_error(errc::sink_failed, path_ + what);
    }

    [[nodiscard]] result<contents> read(std::string const& target) const {
        contents c;
        auto const opened = file::open(target, O_RDONLY | O_NONBLOCK, errc::sink_failed);
        if (!opened) {
            if (opened.error().details().cause.value() != ENOENT) return opened.error();
            auto const directory = open_directory_of<System>(target, errc::sink_failed);
            if (!directory) return directory.error();
            return c;
        }
        if (!opened->status(c.status)) return last_error();
        if (!S_ISREG(c.status.st_mode)) return failed("is no regular file");
        if (!opened->read(c.text)) return last_error();
        c.exists = true;
        auto held = ids_in(c.text);
        if (held.token_id.empty() || !value_in(c.text, secret_line)) return c;
        held.since = timestamp(std::chrono::sys_seconds(std::chrono::seconds(c.status.st_mtime)));
        held.tag = value_in(c.text, tag_line).value_or("");
        auto const key = value_in(c.text, key_line);
        held.key = key ? http::percent_decode(*key).value_or("") : held.tag;
        c.token = std::move(held);
        return c;
    }

    /// A file of which the tag is not known was not written by an issue: it may be any key's.
    [[nodiscard]] static bool may_be_of(contents const& held, std::string_view key) {
        if (key.empty() || !held.token || held.token->tag.empty()) return true;
        auto const recorded = value_in(held.text, key_line);
        return recorded ? *recorded == key_text(key) : held.token->tag == key;
    }

    /// Opens and locks the directory, and removes what writers that died left in it.
    [[nodiscard]] result<location> place() const {
        auto target = resolve_links<System>(path_, errc::sink_failed);
        if (!target) return target.error();
        auto directory = open_directory_of<System>(*target, errc::sink_failed);
        if (!directory) return directory.error();
        auto const locked =
            directory->lock(LOCK_EX, patience_, errc::sink_failed, directory_of(*target));
        if (!locked && locked.error().details().cause.value() == EWOULDBLOCK) return locked.error();
        location l{std::move(*target), std::move(*directory), locked.has_value()};
        if (l.locked) sweep(l);
        return l;
    }

    /// Only who has the lock writes files beside, so all of them are left over.
    void sweep(location const& l) const {
        std::vector<std::string> names;
        auto const directory = directory_of(l.path);
        if (System::list(directory.c_str(), names) != 0) return;
        auto const prefix = base_name_of(l.path) + ".new.";
        for (auto const& name : names) {
            auto const path = directory + '/' + name;
            if (is_left_over(name, '.' + prefix, 16) ||
                (is_left_over(name, prefix, 1) && holds_secret(path)))
                System::unlink(path.c_str());
        }
    }
    [[nodiscard]] static bool is_left_over(std::string_view name, std::string_view prefix,
                                           std::size_t digits) noexcept {
        if (!name.starts_with(prefix)) return false;
        name.remove_prefix(prefix.size());
        return name.size() >= digits && name.find_first_not_of("0123456789abcdef") == name.npos;
    }
    /// Earlier versions wrote to `NAME.new.PID`, which may be a name of the user's, too.
    [[nodiscard]] static bool holds_secret(std::string const& path) {
        auto const opened = file::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, errc::sink_failed);
        wiped_string text;
        return opened && opened->read(text) && text.starts_with(id_line);
    }

    [[nodiscard]] result<void> check_free(contents const& held, std::string_view token_id) const {
        if (!held.exists) return {};
        if (!held.token) return failed("exists, and holds no token");
        auto const& there = held.token->token_id;
        if (there != token_id && (replaces_.empty() || there != replaces_))
            return failed("holds the token " + there);
        return {};
    }

    /// Writes the text to a new file beside, on the disk, with the rights of the one to be
    /// replaced.
    [[nodiscard]] result<std::string> write_beside(location const& l, contents const& held,
                                                   wiped_string const& text) const {
        if (held.exists && System::is_mount_point(l.path.c_str()) == 1)
            return failed("is a mount point, which cannot be replaced");
        std::string digits;
        for (auto bits = cloudflare::detail::system_random(); digits.size() != 16; bits >>= 4)
            digits += "0123456789abcdef"[bits & 15];
        auto beside = directory_of(l.path) + "/." + base_name_of(l.path) + ".new." + digits;
        auto const opened =
            file::open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, errc::sink_failed);
        if (!opened) return opened.error();
        auto const written = fill(*opened, held, text);
        if (written) return beside;
        System::unlink(beside.c_str());
        return written.error();
    }

    [[nodiscard]] result<void> fill(file const& opened, contents const& held,
                                    wiped_string const& text) const {
        if (held.exists) {
            struct ::stat own{};
            if (!opened.status(own)) return last_error();
            bool const same = own.st_uid == held.status.st_uid && own.st_gid == held.status.st_gid;
            if (!same && System::change_owner(opened.descriptor(), held.status.st_uid,
                                              held.status.st_gid) != 0)
                return last_error(": its owner and group cannot be kept");
            if (System::change_mode(opened.descriptor(), held.status.st_mode & 07777) != 0)
                return last_error();
        }
        if (!opened.write(text) || !opened.sync()) return last_error();
        return {};
    }

    [[nodiscard]] result<void> replace(std::string const& beside, std::string const& target) const {
        if (System::rename(beside.c_str(), target.c_str()) != 0) return last_error();
        return {};
    }

    /// Moves the file to a place where nothing is: two processes cannot take the same one.
    [[nodiscard]] result<void> put_new(std::string const& beside, std::string const& target) const {
        if (System::rename_to_new(beside.c_str(), target.c_str()) == 0) return {};
        if (errno == EEXIST) return last_error();
        if (System::link(beside.c_str(), target.c_str()) == 0) {
            System::unlink(beside.c_str());
            return {};
        }
        if (errno == EEXIST) return last_error();
        // Neither is known here: the place is taken by an empty file, which is then replaced.
        {
            auto const taken =
                file::open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, errc::sink_failed);
            if (!taken) return taken.error();
        }
        auto const replaced = replace(beside, target);
        if (!replaced) System::unlink(target.c_str());
        return replaced;
    }

    [[nodiscard]] result<void> sync(location const& l) const {
        if (!l.directory.sync()) return last_error();
        return {};
    }

    std::string path_;
    std::chrono::milliseconds patience_;
    std::string replaces_;
};

} // namespace cloudflare::inline v0::access::detail

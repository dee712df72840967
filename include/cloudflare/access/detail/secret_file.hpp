/// One file with one token's ids and secret, written and replaced as a whole: what the file sinks
/// share.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/detail/name_lock.hpp>
#include <cloudflare/access/detail/replacement.hpp>
#include <cloudflare/access/detail/secret_json.hpp>
#include <cloudflare/access/detail/secret_lines.hpp>
#include <cloudflare/access/secret_format.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/detail/utf8.hpp>
#include <cloudflare/http/percent_encoding.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// Whom a writer excludes.
enum class lock_extent : unsigned char {
    directory, ///< all that write in the directory
    file       ///< those that write the same file, or lock the whole directory
};

/// Reads and writes one such file. Writers exclude each other as far as the file system has locks.
template <class System>
class secret_file {
public:
    using file = basic_file<System>;

    /// @param path may be a symbolic link: then what it leads to is read and replaced
    /// @param patience how long to wait for another writer
    /// @param replaces the id of a token that counts as not held, and that any other may replace
    /// @param of_new the format of a file that is not there yet
    /// @param extent if `file`, writers of other files may be at work at the same time
    secret_file(std::string path, std::chrono::milliseconds patience, std::string replaces = {},
                secret_format of_new = secret_format::lines,
                lock_extent extent = lock_extent::directory)
        : path_(std::move(path)),
          patience_(patience),
          replaces_(std::move(replaces)),
          of_new_(of_new),
          extent_(extent) {}

    /// What the file holds; nothing if there is no file, or it holds no token. A missing directory
    /// is an error, because it may be a volume that is not mounted.
    ///
    /// @param key if not empty, a file that says that its token is another key's holds nothing
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key = {}) const {
        auto held = read_for(key);
        if (!held) return held.error();
        return std::move(held->token);
    }

    /// The secret that the file holds; nothing if it holds no token.
    [[nodiscard]] result<std::optional<secret>> secret_of(std::string_view key) const {
        auto const held = read_for(key);
        if (!held) return held.error();
        return held->token ? std::optional(held->client_secret) : std::nullopt;
    }

    /// Whether `store` of this token would succeed, as far as can be told: does all but the last
    /// step.
    ///
    /// @param token_id the token that may be there already; empty: none may
    [[nodiscard]] result<void> prepare(std::string_view token_id) const {
        auto there = open();
        if (!there) return there.error();
        if (auto const free = check_free(there->held, token_id); !free) return free;
        if (there->held.exists && there->held.status.st_nlink > 1)
            return failed("has other names (hard links), which would keep the old secret");
        auto trial = write_beside(*there, wiped_string(there->held.text.size() + 1024, '#'));
        if (!trial) return trial.error();
        return trial->remove() ? result<void>() : last_error();
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
                return failed("the token has a control character, which would break a line");
            else if (!is_utf8(part))
                return failed("cannot hold this token: it is not UTF-8");
        auto there = open();
        if (!there) return there.error();
        auto const& held = there->held;
        if (auto const free = check_free(held, token.id); !free) return free;
        bool const is_held = held.token && held.token->token_id == token.id;
        if (is_held && token.client_secret_version.value_or(0) < held.token->version)
            return failed("holds a later secret of " + token.id);
        auto const text = text_with(token, is_held ? nullptr : of, held);
        return text == held.text ? sync(*there) : replace(*there, text);
    }

    /// Removes the file if it holds this token.
    [[nodiscard]] result<void> forget(std::string_view token_id) const {
        auto there = open();
        if (!there) return there.error();
        auto const& token = there->held.token;
        if (!token || token->token_id != token_id) return {};
        if (System::unlink(there->path.c_str()) != 0) return last_error_in_doubt();
        return sync(*there);
    }

    /// Replaces the token's secret by what `change` gives, if the file holds the token. Nothing
    /// else changes, nor does the time of the file's last change.
    [[nodiscard]] result<void> rewrite(std::string_view token_id,
                                       secret_change const& change) const {
        auto there = open();
        if (!there) return there.error();
        auto const& held = there->held;
        if (!held.token || held.token->token_id != token_id) return {};
        auto changed = change(*held.token, held.client_secret);
        if (!changed) return changed.error();
        issued_service_token token;
        token.id = held.token->token_id;
        token.client_id = held.token->client_id;
        if (held.token->version != 0) token.client_secret_version = held.token->version;
        token.client_secret = std::move(*changed);
        auto const text = text_with(token, nullptr, held);
        return text == held.text ? result<void>() : replace(*there, text, true);
    }

private:
    struct contents {
        bool exists = false;
        struct ::stat status{};
        wiped_string text{};
        bool is_json = false;
        std::optional<held_token> token{};
        std::optional<std::string> recorded_key{}; // percent-encoded
        secret client_secret{};
    };
    /// The file, locked, with its directory open.
    struct place {
        std::string path;
        file directory;
        std::optional<name_lock<System>> lock;
        contents held;
    };

    [[nodiscard]] error failed(std::string const& why) const {
        return {errc::sink_failed,
                error_details{.explanation = path_ + ": " + why, .delivery = delivery::not_sent}};
    }
    [[nodiscard]] error last_error() const { return file::last_error(errc::sink_failed, path_); }
    /// Of a step that may have changed what the disk holds under the name.
    [[nodiscard]] error last_error_in_doubt() const {
        return last_error().with([](error_details& d) { d.delivery = delivery::unknown; });
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
        c.is_json = is_json_object(c.text);
        auto stored = c.is_json ? stored_in_json(c.text) : stored_in_lines(c.text);
        auto& held = stored.token;
        if (held.token_id.empty() || !stored.client_secret) return c;
        held.since = timestamp(std::chrono::sys_seconds(std::chrono::seconds(c.status.st_mtime)));
        held.key = stored.key ? http::percent_decode(*stored.key).value_or("") : held.tag;
        c.token = std::move(held);
        c.recorded_key = std::move(stored.key);
        c.client_secret = std::move(*stored.client_secret);
        return c;
    }

    /// The same without a token that another replaces, or that is another key's.
    [[nodiscard]] result<contents> read_for(std::string_view key) const {
        auto const target = resolve_links<System>(path_, errc::sink_failed);
        if (!target) return target.error();
        auto held = read(*target);
        if (!held) return held;
        bool const is_replaced = held->token && held->token->token_id == replaces_;
        if (is_replaced || !may_be_of(*held, key)) held->token.reset();
        return held;
    }
    /// A file without a tag was not written by an issue: it may be any key's.
    [[nodiscard]] static bool may_be_of(contents const& held, std::string_view key) {
        if (key.empty() || !held.token || held.token->tag.empty()) return true;
        return held.recorded_key ? *held.recorded_key == key_text(key) : held.token->tag == key;
    }

    /// The file's text with this token, in the file's own format.
    [[nodiscard]] wiped_string text_with(issued_service_token const& token, intent const* of,
                                         contents const& held) const {
        bool const is_json = held.exists ? held.is_json : of_new_ == secret_format::json;
        return is_json ? secret_object(token, of, held.text) : secret_text(token, of, held.text);
    }

    /// Opens the directory, locks, removes what writers of the file that died left, and reads it.
    [[nodiscard]] result<place> open() const {
        auto target = resolve_links<System>(path_, errc::sink_failed);
        if (!target) return target.error();
        auto directory = open_directory_of<System>(*target, errc::sink_failed);
        if (!directory) return directory.error();
        std::optional<name_lock<System>> lock;
        if (extent_ == lock_extent::file) {
            auto taken = lock_name(*directory, *target);
            if (!taken) return taken.error();
            if (*taken) lock.emplace(std::move(**taken));
        }
        if (lock) {
            sweep(*target);
        } else {
            auto const is_locked = lock_directory(*directory, *target, LOCK_EX);
            if (!is_locked) return is_locked.error();
            if (*is_locked) {
                name_lock<System>::remove_left_over(*target);
                sweep(*target);
            }
        }
        auto held = read(*target);
        if (!held) return held.error();
        return place{std::move(*target), std::move(*directory), std::move(lock), std::move(*held)};
    }
    /// @return nothing if the directory has to be locked instead
    [[nodiscard]] result<std::optional<name_lock<System>>>
    lock_name(file const& directory, std::string const& target) const {
        auto const is_shared = lock_directory(directory, target, LOCK_SH);
        if (!is_shared) return is_shared.error();
        if (!*is_shared) return std::optional<name_lock<System>>();
        return name_lock<System>::take(target, patience_, errc::sink_failed);
    }
    /// @return false if the file system has no locks
    [[nodiscard]] result<bool> lock_directory(file const& directory, std::string const& target,
                                              int operation) const {
        auto const locked =
            directory.lock(operation, patience_, errc::sink_failed, directory_of(target));
        if (!locked && locked.error().details().cause.value() == EWOULDBLOCK) return locked.error();
        return locked.has_value();
    }

    /// Only a writer that has the lock makes files beside, so all of this name are left over.
    static void sweep(std::string const& target) {
        std::vector<std::string> names;
        auto const directory = directory_of(target);
        if (System::list(directory.c_str(), names) != 0) return;
        auto const prefix = replacement_prefix(target);
        for (auto const& name : names) {
            auto const path = directory + '/' + name;
            if (digits_after('.' + prefix, name) == replacement<System>::digits ||
                (digits_after(prefix, name) != 0 && holds_secret(path)))
                System::unlink(path.c_str());
        }
    }
    /// A file `NAME.new.DIGITS` without a dot in front may be the user's own.
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

    /// What would make the last step fail.
    [[nodiscard]] result<void> check_replaceable(place const& there) const {
        if (!there.held.exists) return {};
        if (System::is_mount_point(there.path.c_str()) == 1)
            return failed("is a mount point, which cannot be replaced");
        if (System::is_immutable(there.path.c_str()) == 1)
            return failed("is immutable or append-only (chattr), and cannot be replaced");
        return {};
    }

    /// Writes the text to a new file beside, with the rights of the one that it replaces.
    [[nodiscard]] result<replacement<System>> write_beside(place const& there,
                                                           wiped_string const& text) const {
        auto const& held = there.held;
        if (auto const ok = check_replaceable(there); !ok) return ok.error();
        auto fresh = replacement<System>::make(
            directory_of(there.path), '.' + replacement_prefix(there.path), errc::sink_failed);
        if (!fresh) return fresh;
        if (held.exists)
            if (auto const ok = fresh->copy_rights(held.status, errc::sink_failed, path_); !ok)
                return ok.error();
        if (!fresh->file().write(text)) return last_error();
        return fresh;
    }

    /// @param keeps_time whether the time of the file's last change stays
    [[nodiscard]] result<void> replace(place& there, wiped_string const& text,
                                       bool keeps_time = false) const {
        auto fresh = write_beside(there, text);
        if (!fresh) return fresh.error();
        if (!fresh->file().sync()) return last_error();
        auto const& held = there.held;
        if (keeps_time && System::change_time(fresh->path().c_str(), held.status.st_mtime) != 0)
            return last_error();
        bool const is_moved =
            held.exists ? fresh->move_to(there.path) : fresh->move_to_new(there.path);
        return is_moved ? sync(there) : last_error_in_doubt();
    }
    /// Ends the lock of the file, which is as it should be, and flushes the directory.
    [[nodiscard]] result<void> sync(place& there) const {
        there.lock.reset();
        if (!there.directory.sync()) return last_error_in_doubt();
        return {};
    }

    std::string path_;
    std::chrono::milliseconds patience_;
    std::string replaces_;
    secret_format of_new_;
    lock_extent extent_;
};

} // namespace cloudflare::inline v0::access::detail

/// A log of intents that is a file: appended to, put on the disk, and readable after any crash.
#pragma once

#include <cloudflare/access/file.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/protocol/json_document.hpp>
#include <cloudflare/protocol/json_object_reader.hpp>
#include <cloudflare/protocol/json_writer.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

namespace detail {

/// CRC-32 (IEEE 802.3) as 8 hexadecimal digits.
[[nodiscard]] inline std::string crc32_text(std::string_view text) {
    std::uint32_t crc = 0xffffffff;
    for (char const c : text) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit != 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    }
    std::string digits;
    for (int shift = 28; shift >= 0; shift -= 4)
        digits += "0123456789abcdef"[(~crc >> shift) & 15];
    return digits;
}

} // namespace detail

/// Keeps intents in a file. Several processes may share it; each write is made under a lock on the
/// file.
///
/// A line is a checksum and a JSON object:
/// `{"open":TAG,"scope":..,"id":..,"name":..,"note":..,"at":..}` or
/// `{"close":TAG}`. A line that is cut or damaged, which a crash can leave at the end only, is
/// passed over and cut off by the next write. When no intent is open, a file past 64 KiB is
/// emptied.
class file_intent_log {
public:
    /// @param path the file, made with the first intent; its directory must exist
    explicit file_intent_log(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// `errc::invalid_argument` where the name or the note is not UTF-8.
    [[nodiscard]] result<void> open(intent const& i) {
        if (!is_utf8(i.name) || !is_utf8(i.note))
            return error(errc::invalid_argument, "intent: name and note must be UTF-8");
        json_object_writer json;
        json.add("open", i.tag).add("scope", i.scope.is_account() ? "account" : "zone");
        json.add("id", i.scope.id()).add("name", i.name).add("note", i.note);
        json.add("at", i.opened_at.to_string());
        json.add("key", i.key).add("sink", i.sink).add("token", i.token_id);
        json.add("purpose", static_cast<std::int64_t>(i.purpose));
        json.add("state", static_cast<std::int64_t>(i.state));
        json.add("version", i.version).add("until", i.until.to_string());
        json.add("revision", i.revision);
        return append(std::move(json).finish());
    }

    [[nodiscard]] result<void> close(std::string_view tag) {
        json_object_writer json;
        json.add("close", tag);
        return append(std::move(json).finish());
    }

    [[nodiscard]] result<std::optional<intent>> insert(intent const& i) {
        auto const all = open_intents();
        if (!all) return all.error();
        for (auto const& held : *all)
            if (held.tag == i.tag || holds_key_of(held, i)) return std::optional<intent>(held);
        if (auto const written = open(i); !written) return written.error();
        return std::optional<intent>();
    }
    [[nodiscard]] result<void> update(intent const& i) {
        if (auto const same = check_revision(i); !same) return same;
        auto next = i;
        ++next.revision;
        if (auto const closed = close(i.tag); !closed) return closed;
        return open(next);
    }
    [[nodiscard]] result<void> erase(intent const& i) {
        if (auto const same = check_revision(i); !same) return same;
        return close(i.tag);
    }
    [[nodiscard]] result<std::vector<intent>> list() const { return open_intents(); }

    [[nodiscard]] result<std::vector<intent>> open_intents() const {
        auto const opened = file::open(path_, O_RDONLY, errc::intent_log_failed);
        if (!opened && errno == ENOENT) return std::vector<intent>();
        if (!opened) return opened.error();
        if (::flock(opened->descriptor(), LOCK_SH) != 0) return failed();
        wiped_string text;
        if (!opened->read(text)) return failed();
        return parse(text).open;
    }

private:
    struct contents {
        std::vector<intent> open{};
        std::size_t whole = 0; ///< bytes up to the end of the last good line
    };

    [[nodiscard]] result<void> check_revision(intent const& i) const {
        auto const all = open_intents();
        if (!all) return all.error();
        for (auto const& held : *all)
            if (held.tag == i.tag && held.revision == i.revision) return {};
        return error(errc::conflict,
                     "intent " + i.tag + ": written or erased by somebody else since");
    }

    static constexpr std::size_t size_to_empty = std::size_t{64} * 1024;

    [[nodiscard]] error failed() const { return file::last_error(errc::intent_log_failed, path_); }

    [[nodiscard]] result<void> append(std::string const& json) {
        auto const opened = file::open(path_, O_RDWR | O_CREAT, errc::intent_log_failed);
        if (!opened) return opened.error();
        if (::flock(opened->descriptor(), LOCK_EX) != 0) return failed();
        wiped_string text;
        if (!opened->read(text)) return failed();

        auto const old = parse(text);
        auto const line = detail::crc32_text(json) + ' ' + json + '\n';
        bool const empties = old.whole >= size_to_empty && old.open.empty();
        auto const end = empties ? 0 : static_cast<off_t>(old.whole);
        bool const written = ::ftruncate(opened->descriptor(), end) == 0 &&
                             ::lseek(opened->descriptor(), end, SEEK_SET) == end &&
                             opened->write(line) && opened->sync() &&
                             (old.whole != 0 || sync_directory());
        if (!written) return failed();
        return {};
    }

    [[nodiscard]] bool sync_directory() const {
        auto const directory = open_directory_of(path_, errc::intent_log_failed);
        return directory && directory->sync();
    }

    /// Reads line by line, up to the first that is not whole.
    [[nodiscard]] static contents parse(std::string_view text) {
        contents c;
        for (auto rest = text; !rest.empty();) {
            auto const end = rest.find('\n');
            if (end == rest.npos || !apply(rest.substr(0, end), c.open)) break;
            rest.remove_prefix(end + 1);
            c.whole = text.size() - rest.size();
        }
        return c;
    }

    /// Carries one line out on the open intents; false where it is damaged. A whole line that is
    /// not understood, of a later version perhaps, is passed over.
    [[nodiscard]] static bool apply(std::string_view line, std::vector<intent>& open) {
        if (line.size() < 9 || detail::crc32_text(line.substr(9)) != line.substr(0, 8))
            return false;
        json_document const document(line.substr(9));
        json_object_reader in(document.root());
        std::string closed, tag, scope, id, name, note, key, sink, token;
        timestamp at, until;
        std::int64_t purpose = 0, state = 0, version = 0, revision = 1;
        in.optional("close", closed);
        in.optional("open", tag);
        in.optional("scope", scope);
        in.optional("id", id);
        in.optional("name", name);
        in.optional("note", note);
        in.optional("at", at);
        in.optional("key", key);
        in.optional("sink", sink);
        in.optional("token", token);
        in.optional("purpose", purpose);
        in.optional("state", state);
        in.optional("version", version);
        in.optional("until", until);
        in.optional("revision", revision);
        if (!closed.empty()) {
            std::erase_if(open, [&](intent const& i) { return i.tag == closed; });
            return true;
        }
        auto const where = parse_scope(scope, id);
        if (!where || tag.empty()) return true;
        intent i(tag, *where, name, at, note);
        i.key = key;
        i.sink = sink;
        i.token_id = token;
        i.purpose = static_cast<intent_purpose>(purpose);
        i.state = static_cast<intent_state>(state);
        i.version = version;
        i.until = until;
        i.revision = revision;
        open.push_back(std::move(i));
        return true;
    }

    [[nodiscard]] static std::optional<any_scope> parse_scope(std::string_view kind,
                                                              std::string_view id) {
        if (kind == "zone") {
            auto const zone = zone_scope::parse(id);
            return zone ? std::optional<any_scope>(*zone) : std::nullopt;
        }
        auto const account = account_scope::parse(id);
        return account ? std::optional<any_scope>(*account) : std::nullopt;
    }

    std::string path_;
};

static_assert(intent_log<file_intent_log>);

} // namespace cloudflare::inline v0::access

/// The lines of an intent log's file: what they say, and how they are written. No I/O.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/core/detail/crc32.hpp>
#include <cloudflare/json/document.hpp>
#include <cloudflare/json/object_reader.hpp>
#include <cloudflare/json/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// The first line of every file.
inline constexpr std::string_view journal_format = "# cloudflare-access intents, format 1\n";

/// CRC-32 as 8 hexadecimal digits.
[[nodiscard]] inline std::string crc32_text(std::string_view text) {
    auto const crc = cloudflare::detail::crc32(text);
    std::string digits;
    for (int shift = 28; shift >= 0; shift -= 4)
        digits += "0123456789abcdef"[(crc >> shift) & 15];
    return digits;
}

/// An intent's `writer`, if it has one.
template <class Intent>
[[nodiscard]] auto writer_of(Intent& i) noexcept {
    if constexpr (requires { i.writer; }) {
        return &i.writer;
    } else {
        return static_cast<std::string*>(nullptr);
    }
}

/// The intents that remain after a file's lines, and each line that is not understood.
///
/// A line is a checksum, a space and a JSON object: `{"open":TAG, ...}` for an intent that was
/// inserted or updated, `{"close":TAG}` for one that was erased.
class intent_journal {
public:
    /// Applies one line, without its newline.
    void apply(std::string_view line) {
        bytes_ += line.size() + 1;
        // A crash of the machine may leave zeros before what was written later.
        if (auto const zeros = (std::min)(line.find_first_not_of('\0'), line.size()); zeros != 0) {
            keep_damaged(line.substr(0, zeros));
            line.remove_prefix(zeros);
            if (line.empty()) return;
        }
        for (int damaged_newlines = 0; !is_whole(line); ++damaged_newlines) {
            auto const size = damaged_newlines == 8 ? 0 : whole_part(line);
            if (size == 0) return keep_damaged(line);
            apply_whole(line.substr(0, size));
            keep_damaged(line.substr(size, 1));
            line.remove_prefix(size + 1);
            if (line.empty()) return;
        }
        apply_whole(line);
    }

    /// The size of the whole line that `text` begins with if another byte stands where its newline
    /// was; 0 if there is none.
    [[nodiscard]] static std::size_t whole_part(std::string_view text) {
        for (std::size_t end = text.find('}'), tries = 0; end != text.npos && tries != 16;
             end = text.find('}', end + 1)) {
            auto const behind = text.substr((std::min)(end + 2, text.size()));
            bool const may_be_end =
                end + 1 != text.size() && (behind.empty() || may_be_cut_line(behind));
            if (!may_be_end) continue;
            if (is_whole(text.substr(0, end + 1))) return end + 1;
            ++tries;
        }
        return 0;
    }
    /// Whether an unterminated end holds a line all the same, which counts.
    [[nodiscard]] static bool holds_line(std::string_view end) {
        return is_whole(end) || whole_part(end) != 0;
    }

    /// Whether a line's checksum is right.
    [[nodiscard]] static bool is_whole(std::string_view line) {
        return line.size() >= 9 && line[8] == ' ' &&
               crc32_text(line.substr(9)) == line.substr(0, 8);
    }

    /// Whether an unterminated first line may be what a crash left of the format line.
    [[nodiscard]] static bool may_be_cut_format(std::string_view text) noexcept {
        return journal_format.starts_with(text) ||
               (text.size() <= 4096 && text.find_first_not_of('\0') == text.npos);
    }
    /// Whether an unterminated end may be what a crash left of a line.
    [[nodiscard]] static bool may_be_cut_line(std::string_view end) noexcept {
        if (end.find_first_not_of('\0') == end.npos) return true;
        constexpr std::string_view hex = "0123456789abcdef";
        if (end.substr(0, 8).find_first_not_of(hex) != end.npos) return false;
        return end.size() < 9 || (end[8] == ' ' && (end.size() < 10 || end[9] == '{'));
    }

    [[nodiscard]] static std::string line_of(intent const& i) {
        json_object_writer json;
        json.add("open", i.tag).add("scope", i.scope.is_account() ? "account" : "zone");
        json.add("id", i.scope.id()).add("name", i.name).add("note", i.note);
        json.add("at", i.opened_at.to_string()).add("key", i.key).add("sink", i.sink);
        json.add("token", i.token_id).add("purpose", static_cast<std::int64_t>(i.purpose));
        json.add("state", static_cast<std::int64_t>(i.state)).add("version", i.version);
        json.add("until", i.until.to_string());
        if (auto const* writer = writer_of(i)) json.add("writer", *writer);
        json.add("revision", i.revision);
        return checked(std::move(json).finish());
    }
    [[nodiscard]] static std::string line_of_erased(std::string_view tag) {
        json_object_writer json;
        json.add("close", tag);
        return checked(std::move(json).finish());
    }

    [[nodiscard]] intent const* find(std::string const& tag) const {
        auto const found = by_tag_.find(tag);
        return found == by_tag_.end() ? nullptr : &found->second->value;
    }
    /// The intent that is in the way of inserting `wanted`.
    [[nodiscard]] intent const* in_the_way_of(intent const& wanted) const {
        if (auto const* same = find(wanted.tag)) return same;
        auto [at, end] = by_key_.equal_range(wanted.key);
        for (; at != end; ++at)
            if (holds_key_of(at->second->value, wanted)) return &at->second->value;
        return nullptr;
    }
    [[nodiscard]] std::vector<intent> all() const {
        std::vector<intent> found;
        found.reserve(entries_.size());
        for (auto const& e : entries_)
            found.push_back(e.value);
        return found;
    }

    /// How many lines are damaged.
    [[nodiscard]] std::size_t damaged() const noexcept { return damaged_; }
    /// How many bytes the applied lines had, and how many of them `text` would have.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t live_bytes() const noexcept { return live_bytes_; }

    /// A file with the same intents, and the lines that are not understood.
    [[nodiscard]] std::string text() const {
        std::string all(journal_format);
        all.reserve(all.size() + live_bytes_);
        for (auto const& line : kept_)
            all.append(line) += '\n';
        for (auto const& e : entries_)
            all.append(e.line) += '\n';
        return all;
    }

private:
    struct entry {
        intent value;
        std::string line;
    };
    using place = std::list<entry>::iterator;

    [[nodiscard]] static std::string checked(std::string const& json) {
        return crc32_text(json) + ' ' + json;
    }

    void apply_whole(std::string_view line) {
        json_document const document(line.substr(9));
        if (!has_types_of_format(document.root())) return keep_damaged(line);
        json_object_reader in(document.root());
        std::string closed, opened;
        in.optional("close", closed);
        in.optional("open", opened);
        if (!closed.empty()) return remove(closed);
        auto i = opened.empty() ? std::nullopt : read(document.root());
        if (i) {
            put(std::move(*i), line);
        } else {
            keep(line); // of a later version, perhaps
        }
    }
    void keep(std::string_view line) {
        kept_.emplace_back(line);
        live_bytes_ += line.size() + 1;
    }
    void keep_damaged(std::string_view line) {
        ++damaged_;
        keep(line);
    }

    void put(intent i, std::string_view line) {
        auto const found = by_tag_.find(i.tag);
        live_bytes_ += line.size() + 1;
        if (found != by_tag_.end()) {
            auto& e = *found->second;
            live_bytes_ -= e.line.size() + 1;
            forget_key(found->second);
            e = {std::move(i), std::string(line)};
            by_key_.emplace(e.value.key, found->second);
            return;
        }
        auto const placed = entries_.insert(entries_.end(), {std::move(i), std::string(line)});
        by_tag_.emplace(placed->value.tag, placed);
        by_key_.emplace(placed->value.key, placed);
    }
    void remove(std::string const& tag) {
        auto const found = by_tag_.find(tag);
        if (found == by_tag_.end()) return;
        live_bytes_ -= found->second->line.size() + 1;
        forget_key(found->second);
        entries_.erase(found->second);
        by_tag_.erase(found);
    }
    void forget_key(place p) {
        auto [at, end] = by_key_.equal_range(p->value.key);
        for (; at != end; ++at)
            if (at->second == p) return static_cast<void>(by_key_.erase(at));
    }

    /// Whether each member that `line_of` writes has the type that it writes. No later version of
    /// this format changes one.
    [[nodiscard]] static bool has_types_of_format(json_value object) noexcept {
        constexpr std::string_view strings[] = {"close", "open",  "scope", "id",
                                                "name",  "note",  "at",    "key",
                                                "sink",  "token", "until", "writer"};
        constexpr std::string_view integers[] = {"purpose", "state", "version", "revision"};
        auto const is_in = [](auto const& names, std::string_view name) {
            return std::find(std::begin(names), std::end(names), name) != std::end(names);
        };
        for (json_value const member : object) {
            if (is_in(strings, member.key()) && !member.if_string()) return false;
            if (is_in(integers, member.key()) && !member.if_integer()) return false;
        }
        return true;
    }
    /// Nothing if a member is missing or has a value that this version does not know.
    [[nodiscard]] static std::optional<intent> read(json_value object) {
        json_object_reader in(object);
        std::string tag, scope, id, name, at, until;
        std::int64_t purpose = 0, state = 0;
        in.required("open", tag);
        in.required("scope", scope);
        in.required("id", id);
        in.required("name", name);
        in.required("at", at);
        auto const parsed_scope = parse_scope(scope, id);
        auto const opened_at = timestamp::parse(at);
        if (!parsed_scope || !opened_at) return std::nullopt;
        intent i(tag, *parsed_scope, name, *opened_at);
        in.optional("note", i.note);
        in.optional("key", i.key);
        in.optional("sink", i.sink);
        in.optional("token", i.token_id);
        in.optional("purpose", purpose);
        in.optional("state", state);
        in.optional("version", i.version);
        in.optional("until", until);
        if (auto* const writer = writer_of(i)) in.optional("writer", *writer);
        in.optional("revision", i.revision);
        if (!until.empty()) {
            auto const end = timestamp::parse(until);
            if (!end) return std::nullopt;
            i.until = *end;
        }
        bool const known = purpose >= 0 && purpose <= static_cast<int>(intent_purpose::rotate) &&
                           state >= 0 && state <= static_cast<int>(intent_state::settled);
        if (!known || !in.finish(true)) return std::nullopt;
        i.purpose = static_cast<intent_purpose>(purpose);
        i.state = static_cast<intent_state>(state);
        return i;
    }
    [[nodiscard]] static std::optional<any_scope> parse_scope(std::string_view kind,
                                                              std::string_view id) {
        if (kind == "zone") {
            auto const zone = zone_scope::parse(id);
            return zone ? std::optional<any_scope>(*zone) : std::nullopt;
        }
        auto const account = account_scope::parse(id);
        return account && kind == "account" ? std::optional<any_scope>(*account) : std::nullopt;
    }

    std::list<entry> entries_; // in the order of their inserts
    std::unordered_map<std::string, place> by_tag_;
    std::unordered_multimap<std::string, place> by_key_;
    std::vector<std::string> kept_; // lines that are not understood
    std::size_t damaged_ = 0;
    std::size_t bytes_ = 0;
    std::size_t live_bytes_ = 0;
};

} // namespace cloudflare::inline v0::access::detail

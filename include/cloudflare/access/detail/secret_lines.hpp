/// The lines of a token's file: what they say, and how they are written. No I/O.
#pragma once

#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/http/percent_encoding.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

/// What a token's file tells, in whatever format.
struct stored_secret {
    held_token token{};               ///< its id is empty where the file tells none
    std::optional<std::string> key{}; ///< percent-encoded; empty where none is recorded
    std::optional<secret> client_secret{};
};

[[nodiscard]] inline stored_secret stored_in_lines(std::string_view text) {
    stored_secret stored{ids_in(text)};
    stored.token.tag = value_in(text, tag_line).value_or("");
    if (auto const key = value_in(text, key_line)) stored.key = *key;
    if (auto const client_secret = value_in(text, secret_line))
        stored.client_secret = secret(*client_secret);
    return stored;
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
    auto const& version = token.client_secret_version;
    line lines[] = {{id_line, wiped_string(token.id)},
                    {client_id_line, wiped_string(token.client_id)},
                    {secret_line, wiped_string(token.client_secret.reveal())},
                    {version_line, wiped_string(version ? std::to_string(*version) : "")},
                    {key_line, wiped_string(has_key ? key_text(of->key) : ""), of != nullptr},
                    {tag_line, wiped_string(of != nullptr ? of->tag : ""), of != nullptr}};
    lines[3].written = !version;
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

} // namespace cloudflare::inline v0::access::detail

/// A token's ids and secret as one JSON object: reading it, and writing it anew.
#pragma once

#include <cloudflare/access/detail/secret_lines.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/json/document.hpp>
#include <cloudflare/json/object_reader.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// One member of the object; `value` is JSON.
struct json_member {
    std::string_view name;
    wiped_string value;
    bool is_ours = true; ///< what the file says of it does not stay; else `value` is empty
};

[[nodiscard]] inline bool is_json_object(std::string_view text) noexcept {
    auto const first = text.find_first_not_of(" \t\r\n");
    return first != text.npos && text[first] == '{';
}

[[nodiscard]] inline stored_secret stored_in_json(std::string_view text) {
    stored_secret stored;
    json_document const document(text);
    json_object_reader in(document.root());
    in.optional("id", stored.token.token_id);
    in.optional("client_id", stored.token.client_id);
    in.optional("client_secret_version", stored.token.version);
    in.optional("tag", stored.token.tag);
    in.optional("key", stored.key);
    if (secret s; read_json(document.root().find("client_secret"), s))
        stored.client_secret = std::move(s);
    return stored;
}

inline void append_json_escaped(wiped_string& json, std::string_view string) {
    constexpr std::string_view hex = "0123456789abcdef";
    json += '"';
    for (char const c : string) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            ((json += "\\u00") += hex[byte >> 4]) += hex[byte & 15];
        } else {
            if (c == '"' || c == '\\') json += '\\';
            json += c;
        }
    }
    json += '"';
}

template <class Number>
void append_json_digits(wiped_string& json, Number number) {
    char digits[64];
    json.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// A value as it was read.
inline void append_json(wiped_string& json, json_value value) {
    if (value.is_array() || value.is_object()) {
        json += value.is_array() ? '[' : '{';
        bool is_first = true;
        for (json_value const item : value) {
            if (!std::exchange(is_first, false)) json += ',';
            if (value.is_object()) {
                append_json_escaped(json, item.key());
                json += ':';
            }
            append_json(json, item);
        }
        json += value.is_array() ? ']' : '}';
    } else if (auto const string = value.if_string()) {
        append_json_escaped(json, *string);
    } else if (auto const flag = value.if_bool()) {
        json += *flag ? "true" : "false";
    } else if (auto const integer = value.if_integer()) {
        append_json_digits(json, *integer);
    } else if (auto const number = value.if_number()) {
        append_json_digits(json, *number);
    } else {
        json += "null";
    }
}

/// The object of a file that held `old`: these members, and all others as they were. A member
/// without a value is left out.
template <std::size_t N>
[[nodiscard]] wiped_string secret_json(json_member (&ours)[N], std::string_view old) {
    wiped_string json;
    json.reserve(old.size() + 1024);
    bool written[N] = {};
    auto const write = [&](std::string_view name, auto append_value) {
        json += json.empty() ? '{' : ',';
        append_json_escaped(json, name);
        json += ':';
        append_value();
    };
    auto const write_ours = [&](std::size_t i) {
        if (std::exchange(written[i], true) || ours[i].value.empty()) return;
        write(ours[i].name, [&] { json += ours[i].value; });
    };
    json_document const document(old);
    for (json_value const member : document.root()) {
        auto const own = std::find_if(std::begin(ours), std::end(ours), [&](auto const& o) {
            return o.is_ours && o.name == member.key();
        });
        if (own != std::end(ours)) {
            write_ours(static_cast<std::size_t>(own - std::begin(ours)));
        } else {
            write(member.key(), [&] { append_json(json, member); });
        }
    }
    for (std::size_t i = 0; i != N; ++i)
        write_ours(i);
    return json += "}\n";
}

/// The object of a file that held `old`, with this token: as `secret_text` of lines.
[[nodiscard]] inline wiped_string secret_object(issued_service_token const& token, intent const* of,
                                                std::string_view old) {
    bool const has_key = of != nullptr && !of->key.empty() && of->key != of->tag;
    auto const quoted = [](std::string_view string) {
        wiped_string json;
        if (!string.empty()) append_json_escaped(json, string);
        return json;
    };
    auto const version = token.client_secret_version;
    json_member members[] = {
        {"id", quoted(token.id)},
        {"client_id", quoted(token.client_id)},
        {"client_secret", quoted(token.client_secret.reveal())},
        {"client_secret_version", wiped_string(version ? std::to_string(*version) : "")},
        {"key", quoted(has_key ? key_text(of->key) : ""), of != nullptr},
        {"tag", quoted(of != nullptr ? of->tag : ""), of != nullptr}};
    return secret_json(members, old);
}

} // namespace cloudflare::inline v0::access::detail

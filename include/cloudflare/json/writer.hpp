/// Writing the JSON object of a request's body.
#pragma once

#include <cloudflare/core/detail/utf8.hpp> // for the precondition

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

/// Appends `string` as a JSON string. It must be UTF-8 (see `is_utf8`).
inline void append_json_string(std::string& json, std::string_view string) {
    constexpr std::string_view hex = "0123456789abcdef";
    auto const is_plain = [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    };
    json += '"';
    for (;;) {
        auto const plain = std::find_if_not(string.begin(), string.end(), is_plain);
        json.append(string.begin(), plain);
        if (plain == string.end()) break;
        auto const byte = static_cast<unsigned char>(*plain);
        if (byte >= 0x20) {
            (json += '\\') += *plain;
        } else {
            ((json += "\\u00") += hex[byte >> 4]) += hex[byte & 15];
        }
        string = {plain + 1, string.end()};
    }
    json += '"';
}

} // namespace detail

/// A flat JSON object, written member by member.
class json_object_writer {
public:
    json_object_writer() { json_.reserve(192); }

    json_object_writer& add(std::string_view key, std::string_view value) {
        begin_member(key);
        detail::append_json_string(json_, value);
        return *this;
    }
    json_object_writer& add(std::string_view key, char const* value) {
        return add(key, std::string_view(value));
    }
    json_object_writer& add(std::string_view key, std::integral auto value) {
        begin_member(key);
        if constexpr (std::same_as<decltype(value), bool>) {
            json_ += value ? "true" : "false";
        } else {
            json_ += std::to_string(value);
        }
        return *this;
    }

    /// The object as JSON; the writer must not be used again.
    [[nodiscard]] std::string finish() && { return std::move(json_ += json_.empty() ? "{}" : "}"); }

private:
    void begin_member(std::string_view key) {
        json_ += json_.empty() ? '{' : ',';
        detail::append_json_string(json_, key);
        json_ += ':';
    }

    std::string json_;
};

} // namespace cloudflare::inline v0

/// Reading the members of a JSON object into the fields of a struct.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/json/value.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cloudflare::inline v0 {

// Each overload returns false, and leaves `out` unchanged, where the value is not of that type.

[[nodiscard]] inline bool read_json(json_value v, std::string& out) {
    auto const string = v.if_string();
    if (string) out = *string;
    return string.has_value();
}
[[nodiscard]] inline bool read_json(json_value v, bool& out) noexcept {
    auto const flag = v.if_bool();
    if (flag) out = *flag;
    return flag.has_value();
}
/// Integers, and doubles that are whole: the API's document calls its integers `number`.
[[nodiscard]] inline bool read_json(json_value v, std::int64_t& out) noexcept {
    auto const integer = v.if_integer();
    if (integer) out = *integer;
    return integer.has_value();
}
[[nodiscard]] inline bool read_json(json_value v, timestamp& out) {
    auto const string = v.if_string();
    auto const parsed =
        string ? timestamp::parse(*string) : result<timestamp>(error(errc::invalid_argument));
    if (parsed) out = *parsed;
    return parsed.has_value();
}
[[nodiscard]] inline bool read_json(json_value v, std::optional<token_duration>& out) {
    auto const string = v.if_string();
    if (!string) return false;
    auto parsed = token_duration::parse(*string);
    if (parsed) out = std::move(*parsed);
    return parsed.has_value();
}
/// A secret of nothing but asterisks is masked, and counts as absent.
[[nodiscard]] inline bool read_json(json_value v, secret& out) {
    auto const string = v.if_string();
    if (!string || string->find_first_not_of('*') == string->npos) return false;
    out = secret(*string);
    return true;
}

/// Reads the members of one object, and remembers the first required one that is missing.
///
///     json_object_reader in(value);
///     in.required("id", token.id);
///     in.optional("name", token.name);
///     return in.finish(std::move(token));
///
/// Unknown members are ignored. An optional member of another type than expected counts as
/// absent: an odd value in a field that the caller may not need must not lose a client secret.
class json_object_reader {
public:
    explicit json_object_reader(json_value object) noexcept : object_(object) {}

    template <class T>
    void required(std::string_view key, T& out) {
        if (!read_json(object_.find(key), out) && missing_.empty()) missing_ = key;
    }

    template <class T>
    void optional(std::string_view key, T& out) {
        static_cast<void>(read_json(object_.find(key), out));
    }

    template <class T>
        requires std::default_initializable<T>
    void optional(std::string_view key, std::optional<T>& out) {
        if (T value{}; read_json(object_.find(key), value)) out = std::move(value);
    }

    /// `value`, or `errc::missing_field` that names the first required member not found.
    template <class T>
    [[nodiscard]] result<std::remove_cvref_t<T>> finish(T&& value) const {
        if (!object_.is_object()) return error(errc::missing_field, "result: must be an object");
        if (!missing_.empty()) return error(errc::missing_field, "result." + std::string(missing_));
        return std::forward<T>(value);
    }

private:
    json_value object_;
    std::string_view missing_;
};

} // namespace cloudflare::inline v0

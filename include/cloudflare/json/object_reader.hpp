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
#include <vector>

namespace cloudflare::inline v0 {

// `read_json(json_value, T& out)` assigns the value to `out`. Where the value is not of that type,
// it returns false and leaves `out` unchanged. It is overloaded for strings, booleans, numbers,
// timestamps, durations, secrets, classes with `from_json`, and vectors of these; a user's own
// overload is found in the namespace of its type.

/// Strings.
[[nodiscard]] inline bool read_json(json_value v, std::string& out) {
    auto const string = v.if_string();
    if (string) out = *string;
    return string.has_value();
}
/// `true` and `false`.
[[nodiscard]] inline bool read_json(json_value v, bool& out) noexcept {
    auto const flag = v.if_bool();
    if (flag) out = *flag;
    return flag.has_value();
}
/// Integers, also where they are written as `1.0`: the API's documents call them `number`.
[[nodiscard]] inline bool read_json(json_value v, std::int64_t& out) noexcept {
    auto const integer = v.if_integer();
    if (integer) out = *integer;
    return integer.has_value();
}
/// Integers that fit into the type.
template <std::integral T>
[[nodiscard]] bool read_json(json_value v, T& out) noexcept {
    auto const integer = v.if_integer();
    bool const fits = integer && std::in_range<T>(*integer);
    if (fits) out = static_cast<T>(*integer);
    return fits;
}
/// Numbers.
[[nodiscard]] inline bool read_json(json_value v, double& out) noexcept {
    auto const number = v.if_number();
    if (number) out = *number;
    return number.has_value();
}
/// RFC 3339 strings.
[[nodiscard]] inline bool read_json(json_value v, timestamp& out) {
    auto const string = v.if_string();
    auto const parsed =
        string ? timestamp::parse(*string) : result<timestamp>(error(errc::invalid_argument));
    if (parsed) out = *parsed;
    return parsed.has_value();
}
/// As `token_duration::parse` reads it.
[[nodiscard]] inline bool read_json(json_value v, std::optional<token_duration>& out) {
    auto const string = v.if_string();
    if (!string) return false;
    auto parsed = token_duration::parse(*string);
    if (parsed) out = std::move(*parsed);
    return parsed.has_value();
}
/// False also for an empty string and for one of asterisks only, which masks a secret.
[[nodiscard]] inline bool read_json(json_value v, secret& out) {
    auto const string = v.if_string();
    if (!string || string->find_first_not_of('*') == string->npos) return false;
    out = secret(*string);
    return true;
}

/// A class that is read from a JSON value: `static result<T> from_json(json_value)`.
template <class T>
concept has_from_json = requires(json_value v) {
    { T::from_json(v) } -> std::same_as<result<T>>;
};
template <has_from_json T>
[[nodiscard]] bool read_json(json_value v, T& out);

/// A type that `read_json` reads.
template <class T>
concept json_readable = requires(json_value v, T& out) {
    { read_json(v, out) } -> std::same_as<bool>;
};
/// All elements or none: false where one of them is of another type.
template <json_readable T>
[[nodiscard]] bool read_json(json_value v, std::vector<T>& out);

namespace detail {

/// The part of a value that the error of its `from_json` is about, e.g. `.data.port`: the error's
/// explanation without the "result" that it begins with.
[[nodiscard]] inline std::string location_of(error const& e) {
    auto const& explanation = e.details().explanation;
    if (explanation.starts_with("result")) return explanation.substr(6);
    return explanation.empty() ? explanation : ": " + explanation;
}

/// Reads a value; returns where in it the first fault is, and empty where there is none.
template <class T>
[[nodiscard]] std::optional<std::string> read_or_locate(json_value v, T& out) {
    if constexpr (has_from_json<T>) {
        auto read = T::from_json(v);
        if (!read) return location_of(read.error());
        out = std::move(*read);
        return std::nullopt;
    } else {
        return read_json(v, out) ? std::nullopt : std::optional(std::string());
    }
}
template <class T>
[[nodiscard]] std::optional<std::string> read_or_locate(json_value v, std::vector<T>& out) {
    if (!v.is_array()) return ": must be an array";
    std::vector<T> items;
    items.reserve(v.size());
    for (json_value const item : v) {
        std::optional<std::string> fault;
        if constexpr (has_from_json<T>) {
            auto read = T::from_json(item);
            if (read) {
                items.push_back(std::move(*read));
            } else {
                fault = location_of(read.error());
            }
        } else {
            T value{};
            fault = read_or_locate(item, value);
            if (!fault) items.push_back(std::move(value));
        }
        if (fault) return '[' + std::to_string(items.size()) + ']' + *fault;
    }
    out = std::move(items);
    return std::nullopt;
}

} // namespace detail

template <has_from_json T>
bool read_json(json_value v, T& out) {
    return !detail::read_or_locate(v, out);
}
template <json_readable T>
bool read_json(json_value v, std::vector<T>& out) {
    return !detail::read_or_locate(v, out);
}

/// Reads the members of one object, and remembers the first required member that is missing or of
/// another type.
///
///     json_object_reader in(value);
///     in.required("id", token.id);
///     in.optional("name", token.name);
///     in.optional("tags", token.tags);         // std::vector<std::string>
///     in.optional("settings", token.settings); // a class with from_json
///     return in.finish(std::move(token));
///
/// Unknown members are ignored. An optional member of an unexpected type counts as absent, so that
/// an odd value in a field that the caller may not need does not lose a client secret.
class json_object_reader {
public:
    /// Of a value that is no object every member is missing.
    explicit json_object_reader(json_value object) noexcept : object_(object) {}

    /// Reads a member, without which `finish` gives `errc::missing_field`.
    template <class T>
    void required(std::string_view key, T& out) {
        auto const fault = detail::read_or_locate(object_.find(key), out);
        if (fault && missing_.empty()) (missing_ = key) += *fault;
    }

    /// Reads a member where it is there; else `out` is as it was.
    template <class T>
    void optional(std::string_view key, T& out) {
        static_cast<void>(read_json(object_.find(key), out));
    }

    /// Reads a member where it is there; else `out` is as it was.
    template <class T>
        requires std::default_initializable<T>
    void optional(std::string_view key, std::optional<T>& out) {
        if (T value{}; read_json(object_.find(key), value)) out = std::move(value);
    }

    /// `value`, or `errc::missing_field` with the first required member that was not read.
    template <class T>
    [[nodiscard]] result<std::remove_cvref_t<T>> finish(T&& value) const {
        if (!object_.is_object()) return error(errc::missing_field, "result: must be an object");
        if (!missing_.empty()) return error(errc::missing_field, "result." + missing_);
        return std::forward<T>(value);
    }

private:
    json_value object_;
    std::string missing_; // the member's name, and where in it the fault is
};

} // namespace cloudflare::inline v0

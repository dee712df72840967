/// What an operation must have, with a static_assert for each member that is missing or wrong.
#pragma once

#include <cloudflare/api/error_response.hpp>
#include <cloudflare/api/page.hpp>
#include <cloudflare/core/idempotency.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/http/method.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/json/object_reader.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace cloudflare::inline v0 {

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
/// Whether a result type can express that there is no value.
template <class T>
inline constexpr bool can_be_nothing = std::is_void_v<T> || is_optional<T>;

template <class T>
inline constexpr bool is_page = false;
template <class T>
inline constexpr bool is_page<page<T>> = true;

/// Whether `O::idempotency` is a static constant of that value.
template <class O>
[[nodiscard]] consteval bool is_always([[maybe_unused]] idempotency kind) {
    if constexpr (std::is_member_object_pointer_v<decltype(&O::idempotency)>) {
        return false; // a member of each operation
    } else {
        return O::idempotency == kind;
    }
}

template <class O>
[[nodiscard]] consteval bool is_always_idempotent_delete() {
    if constexpr (requires { &O::idempotency; }) {
        return is_always<O>(idempotency::idempotent_delete);
    } else {
        return false;
    }
}

template <class T>
struct is_decodable : std::bool_constant<json_readable<T>> {};
template <>
struct is_decodable<void> : std::true_type {};
template <class T>
struct is_decodable<std::optional<T>> : is_decodable<T> {};
template <class T>
struct is_decodable<page<T>> : is_decodable<T> {};

// Whether a class has a member of that name, of any kind and access: in a class that also inherits
// a second member of that name, the name is then ambiguous.
struct has_all_names {
    int body, decode, meaning_of;
};
template <class O>
struct with_all_names : O, has_all_names {};
template <class O>
concept can_be_base = std::is_class_v<O> && !std::is_final_v<O>;
template <class O>
concept names_body = can_be_base<O> && !requires { &with_all_names<O>::body; };
template <class O>
concept names_decode = can_be_base<O> && !requires { &with_all_names<O>::decode; };
template <class O>
concept names_meaning_of = can_be_base<O> && !requires { &with_all_names<O>::meaning_of; };

template <class O>
concept has_body_result = requires(O const& op) {
    { op.body() } -> std::same_as<result<std::string>>;
};
template <class O>
concept has_body = has_body_result<O> || requires(O const& op) {
    { op.body() } -> std::convertible_to<std::string>;
};
template <class O>
concept has_decode = requires(http::response const& response) {
    { O::decode(response) } -> std::same_as<result<typename O::result_type>>;
};
template <class O>
concept has_meaning_of = requires(api_message const& message) {
    { O::meaning_of(message) } -> std::same_as<std::optional<errc>>;
};

template <class O>
concept has_result_type = requires { typename O::result_type; };
template <class O>
concept has_name = requires {
    { O::name } -> std::convertible_to<std::string_view>;
    requires !std::is_member_object_pointer_v<decltype(&O::name)>;
};
template <class O>
concept has_method = requires {
    { O::method } -> std::convertible_to<http::method>;
    requires !std::is_member_object_pointer_v<decltype(&O::method)>;
};
template <class O>
concept has_idempotency = requires(O const& op) {
    { op.idempotency } -> std::convertible_to<cloudflare::idempotency>;
};
template <class O>
concept has_target = requires(O const& op) {
    { op.target() } -> std::same_as<result<std::string>>;
};

/// Names the member of an operation that is missing or wrong.
template <class O>
struct checked_operation {
    static_assert(has_result_type<O>, "an operation needs a result_type: what its response gives");
    static_assert(has_name<O>,
                  "an operation needs a name: static constexpr std::string_view name = \"...\"");
    static_assert(has_method<O>, "an operation needs a method: static constexpr auto method = "
                                 "cloudflare::http::method::get, or another");
    static_assert(has_idempotency<O>,
                  "an operation needs its idempotency: static constexpr auto idempotency = "
                  "cloudflare::idempotency::safe, or another");
    static_assert(has_target<O>, "an operation needs its target, in this form: "
                                 "cloudflare::result<std::string> target() const");
    static_assert(!names_body<O> || has_body<O>,
                  "an operation's body is a public function that changes nothing and gives a "
                  "string, or result<std::string>: std::string body() const");
    static_assert(
        !names_decode<O> || has_decode<O>,
        "an operation's decode has this form: "
        "static cloudflare::result<result_type> decode(cloudflare::http::response const&)");
    static_assert(
        !names_meaning_of<O> || has_meaning_of<O>,
        "an operation's meaning_of has this form: "
        "static std::optional<cloudflare::errc> meaning_of(cloudflare::api_message const&)");

    template <class T>
    struct types {
        using result_type = void;
    };
    template <has_result_type T>
    struct types<T> {
        using result_type = typename T::result_type;
        static_assert(has_decode<T> || is_decodable<result_type>::value,
                      "an operation's result_type is read from JSON: it needs "
                      "static cloudflare::result<result_type> from_json(cloudflare::json_value)");
        static_assert(
            !is_always_idempotent_delete<T>() || can_be_nothing<result_type>,
            "an operation that is idempotent_delete has a result of void or std::optional, "
            "for where nothing was left to delete");
    };
    using result_type = typename types<O>::result_type;
};

} // namespace detail

} // namespace cloudflare::inline v0

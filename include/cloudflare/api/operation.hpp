/// An API call as a value: what to send, what comes back, and what a second sending would do.
#pragma once

#include <cloudflare/api/error_response.hpp>
#include <cloudflare/core/idempotency.hpp>
#include <cloudflare/http/method.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/json/document.hpp>
#include <cloudflare/json/object_reader.hpp> // what a `from_json` reads with

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

/// An operation is a value with these members. A user adds an endpoint by writing such a struct:
///
///     struct get_zone {
///         using result_type = zone; // has `static result<zone> from_json(cloudflare::json_value)`
///         static constexpr std::string_view name = "get_zone";
///         static constexpr auto method = cloudflare::http::method::get;
///         static constexpr auto idempotency = cloudflare::idempotency::safe;
///         cloudflare::result<std::string> target() const {
///             return cloudflare::http::path("zones", id).str();
///         }
///         std::string id;
///     };
///
/// `target()` is the path below the base URL, with the query; it gives an error for bad input. An
/// operation with a body has `std::string body() const` (JSON). `result_type` may be `void`, a type
/// with `from_json`, `std::optional` of one, or `page` of one; of an operation that is
/// `done_when_gone` it is `void` or an `std::optional`, which is nothing where the call found
/// nothing left to delete.
template <class O>
concept operation = requires(O const& op) {
    typename O::result_type;
    { O::name } -> std::convertible_to<std::string_view>;
    { O::method } -> std::convertible_to<http::method>;
    { op.idempotency } -> std::convertible_to<cloudflare::idempotency>;
    { op.target() } -> std::same_as<result<std::string>>;
};

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
/// Whether a result can say that there was nothing to decode.
template <class T>
inline constexpr bool can_be_nothing = std::is_void_v<T> || is_optional<T>;

/// Whether all operations of this type have that idempotency, which is then a static constant.
template <class O>
[[nodiscard]] consteval bool is_always([[maybe_unused]] idempotency kind) {
    if constexpr (std::is_member_object_pointer_v<decltype(&O::idempotency)>) {
        return false; // a member of each operation
    } else {
        return O::idempotency == kind;
    }
}

template <class T>
inline constexpr bool is_page = false;
template <class T>
inline constexpr bool is_page<page<T>> = true;

template <class T>
[[nodiscard]] result<page<T>> decode_page(envelope const& e) {
    if (!e.result.is_array()) return error(errc::missing_field, "result: must be an array");
    page<T> decoded;
    decoded.info = e.info;
    decoded.items.reserve(e.result.size());
    for (json_value const v : e.result) {
        auto item = T::from_json(v);
        if (!item) return item.error();
        decoded.items.push_back(std::move(*item));
    }
    return decoded;
}

template <class T>
[[nodiscard]] result<T> decode_result(envelope const& e) {
    if constexpr (std::is_void_v<T>) {
        return {};
    } else if constexpr (is_page<T>) {
        return decode_page<typename decltype(T::items)::value_type>(e);
    } else if constexpr (is_optional<T>) {
        if (e.result.is_null()) return T();
        auto decoded = T::value_type::from_json(e.result);
        return decoded ? T(std::move(*decoded)) : T();
    } else {
        if (e.result.is_null()) return error(errc::missing_field, "result");
        return T::from_json(e.result);
    }
}

} // namespace detail

/// What a response means for an operation: its result, or the error it stands for.
///
/// A success is a 2xx whose envelope says `success: true`. Each error says by its `delivery`
/// whether the server acted; a response that cannot be read leaves that open.
///
/// @param messages where the notes go that come with a success; may be null
template <operation O>
[[nodiscard]] result<typename O::result_type> decode(http::response const& response,
                                                     std::vector<api_message>* messages = nullptr) {
    json_document const document(response.body);
    auto e = read_envelope(document);
    bool const ok = response.status >= 200 && response.status < 300;
    if (!ok || !e || !e->success) return refusal(response, std::move(e));

    if (messages != nullptr) *messages = std::move(e->messages);
    auto decoded = detail::decode_result<typename O::result_type>(*e);
    if (decoded) return decoded;
    auto d = details_of(response);
    d.delivery = delivery::accepted;
    d.explanation = decoded.error().details().explanation;
    return error(static_cast<errc>(decoded.error().code().value()), std::move(d));
}

} // namespace cloudflare::inline v0

/// An API call as a value: its request, the type of its result, and whether it may be sent twice.
#pragma once

#include <cloudflare/api/detail/checked_operation.hpp>
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
/// - `result_type`: `void`, a type that `read_json` reads (a class with `from_json`, a string, a
///   vector ...), or `std::optional` or `page` of such a type. With
///   `idempotency::idempotent_delete` it is `void` or `std::optional`, which is empty where there
///   was nothing left to delete.
/// - `name`: for errors and traces.
/// - `method`: the HTTP method.
/// - `idempotency`: what a second request would do. It may also be a member of each operation.
/// - `target()`: the path below the base URL, with the query; or an error for bad input.
/// - `body() const`, if the request has one: JSON (see `json_object_writer`) as a `std::string`, or
///   as a `result<std::string>` with an error for bad input.
/// - `static result<result_type> decode(http::response const&)`, if the response is not
///   Cloudflare's envelope (an export, a bare value, nothing): decodes a 2xx. Its error has the
///   delivery `accepted`, unless it says `rejected` because the server did not act.
/// - `static std::optional<errc> meaning_of(api_message const&)`, if the endpoint has its own error
///   codes: empty for unknown ones. Without it, codes mean what they mean for service tokens.
///
/// A mistake in one of these is a compile-time error of the call, which names the member.
template <class O>
concept operation = detail::has_result_type<O> && detail::has_name<O> && detail::has_method<O> &&
                    detail::has_idempotency<O> && detail::has_target<O>;

namespace detail {

template <class T>
[[nodiscard]] result<page<T>> decode_page(envelope const& e) {
    if (!e.result.is_array()) return error(errc::missing_field, "result: must be an array");
    page<T> decoded;
    decoded.info = e.info;
    if (auto const fault = read_or_locate(e.result, decoded.items))
        return error(errc::missing_field, "result" + *fault);
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
        auto decoded = decode_result<typename T::value_type>(e);
        return decoded ? T(std::move(*decoded)) : T();
    } else if constexpr (has_from_json<T>) {
        if (e.result.is_null()) return error(errc::missing_field, "result");
        return T::from_json(e.result);
    } else {
        T decoded{};
        if (auto const fault = read_or_locate(e.result, decoded))
            return error(errc::missing_field, "result" + *fault);
        return decoded;
    }
}

/// The error for a successful response whose content cannot be read. As a response came, the code
/// is never one of `condition::invalid_input`.
[[nodiscard]] inline error unreadable(error const& e, http::response const& response) {
    auto d = details_of(response);
    d.delivery = e.delivery() == delivery::rejected ? delivery::rejected : delivery::accepted;
    d.explanation = e.details().explanation;
    d.api_errors = e.details().api_errors;
    if (e.details().retry_after) d.retry_after = e.details().retry_after;
    bool const fits = e.code() && e != condition::invalid_input;
    return {fits ? static_cast<errc>(e.code().value()) : errc::missing_field, std::move(d)};
}

template <class O>
[[nodiscard]] constexpr code_meaning meaning_of_codes() noexcept {
    if constexpr (has_meaning_of<O>) {
        return &O::meaning_of;
    } else {
        return nullptr;
    }
}

} // namespace detail

/// Decodes the response to an operation.
///
/// A success is a 2xx whose envelope says `success: true`; for an operation with `decode`, any 2xx.
///
/// @param messages receives the `messages` of a success; may be null
/// @return the operation's result, or an error whose `delivery` says whether the server acted
template <operation O>
[[nodiscard]] result<typename O::result_type> decode(http::response const& response,
                                                     std::vector<api_message>* messages = nullptr) {
    bool const ok = response.status >= 200 && response.status < 300;
    if constexpr (detail::has_decode<O>) {
        if (ok) {
            auto decoded = O::decode(response);
            if (decoded) return decoded;
            return detail::unreadable(decoded.error(), response);
        }
    }
    json_document const document(response.body);
    auto e = read_envelope(document);
    if (!ok || !e || !e->success)
        return error_response(response, std::move(e), detail::meaning_of_codes<O>());

    if (messages != nullptr) *messages = std::move(e->messages);
    auto decoded = detail::decode_result<typename O::result_type>(*e);
    if (decoded) return decoded;
    return detail::unreadable(decoded.error(), response);
}

} // namespace cloudflare::inline v0

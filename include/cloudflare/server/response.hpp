/// The responses of a server: JSON, errors, and what the error of a call is to the server's client.
#pragma once

#include <cloudflare/core/error.hpp>
#include <cloudflare/core/wipe.hpp>

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::server {

namespace beast = boost::beast;

namespace detail {

class wiping_resource final : public boost::json::memory_resource {
    void* do_allocate(std::size_t size, std::size_t alignment) override {
        return ::operator new(size, std::align_val_t(alignment));
    }
    void do_deallocate(void* p, std::size_t size, std::size_t alignment) override {
        wipe(p, size);
        ::operator delete(p, size, std::align_val_t(alignment));
    }
    [[nodiscard]] bool do_is_equal(memory_resource const& other) const noexcept override {
        return this == &other;
    }
};

} // namespace detail

/// A response, whose body may hold a secret and is wiped. `https_server` adds the fields that any
/// response needs.
using response = beast::http::response<
    beast::http::basic_string_body<char, std::char_traits<char>, wiping_allocator<char>>>;

/// A response with a body.
///
/// @param status e.g. 200
/// @param content_type e.g. `text/html; charset=utf-8`
[[nodiscard]] inline response make_response(unsigned status, wiped_string body,
                                            std::string_view content_type) {
    response made(static_cast<beast::http::status>(status), 11);
    made.set(beast::http::field::content_type, content_type);
    made.body() = std::move(body);
    return made;
}

/// Where a `boost::json::value` that holds a secret is to be made: its memory is wiped before it is
/// freed.
///
///     boost::json::value const v({{"client_secret", secret.reveal()}}, wiping_storage());
[[nodiscard]] inline boost::json::storage_ptr wiping_storage() {
    return boost::json::make_shared_resource<detail::wiping_resource>();
}

/// The value as a response's JSON, of which nothing stays in memory that is not wiped; for the value
/// itself see `wiping_storage`.
[[nodiscard]] inline response json_response(unsigned status, boost::json::value const& value) {
    wiped_string body;
    boost::json::serializer writer;
    char part[1024];
    for (writer.reset(&value); !writer.done();)
        body += std::string_view(writer.read(part, sizeof part));
    wipe(part, sizeof part);
    return make_response(status, std::move(body), "application/json");
}

/// An error as a client sees it: `{"error": {"code": ..., "message": ...}}`.
///
/// @param code for programs, e.g. `bad_name`
/// @param message for a person; it must tell no secret
[[nodiscard]] inline response error_response(unsigned status, std::string_view code,
                                             std::string_view message) {
    return json_response(status, {{"error", {{"code", code}, {"message", message}}}});
}

/// The name of an error's code, for programs and metrics: `errc::grace_running` is
/// `a_grace_period_is_running`.
[[nodiscard]] inline std::string error_name(error const& e) {
    auto name = e.code().message();
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
}

/// The status by which a server tells its client that a call to the API, or to a store, has failed:
///
///     | 409 | a grace period is running, a secret was lost in a rotation, the token is in use     |
///     | 429 | the rate limit has no permit in time, or a queue is full                            |
///     | 502 | the API, or the way to it, has failed                                               |
///     | 503 | a store has failed, somebody else works on it, or it was cancelled: ask again later |
///     | 504 | the deadline has passed                                                             |
[[nodiscard]] inline unsigned status_of(error const& e) {
    using enum errc;
    auto const is_one_of = [&](auto... codes) { return (... || (e == codes)); };
    if (e == deadline_exceeded) return 504;
    if (e == rate_limited) return 429;
    if (is_one_of(grace_running, rotation_lost, token_in_use)) return 409;
    if (is_one_of(sink_failed, intent_log_failed, secret_unreadable)) return 503;
    if (is_one_of(conflict, cancelled, limit_reached)) return 503;
    return 502;
}

/// The error of a call as a client of the server sees it, with `status_of` and `error_name`, and
/// `Retry-After` where it is known: in 5 s after a 503.
[[nodiscard]] inline response error_response(error const& e) {
    auto const status = status_of(e);
    auto made = error_response(status, error_name(e), e.to_string());
    auto retry_after = e.details().retry_after;
    if (status == 503 && !retry_after) retry_after = std::chrono::seconds(5);
    if (retry_after)
        made.set(beast::http::field::retry_after, std::to_string(retry_after->count()));
    return made;
}

} // namespace cloudflare::inline v0::server

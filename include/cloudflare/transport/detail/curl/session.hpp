/// libcurl's handles of one transport, and when its connections may be used again.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/curl_options.hpp>
#include <cloudflare/transport/detail/boot_clock.hpp>
#include <cloudflare/transport/detail/curl/handles.hpp>
#include <cloudflare/transport/detail/curl/open_sockets.hpp>
#include <cloudflare/transport/detail/curl/silent_socket.hpp>
#include <cloudflare/transport/detail/curl/transfer.hpp>
#include <cloudflare/transport/detail/fork_detector.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>

namespace cloudflare::inline v0::detail::curl {

/// Sends one request after the other.
///
/// libcurl chooses the connection, and takes whatever it reads there for the response. So that this
/// is never an unsolicited response, a connection is kept only if nothing is left to read: not in
/// the socket, not in TLS, not in libcurl. If that is uncertain for any connection, all are closed.
class session {
public:
    explicit session(curl_options const& options)
        : sockets_(options.connection_trace()), multi_(make_multi()), easy_(curl_easy_init()) {
        if (!easy_) throw std::bad_alloc();
    }

    session(session const&) = delete;
    session& operator=(session const&) = delete;
    ~session() { sockets_.closing_because(close_reason::destroyed); }

    /// How many connections there are; all idle, where no call is under way.
    [[nodiscard]] std::size_t connection_count() const noexcept { return sockets_.count(); }

    /// Whether a parent process made this session.
    [[nodiscard]] bool is_inherited() const noexcept { return fork_detector_.in_child(); }
    /// Abandons an inherited session. It must not be destroyed, because libcurl would send a
    /// close_notify on the parent's connections.
    void abandon() noexcept { sockets_.close_inherited(); }

    [[nodiscard]] result<http::response> send(http::request const& r, time_point deadline,
                                              curl_options const& options) {
        if (!sockets_.all_usable(boot_clock::now(), max_idle(r, options)))
            end_connections(close_reason::stale);
        transfer t(easy_.get(), sockets_, r, deadline, options);
        bool is_clean = false;
        auto given = t.finish(perform(t, is_clean));
        t.report(given);
        if (!given) {
            auto const failed = given.error();
            end_connections(close_reason::request_failed, &failed);
        } else if (!is_clean) {
            end_connections(close_reason::not_persistent);
        }
        return given;
    }

private:
    /// How long a connection may have been idle. 118 s is libcurl's own default.
    [[nodiscard]] static std::chrono::seconds max_idle(http::request const& r,
                                                       curl_options const& options) noexcept {
        std::chrono::seconds const bound(118);
        return r.repeatable
                   ? bound
                   : std::clamp(options.max_idle_before_unsafe(), std::chrono::seconds(0), bound);
    }

    [[nodiscard]] static multi_handle make_multi() {
        multi_handle multi(curl_multi_init());
        if (!multi) throw std::bad_alloc();
        // CURLMOPT_QUICK_EXIT of 8.22, which does the rest of what CURLOPT_QUICK_EXIT does before;
        // older versions ignore it, and this may run with a newer one than it was compiled with.
        curl_multi_setopt(multi.get(), static_cast<CURLMoption>(21), 1L);
        return multi;
    }

    void end_connections(close_reason why, error const* failure = nullptr) {
        sockets_.closing_because(why, failure);
        multi_.reset();
        sockets_.closing_because(close_reason::library);
        multi_ = make_multi();
    }

    /// @param is_clean whether nothing follows the response
    CURLcode perform(transfer& t, bool& is_clean) noexcept {
        curl_multi_add_handle(multi_.get(), easy_.get());
        auto const code = run(t);
        if (code == CURLE_OK) is_clean = !t.had_excess() && leaves_nothing();
        curl_multi_remove_handle(multi_.get(), easy_.get());
        return code;
    }

    CURLcode run(transfer const& t) noexcept {
        int running = 1;
        while (running != 0) {
            if (curl_multi_perform(multi_.get(), &running) != CURLM_OK || t.is_refused()) break;
            if (running != 0 &&
                curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr) != CURLM_OK)
                break;
        }
        int left = 0;
        auto const* const message = curl_multi_info_read(multi_.get(), &left);
        return message != nullptr ? message->data.result : CURLE_FAILED_INIT;
    }

    /// Whether TLS and libcurl have no more unread bytes of the connection that was just used. With
    /// HTTP/2 that does not matter, because each response has the number of its request.
    [[nodiscard]] bool leaves_nothing() noexcept {
        curl_socket_t socket = CURL_SOCKET_BAD;
        curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket);
        if (socket == CURL_SOCKET_BAD) return true; // closed already
        sockets_.used(socket, boot_clock::now());
        long version = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
        if (version > CURL_HTTP_VERSION_1_1) return true;
        if (silent_.with_socket_replaced(socket, [&] { return reads_nothing(); })) return true;
        silent_ = silent_socket();
        return false;
    }

    /// libcurl reads for its user only from connections made with CURLOPT_CONNECT_ONLY, but it
    /// checks the option's current value. Whatever else a version may do here, only `CURLE_AGAIN`
    /// says that there is nothing.
    [[nodiscard]] bool reads_nothing() noexcept {
        char byte = 0;
        std::size_t size = 0;
        curl_easy_setopt(easy_.get(), CURLOPT_CONNECT_ONLY, 1L);
        auto const code = curl_easy_recv(easy_.get(), &byte, 1, &size);
        curl_easy_setopt(easy_.get(), CURLOPT_CONNECT_ONLY, 0L);
        return code == CURLE_AGAIN;
    }

    fork_detector fork_detector_;
    silent_socket silent_;
    open_sockets sockets_; // before the handles, which close their sockets there
    multi_handle multi_;
    easy_handle easy_;
};

} // namespace cloudflare::inline v0::detail::curl

/// A transport over libcurl, for programs that have it already: HTTP/2 and the system's proxies.
#pragma once

#include <cloudflare/transport/blocking.hpp>
#include <cloudflare/transport/curl/transfer.hpp>
#include <cloudflare/transport/curl_options.hpp>
#include <cloudflare/transport/transport.hpp>

#include <memory>
#include <new>
#include <thread>
#include <utility>

#include <poll.h>

namespace cloudflare::inline v0 {

/// A transport whose calls block their thread while libcurl (7.85 or newer) makes them.
///
/// HTTP/2 is spoken where the server offers it over TLS; `https_proxy`, `no_proxy` and their kin are
/// obeyed for `https` origins, as libcurl does. No redirect is followed, and libcurl's habit of
/// sending a request again where a kept connection turns out to be closed is switched off.
///
/// A handle: copies share the connections, and only one thread at a time may use them. libcurl's
/// own buffers are not wiped: where that matters, use `blocking_beast_transport`.
class curl_transport {
public:
    template <class T>
    using task = blocking<T>;

    /// @throws std::bad_alloc where libcurl cannot be set up
    explicit curl_transport(curl_options options = curl_options())
        : state_(std::make_shared<state>(std::move(options))) {}

    [[nodiscard]] task<result<http::response>> send(http::request const& r,
                                                    time_point deadline) const {
        co_return state_->send(r, deadline);
    }
    [[nodiscard]] task<void> sleep_until(time_point t) const {
        std::this_thread::sleep_until(t);
        co_return;
    }
    [[nodiscard]] time_point now() const noexcept { return time_point::clock::now(); }

private:
    class state {
    public:
        explicit state(curl_options o)
            : options_(std::move(o)), multi_(curl_multi_init()), easy_(curl_easy_init()) {
            if (!multi_ || !easy_) throw std::bad_alloc();
        }

        [[nodiscard]] result<http::response> send(http::request const& r, time_point deadline) {
            if (auto const ok = http::check_target(r.target); !ok) return ok.error();
            if (time_point::clock::now() >= deadline)
                return error(errc::deadline_exceeded,
                             error_details{.delivery = delivery::not_sent});
            curl_easy_reset(easy_.get());
            if (is_stale()) curl_easy_setopt(easy_.get(), CURLOPT_FRESH_CONNECT, 1L);
            detail::curl::transfer transfer(easy_.get(), r, deadline, options_);
            return transfer.finish(perform());
        }

    private:
        /// Whether the server has closed the connection used last, or said something that nobody
        /// asked for: libcurl does not see all of that.
        [[nodiscard]] bool is_stale() const noexcept {
            if (last_socket_ == CURL_SOCKET_BAD) return false;
            ::pollfd idle{.fd = last_socket_, .events = POLLIN, .revents = 0};
            return ::poll(&idle, 1, 0) != 0;
        }

        CURLcode perform() noexcept {
            curl_multi_add_handle(multi_.get(), easy_.get());
            int running = 1;
            while (running != 0)
                if (curl_multi_perform(multi_.get(), &running) != CURLM_OK ||
                    (running != 0 &&
                     curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr) != CURLM_OK))
                    break;
            int left = 0;
            auto const* const message = curl_multi_info_read(multi_.get(), &left);
            auto const code = message != nullptr ? message->data.result : CURLE_FAILED_INIT;
            curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &last_socket_);
            curl_multi_remove_handle(multi_.get(), easy_.get());
            return code;
        }

        curl_options options_;
        detail::curl::multi_handle multi_;
        detail::curl::easy_handle easy_;
        curl_socket_t last_socket_ = CURL_SOCKET_BAD;
    };

    std::shared_ptr<state> state_;
};

static_assert(transport<curl_transport>);

} // namespace cloudflare::inline v0

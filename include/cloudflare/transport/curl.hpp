/// A transport over libcurl, for programs that use it already: HTTP/2, and proxies from the
/// environment.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/blocking.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/curl_options.hpp>
#include <cloudflare/transport/detail/curl/session.hpp>
#include <cloudflare/transport/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

namespace cloudflare::inline v0 {

/// A transport over libcurl (7.85 or newer), whose calls block their thread. POSIX only.
///
/// HTTP/2 is used where the server offers it over TLS. For `https` origins, libcurl obeys
/// `https_proxy`, `no_proxy` and similar variables. No redirect is followed. libcurl normally sends
/// a request again when a kept connection turns out to be closed: that is switched off.
///
/// Threads: a handle; copies share the connections, and only one thread at a time may use any of
/// them. Cancellation: none; a call ends with its response, its failure or its deadline. Fork: a
/// child process opens its own connections and leaves the parent's alone; the memory of the
/// inherited ones is not freed there. No call may be under way while the process forks.
///
/// Connections are kept and used again. But as soon as one of them has something to read between
/// two requests, or has ended, or a request has failed, all are closed and new ones opened, so that
/// unsolicited bytes are never taken for a response. So an HTTP/2 server that sends a ping, or a
/// window update after its response, costs a connection. Idle connections are closed at the next
/// call, not by a timer.
///
/// Limitations of libcurl, which remain:
/// - It accepts a certificate that has a common name but no alternative names; RFC 9525 does not.
/// - Its OpenSSL backend clears the thread's OpenSSL error queue, and may leave entries there.
/// - Its buffers are not wiped; where that matters, use `blocking_beast_transport`.
/// - A header line of more than 100 KiB is too large whatever `max_header_size` is.
/// - A request through a proxy that sends a 1xx before its response to CONNECT fails.
/// - Before 7.87, resolving a host name may exceed the deadline, and with OpenSSL a connection that
///   ends may raise SIGPIPE: the program should ignore that signal.
/// - An alert that refuses the client's certificate is recognized with the OpenSSL backend only;
///   with others the error is `connection_lost`, with the delivery `unknown`.
/// - From 8.15 on, its OpenSSL backend reads ahead. Over HTTP/1.1 and TLS, an unsolicited response
///   is not noticed if its first part came together with the response before it, and the rest comes
///   while the next request is under way.
class curl_transport {
public:
    template <class T>
    using task = blocking<T>;

    /// @throws std::bad_alloc where libcurl cannot be set up
    explicit curl_transport(curl_options options = curl_options())
        : state_(std::make_shared<state>(std::move(options))) {}

    /// Sends a request and returns its response by the deadline; see `transport`.
    [[nodiscard]] task<result<http::response>> send(http::request const& r,
                                                    time_point deadline) const {
        co_return state_->send(r, deadline);
    }
    /// Sleeps until this time. Time during which the machine is suspended does not count, because
    /// the clock of `time_point` stops meanwhile.
    [[nodiscard]] task<void> sleep_until(time_point t) const {
        for (auto time = now(); time < t; time = now())
            std::this_thread::sleep_for(std::min<time_point::duration>(t - time, max_sleep));
        co_return;
    }
    [[nodiscard]] time_point now() const noexcept { return time_point::clock::now(); }

    /// How many connections libcurl keeps. No call ever waits for one.
    [[nodiscard]] connection_counts connections() const {
        connection_counts all;
        all.open = all.idle = state_->connection_count();
        return all;
    }

private:
    static constexpr std::chrono::hours max_sleep{1};

    class state {
    public:
        explicit state(curl_options o)
            : options_(std::move(o)), session_(std::make_unique<detail::curl::session>(options_)) {}
        state(state const&) = delete;
        state& operator=(state const&) = delete;
        ~state() { leave_inherited(); }

        [[nodiscard]] result<http::response> send(http::request const& r, time_point deadline) {
            if (auto const ok = http::check_target(r.target); !ok) return ok.error();
            if (time_point::clock::now() >= deadline)
                return error(errc::deadline_exceeded,
                             error_details{.delivery = delivery::not_sent});
            leave_inherited();
            if (!session_) session_ = std::make_unique<detail::curl::session>(options_);
            return session_->send(r, deadline, options_);
        }

        [[nodiscard]] std::size_t connection_count() const noexcept {
            return session_ ? session_->connection_count() : 0;
        }

    private:
        /// In a forked child: abandons the parent's session without destroying it.
        void leave_inherited() noexcept {
            if (!session_ || !session_->is_inherited()) return;
            session_->abandon();
            static_cast<void>(session_.release());
        }

        curl_options options_;
        std::unique_ptr<detail::curl::session> session_;
    };

    std::shared_ptr<state> state_;
};

static_assert(transport<curl_transport>);

} // namespace cloudflare::inline v0

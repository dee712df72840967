// The server: starts what it is made of, reads its files again on SIGHUP, ends on SIGTERM.
#pragma once

#include "routes.hpp"

#include <cloudflare/access/offload.hpp>
#include <cloudflare/server/https_server.hpp>

#include <csignal>
#include <functional>

using open_stores =
    std::function<stores(configuration const&, asio::io_context&, asio::thread_pool&)>;

inline cf::credentials read_credentials(configuration const& c) {
    if (c.api_token_file.empty()) return required(cf::credentials_from_environment());
    auto const text = read_file(c.api_token_file);
    auto const line = std::string_view(text).substr(0, text.find_first_of("\r\n"));
    return required(cf::api_token::make(line));
}

inline api_client make_client(configuration const& c, asio::io_context& context, telemetry& seen) {
    cf::limiter_options rate;
    rate.permits(c.api_requests).window(seconds(c.api_window_seconds));
    cf::client_options o;
    o.base_url(required(cf::base_url::parse(c.api_base_url))).trace(std::ref(seen));
    o.deadline(seconds(c.request_seconds)).limiter(cf::limiter(rate));
    cf::beast_options transport;
    transport.ca_file(c.api_ca_file).connection_trace(std::ref(seen.metrics));
    return {cf::beast_transport(context.get_executor(), transport), read_credentials(c),
            std::move(o)};
}

class server {
public:
    // Throws what keeps it from serving.
    server(std::string file, configuration const& c, open_stores const& open)
        : file_(std::move(file)),
          settings_(c),
          disk_(std::size_t{c.concurrent_issues} + 8),
          stores_(open(settings_, context_, disk_)),
          machines_(c, make_client(c, context_, telemetry_), stores_, telemetry_),
          service_(std::make_shared<rules const>(c), machines_, telemetry_),
          https_(context_.get_executor(), {asio::ip::make_address(c.listen_address), c.listen_port},
                 service_.tls(), service_.routes(), options()) {}

    // Serves until SIGTERM or SIGINT, which end the process.
    [[noreturn]] void run() {
        telemetry_.log.write("listening", {{"address", settings_.listen_address},
                                           {"port", https_.endpoint().port()}});
        asio::co_spawn(context_, hear_signals(), asio::detached);
        auto const end = [this](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
            is_kept_ = false;
        };
        asio::co_spawn(context_, machines_.keep(),
                       asio::bind_cancellation_slot(keeping_.slot(), end));
        context_.run();
        std::_Exit(0); // what a store or a look-up still does is not waited for
    }

private:
    using clock = std::chrono::steady_clock;
    static constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

    cf::server::https_server_options options() {
        auto const& c = settings_;
        cf::server::https_server_options o;
        o.max_header_bytes(c.max_header_bytes).max_body_bytes(c.max_body_bytes);
        o.max_connections(c.max_connections);
        o.read_time(seconds(c.request_seconds)).idle_time(seconds(c.idle_seconds));
        o.handler_time(seconds(c.request_seconds) + seconds(1)); // an issue ends by itself before
        o.identify(std::bind_front(&service::identity_of, &service_));
        o.refused([this] { telemetry_.metrics.add("connections_refused_total"); });
        return o.trace(std::bind_front(&service::note, &service_));
    }

    asio::awaitable<void> hear_signals() {
        for (bool is_stopping = false;;) {
            auto const [failed, signal] = co_await signals_.async_wait(nothrow);
            if (failed) co_return;
            if (signal != SIGHUP && std::exchange(is_stopping, true)) context_.stop();
            asio::co_spawn(context_, signal == SIGHUP ? reload() : stop(), asio::detached);
        }
    }

    // Certificates, hashes, rules and page; what else is in the configuration stays as it was.
    asio::awaitable<void> reload() {
        auto const read = [this] {
            return std::make_shared<rules const>(read_configuration(file_));
        };
        std::string error;
        try {
            auto const now = co_await cf::offload(disk_.get_executor(), read);
            service_.use(now);
            https_.use(now->tls);
        } catch (std::exception const& e) {
            error = e.what();
        }
        telemetry_.log.write("reload", {{"error", error}});
    }

    asio::awaitable<void> stop() {
        telemetry_.log.write("stopping", {{"under_way", https_.under_way()}});
        auto const longest = seconds(settings_.stop_seconds);
        auto const end = clock::now() + longest;
        machines_.stop();
        keeping_.emit(asio::cancellation_type::terminal);
        co_await https_.stop(longest);
        for (asio::steady_timer pause(context_); is_kept_ && clock::now() < end;) {
            pause.expires_after(std::chrono::milliseconds(20));
            co_await pause.async_wait(nothrow);
        }
        telemetry_.log.write("stopped",
                             {{"under_way", https_.under_way()}}); // its intents are in the log
        context_.stop();
    }

    std::string file_;
    configuration settings_;
    asio::io_context context_{1};
    asio::thread_pool disk_;
    telemetry telemetry_{};
    stores stores_;
    machines machines_;
    service service_;
    cf::server::https_server https_;
    asio::signal_set signals_{context_, SIGTERM, SIGINT, SIGHUP};
    asio::cancellation_signal keeping_{};
    bool is_kept_ = true;
};

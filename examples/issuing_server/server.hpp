// The server: accepts connections, reads its files again on SIGHUP, ends on SIGTERM.
#pragma once

#include "session.hpp"

#include <cloudflare/access/offload.hpp>

#include <csignal>
#include <functional>
#include <set>

using open_stores =
    std::function<stores(configuration const&, asio::io_context&, asio::thread_pool&)>;

inline cf::credentials read_credentials(configuration const& c) {
    if (c.api_token_file.path.empty()) return cf::credentials_from_environment().value();
    auto const text = read_file(c.api_token_file.path);
    auto const line = std::string_view(text).substr(0, text.find_first_of("\r\n"));
    return cf::api_token::make(line).value();
}

inline api_client make_client(configuration const& c, asio::io_context& context, api_trace& trace,
                              cf::prometheus_metrics& numbers) {
    cf::limiter_options rate;
    rate.permits(c.api_requests).window(seconds(c.api_window_seconds));
    cf::client_options o;
    o.base_url(cf::base_url::parse(c.api_base_url).value()).trace(std::ref(trace));
    o.deadline(seconds(c.request_seconds)).limiter(cf::limiter(rate));
    cf::beast_options transport;
    transport.ca_file(c.api_ca_file.path).connection_trace(std::ref(numbers));
    return {cf::beast_transport(context.get_executor(), transport), read_credentials(c),
            std::move(o)};
}

class server {
public:
    // Throws what keeps it from serving.
    server(std::string file, configuration const& c, open_stores const& open)
        : file_(std::move(file)),
          disk_(static_cast<std::size_t>(c.concurrent_issues + 8)),
          stores_(open(c, context_, disk_)),
          machines_(c, make_client(c, context_, trace_, numbers_), stores_, numbers_, trace_),
          shared_{c, machines_, numbers_, std::make_shared<reloadable const>(c)},
          acceptor_(context_, {asio::ip::make_address(c.listen_address),
                               static_cast<std::uint16_t>(c.listen_port)}) {}

    // Serves until SIGTERM or SIGINT, which end the process.
    [[noreturn]] void run() {
        log_line("listening", {{"address", shared_.settings.listen_address},
                               {"port", acceptor_.local_endpoint().port()}});
        asio::co_spawn(context_, hear_signals(), asio::detached);
        asio::co_spawn(context_, accept(), asio::detached);
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
    asio::awaitable<void> accept() {
        for (;;) {
            auto [failed, socket] = co_await acceptor_.async_accept(nothrow);
            if (shared_.is_stopping) co_return;
            if (failed) { // e.g. no descriptor is left
                co_await pause(std::chrono::milliseconds(100));
                continue;
            }
            if (static_cast<std::int64_t>(open_.size()) >= shared_.settings.max_connections) {
                shared_.numbers.add("connections_refused_total");
                continue; // closes it
            }
            boost::system::error_code ignored;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            auto const c = std::make_shared<connection>(std::move(socket), *shared_.now->tls);
            open_.insert(c);
            asio::co_spawn(context_, serve(c, shared_),
                           [this, c](std::exception_ptr) { open_.erase(c); });
        }
    }

    asio::awaitable<void> hear_signals() {
        for (;;) {
            auto const [failed, signal] = co_await signals_.async_wait(nothrow);
            if (failed) co_return;
            if (signal != SIGHUP && shared_.is_stopping) context_.stop();
            asio::co_spawn(context_, signal == SIGHUP ? reload() : stop(), asio::detached);
        }
    }

    // Certificates, hashes, rules and page; what else is in the configuration stays as it was.
    asio::awaitable<void> reload() {
        auto const read = [this] {
            return std::make_shared<reloadable const>(read_configuration(file_));
        };
        std::string error;
        try {
            shared_.now = co_await cf::offload(disk_.get_executor(), read);
        } catch (std::exception const& e) {
            error = e.what();
        }
        log_line("reload", {{"error", error}});
    }

    asio::awaitable<void> stop() {
        log_line("stopping", {{"under_way", shared_.under_way}});
        auto const end = std::chrono::steady_clock::now() + seconds(shared_.settings.stop_seconds);
        shared_.is_stopping = true;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        machines_.stop();
        keeping_.emit(asio::cancellation_type::terminal);
        while ((shared_.under_way != 0 || is_kept_ || !open_.empty()) &&
               std::chrono::steady_clock::now() < end) {
            for (auto const& c : open_)
                if (c->is_idle) c->close();
            co_await pause(std::chrono::milliseconds(20));
        }
        log_line("stopped", {{"under_way", shared_.under_way}}); // its intents are in the log
        context_.stop();
    }

    asio::awaitable<void> pause(std::chrono::milliseconds span) {
        asio::steady_timer timer(context_, span);
        co_await timer.async_wait(nothrow);
    }

    std::string file_;
    asio::io_context context_{1};
    asio::thread_pool disk_;
    cf::prometheus_metrics numbers_{"issuing_server_"};
    api_trace trace_{numbers_};
    stores stores_;
    machines machines_;
    service shared_;
    asio::ip::tcp::acceptor acceptor_;
    asio::signal_set signals_{context_, SIGTERM, SIGINT, SIGHUP};
    asio::cancellation_signal keeping_{};
    bool is_kept_ = true;
    std::set<connection_ptr> open_{};
};

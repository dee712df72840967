#include "server.hpp"

#include "session.hpp"
#include "tls.hpp"

#include <cloudflare/access/offload.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <set>

namespace asio = boost::asio;
namespace cf = cloudflare;
using asio::ip::tcp;
using std::chrono::seconds;

namespace {

cf::result<std::shared_ptr<reloadable const>> load(configuration const& c) {
    auto who = rules::read(c);
    if (!who) return who.error();
    auto tls = make_tls(c);
    if (!tls) return tls.error();
    auto page = read_file(c.status_page.path); // need not be there
    return std::make_shared<reloadable const>(
        reloadable{std::move(*who), std::move(*tls), page ? std::move(*page) : cf::wiped_string()});
}

cf::result<cf::credentials> read_credentials(configuration const& c) {
    if (c.api_token_file.path.empty()) return cf::credentials_from_environment();
    auto const text = read_file(c.api_token_file.path);
    if (!text) return text.error();
    auto const line = std::string_view(*text).substr(0, text->find_first_of("\r\n"));
    auto const token = cf::api_token::make(line);
    return token ? cf::result<cf::credentials>(*token) : token.error();
}

api_client make_client(configuration const& c, cf::credentials const& who,
                       asio::io_context& context, api_trace& trace) {
    cf::limiter_options rate;
    rate.permits(c.api_requests).window(seconds(c.api_window_seconds));
    cf::client_options o;
    o.base_url(cf::base_url::parse(c.api_base_url).value()).trace(std::ref(trace));
    o.deadline(seconds(c.request_seconds)).limiter(cf::limiter(rate));
    cf::beast_options transport;
    transport.ca_file(c.api_ca_file.path).connection_trace(std::ref(trace));
    return {cf::beast_transport(context.get_executor(), transport), who, std::move(o)};
}

class server {
public:
    server(asio::io_context& context, asio::thread_pool& disk, std::string file, service& shared,
           machines& m)
        : context_(context),
          disk_(disk),
          file_(std::move(file)),
          shared_(shared),
          machines_(m),
          acceptor_(context, {asio::ip::make_address(shared.settings.listen_address),
                              static_cast<std::uint16_t>(shared.settings.listen_port)}),
          signals_(context, SIGTERM, SIGINT, SIGHUP) {
        log_line("listening", {{"address", shared.settings.listen_address},
                               {"port", acceptor_.local_endpoint().port()}});
        asio::co_spawn(context, hear_signals(), asio::detached);
        asio::co_spawn(context, accept(), asio::detached);
        auto const end = [this](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
            is_kept_ = false;
        };
        asio::co_spawn(context, machines_.keep(),
                       asio::bind_cancellation_slot(keeping_.slot(), end));
    }

private:
    asio::awaitable<void> accept() {
        for (;;) {
            auto [failed, socket] = co_await acceptor_.async_accept(nothrow);
            if (shared_.is_stopping) co_return;
            if (failed) { // e.g. no descriptor is left
                asio::steady_timer pause(context_, std::chrono::milliseconds(100));
                co_await pause.async_wait(nothrow);
                continue;
            }
            if (static_cast<std::int64_t>(open_.size()) >= shared_.settings.max_connections) {
                shared_.numbers.add("connections_refused_total");
                continue; // closes it
            }
            boost::system::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
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
        auto const read = [this]() -> cf::result<std::shared_ptr<reloadable const>> {
            auto const c = read_configuration(file_);
            return c ? load(*c) : c.error();
        };
        auto pending = cf::offload(disk_.get_executor(), read);
        auto const now = co_await std::move(pending);
        if (now) shared_.now = *now;
        log_line("reload", {{"error", now ? "" : now.error().to_string()}});
    }

    asio::awaitable<void> stop() {
        log_line("stopping", {{"under_way", shared_.under_way}});
        auto const end = std::chrono::steady_clock::now() + seconds(shared_.settings.stop_seconds);
        shared_.is_stopping = true;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        machines_.stop();
        keeping_.emit(asio::cancellation_type::terminal);
        asio::steady_timer pause(context_);
        while ((shared_.under_way != 0 || is_kept_ || !open_.empty()) &&
               std::chrono::steady_clock::now() < end) {
            for (auto const& c : open_)
                if (c->is_idle) c->close();
            pause.expires_after(std::chrono::milliseconds(20));
            co_await pause.async_wait(nothrow);
        }
        log_line("stopped", {{"under_way", shared_.under_way}}); // its intents are in the log
        context_.stop();
    }

    asio::io_context& context_;
    asio::thread_pool& disk_;
    std::string file_;
    service& shared_;
    machines& machines_;
    tcp::acceptor acceptor_;
    asio::signal_set signals_;
    asio::cancellation_signal keeping_{};
    bool is_kept_ = true;
    std::set<std::shared_ptr<connection>> open_{};
};

} // namespace

cf::result<void> run_server(std::string const& file, open_stores const& open) {
    auto const settings = read_configuration(file);
    if (!settings) return settings.error();
    auto const now = load(*settings);
    if (!now) return now.error();
    auto const credentials = read_credentials(*settings);
    if (!credentials) return credentials.error();
    asio::io_context context(1);
    asio::thread_pool disk(static_cast<std::size_t>(settings->concurrent_issues + 8));
    auto where = open(*settings, context, disk);
    if (!where) return where.error();
    metrics numbers;
    api_trace trace(numbers);
    auto const client = make_client(*settings, *credentials, context, trace);
    machines m(*settings, client, *where, numbers, trace);
    routes site(m, numbers);
    service shared{*settings, site, numbers, *now};
    server s(context, disk, file, shared, m);
    context.run();
    std::_Exit(0); // what a store or a look-up still does is not waited for
}

// The Beast transports with several threads, and with several processes.
#include <cloudflare/transport/beast.hpp>

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/detail/conformance/trial.hpp>
#include <cloudflare/testing/detail/scripted_server.hpp>
#include <cloudflare/transport/async_call.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace cloudflare;
using namespace std::chrono_literals;
using testing::always;
using testing::scripted_server;
using testing::seen_request;
using testing::detail::make_response;
using testing::detail::temporary_file;

http::request post_to(http::origin const& origin, std::string target, std::string body = "{}") {
    http::request r{.origin = origin, .method = http::method::post};
    r.target = std::move(target);
    r.body = std::move(body);
    r.repeatable = false;
    return r;
}

/// The targets of the requests that a server has seen whole.
std::set<std::string> targets_of(scripted_server const& server) {
    std::set<std::string> targets;
    for (auto const& seen : server.requests()) {
        auto const begin = seen.bytes.find(' ') + 1;
        targets.insert(seen.bytes.substr(begin, seen.bytes.find(' ', begin) - begin));
    }
    return targets;
}

/// A call on a strand of its own, which is cancelled there at a random moment.
class cancelled_call : public std::enable_shared_from_this<cancelled_call> {
public:
    using executor = asio::any_io_executor;

    cancelled_call(executor const& context, http::request r)
        : strand_(asio::make_strand(context)), timer_(strand_), request_(std::move(r)) {}

    std::future<result<http::response>> start(beast_transport const& transport,
                                              std::chrono::microseconds cancel_after) {
        auto given = given_.get_future();
        asio::post(strand_, [self = shared_from_this(), transport, cancel_after] {
            self->timer_.expires_after(cancel_after);
            self->timer_.async_wait([self](boost::system::error_code ec) {
                if (!ec) self->cancel_.emit(asio::cancellation_type::terminal);
            });
            asio::co_spawn(
                self->strand_, transport.send(self->request_, time_point::clock::now() + 30s),
                asio::bind_cancellation_slot(
                    self->cancel_.slot(),
                    asio::bind_executor(self->strand_, [self](std::exception_ptr thrown,
                                                              result<http::response> one) {
                        self->timer_.cancel();
                        if (thrown) return self->given_.set_exception(thrown);
                        self->given_.set_value(std::move(one));
                    })));
        });
        return given;
    }

private:
    executor strand_;
    asio::steady_timer timer_;
    asio::cancellation_signal cancel_;
    http::request request_;
    std::promise<result<http::response>> given_;
};

/// Makes `count` calls, 16 at once on four threads, each cancelled within its first milliseconds.
/// What was reported as not sent must not have been seen.
void cancel_at_random(bool tls, std::size_t body_size, std::size_t max_idle, int count) {
    scripted_server server(always({make_response(201, "{}")}), {.tls = tls});
    temporary_file const ca(server.ca_pem());
    asio::thread_pool pool(4);
    beast_transport const transport(
        pool.get_executor(), beast_options().ca_file(ca.path()).max_idle_connections(max_idle));
    std::mt19937_64 random(7);
    std::vector<std::string> not_sent;
    int cancelled = 0;
    for (int round = 0; round < count; round += 16) {
        std::vector<std::pair<std::string, std::future<result<http::response>>>> calls;
        for (int i = 0; i != 16; ++i) {
            auto const target = '/' + std::to_string(round + i);
            auto const call = std::make_shared<cancelled_call>(
                pool.get_executor(), post_to(server.origin(), target, std::string(body_size, 'x')));
            auto const after = std::chrono::microseconds(random() % 4000);
            calls.emplace_back(target, call->start(transport, after));
        }
        for (auto& [target, call] : calls) {
            auto const given = call.get();
            if (given) continue;
            CHECK(given.error() == errc::cancelled);
            ++cancelled;
            if (given.error().delivery() == delivery::not_sent) not_sent.push_back(target);
        }
    }
    std::this_thread::sleep_for(100ms); // until what is on its way has come
    auto const seen = targets_of(server);
    for (auto const& target : not_sent)
        CHECK_FALSE(seen.contains(target));
    CHECK(cancelled > 0);
    pool.join();
}

TEST_CASE("calls are cancelled at any moment, on several threads") {
    for (bool const tls : {false, true})
        for (std::size_t const body_size : {std::size_t{2}, std::size_t{2} << 20})
            for (std::size_t const max_idle : {std::size_t{0}, std::size_t{16}}) {
                CAPTURE(tls);
                CAPTURE(body_size);
                CAPTURE(max_idle);
                cancel_at_random(tls, body_size, max_idle, body_size > 1000 ? 100 : 400);
            }
}

TEST_CASE("calls by a completion token are cancelled from any thread") {
    scripted_server server(
        always({make_response(200, R"({"success":true,"errors":[],"messages":[],"result":[]})")}),
        {.tls = true});
    temporary_file const ca(server.ca_pem());
    asio::thread_pool pool(4);
    client const c(beast_transport(pool.get_executor(),
                                   beast_options().ca_file(ca.path()).max_idle_connections(0)),
                   api_token::make("sample").value(),
                   client_options().base_url(
                       base_url::parse("https://" + server.origin().authority()).value()));
    access::list_service_tokens const list(
        access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value());
    std::mt19937_64 random(3);
    int ended = 0, cancelled = 0;
    for (int round = 0; round != 30; ++round) {
        std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
        std::vector<std::future<result<page<access::service_token>>>> calls;
        for (int i = 0; i != 8; ++i) {
            auto& signal = signals.emplace_back(std::make_unique<asio::cancellation_signal>());
            calls.push_back(async_call(
                c, list, asio::bind_cancellation_slot(signal->slot(), asio::use_future)));
        }
        for (auto const& signal : signals) {
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 1000));
            signal->emit(asio::cancellation_type::terminal);
        }
        for (auto& call : calls) {
            auto const given = call.get();
            ++ended;
            if (given.has_value()) continue;
            CHECK(given.error() == errc::cancelled);
            ++cancelled;
        }
    }
    CHECK(ended == 240);
    CHECK(cancelled > 0);
    pool.join();
}

TEST_CASE("a cancellation that comes with a slot in the pool is not lost") {
    // The slot becomes free and the waiting call is cancelled in one turn of the context.
    scripted_server server(always({.bytes = make_response(200), .pause = 20ms}));
    scripted_server silent(
        always({}), {.tls = true, .first = testing::scripted_server_options::greeting::hang});
    asio::io_context context(1);
    beast_transport const transport(context.get_executor(),
                                    beast_options().max_connections(1).max_idle_connections(0));
    asio::cancellation_signal cancel;
    std::optional<result<http::response>> first, second;
    auto const r = post_to(server.origin(), "/");
    auto const waits = post_to(silent.origin(), "/");
    asio::co_spawn(context, transport.send(r, time_point::clock::now() + 10s),
                   [&](std::exception_ptr, result<http::response> one) {
                       first = std::move(one);
                       cancel.emit(asio::cancellation_type::terminal);
                   });
    asio::co_spawn(context, transport.send(waits, time_point::clock::now() + 10s),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr, result<http::response> one) {
                           second = std::move(one);
                       }));
    auto const begin = time_point::clock::now();
    context.run();
    CHECK(first.value());
    REQUIRE_FALSE(second.value());
    CHECK(second->error() == errc::cancelled);
    CHECK(second->error().delivery() == delivery::not_sent);
    CHECK(time_point::clock::now() - begin < 5s);
}

/// Runs `job` in a child process; gives the status that it returns.
template <class Job>
int in_child(Job job) {
    auto const child = ::fork();
    if (child == 0) ::_exit(job());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a child process uses a connection of its own, and the parent goes on with its own") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        scripted_server server(always({make_response(200, "{}")}), {.tls = tls});
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const transport(beast_options().ca_file(ca.path()));
        auto const send = [&](std::string const& target) {
            auto const given =
                transport.send(post_to(server.origin(), target), time_point::clock::now() + 5s)
                    .get();
            return given.has_value() && given->body == "{}";
        };
        REQUIRE(send("/parent"));
        CHECK(in_child([&] { return send("/child") && send("/child") ? 0 : 1; }) == 0);
        CHECK(in_child([&] { return 0; }) == 0); // and one that does not use the transport
        CHECK(send("/parent"));
        std::size_t of_parent = 0;
        for (auto const& seen : server.requests())
            of_parent += seen.connection == 1;
        CHECK(server.requests().size() == 4);
        CHECK(of_parent == 2);
        CHECK(server.connection_count() == 2);
    }
}

TEST_CASE("a child that destroys the transport leaves the parent's connections alone") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        scripted_server server(always({make_response(200, "{}")}), {.tls = tls});
        temporary_file const ca(server.ca_pem());
        std::optional<blocking_beast_transport> transport(beast_options().ca_file(ca.path()));
        auto const send = [&] {
            return transport->send(post_to(server.origin(), "/"), time_point::clock::now() + 5s)
                .get()
                .has_value();
        };
        REQUIRE(send());
        CHECK(in_child([&] {
                  transport.reset();
                  return 0;
              }) == 0);
        CHECK(send());
        CHECK(server.connection_count() == 1);
    }
}

TEST_CASE("a child of a program with its own context opens connections of its own") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        scripted_server server(always({make_response(200, "{}")}), {.tls = tls});
        temporary_file const ca(server.ca_pem());
        asio::io_context context(1);
        beast_transport const transport(context.get_executor(), beast_options().ca_file(ca.path()));
        auto const send = [&] {
            std::optional<result<http::response>> given;
            auto const r = post_to(server.origin(), "/");
            asio::co_spawn(
                context, transport.send(r, time_point::clock::now() + 5s),
                [&](std::exception_ptr, result<http::response> one) { given = std::move(one); });
            context.restart();
            context.run();
            return given && *given;
        };
        REQUIRE(send());
        context.notify_fork(asio::execution_context::fork_prepare);
        auto const child = ::fork();
        if (child == 0) {
            context.notify_fork(asio::execution_context::fork_child);
            ::_exit(send() && send() ? 0 : 1);
        }
        context.notify_fork(asio::execution_context::fork_parent);
        int status = -1;
        ::waitpid(child, &status, 0);
        CHECK(status == 0);
        CHECK(send());
        CHECK(server.connection_count() == 2);
    }
}

} // namespace

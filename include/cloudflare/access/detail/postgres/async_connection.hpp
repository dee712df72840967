/// A connection that waits by Asio, and how one is made.
#pragma once

#include <cloudflare/access/detail/postgres/async_wait.hpp>

#include <boost/system/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail::postgres {

/// An open connection.
class async_connection {
public:
    async_connection(asio::any_io_executor executor, std::unique_ptr<connection> connected)
        : connection_(std::move(connected)), socket_(executor, connection_->socket()) {}

    [[nodiscard]] bool is_usable() const noexcept { return connection_->is_usable(); }

    /// Executes a statement once all sessions that were lost before have ended. Adds its own
    /// session to them if that is lost.
    ///
    /// @param lost must live until the task has ended
    /// @param s the same
    [[nodiscard]] asio::awaitable<outcome> execute_safely(lost_sessions& lost, statement const& s,
                                                          steady_time end) {
        auto const all = lost.all();
        for (auto const& before : all) {
            auto const ending = end_session(before);
            auto pending = execute(ending, end);
            auto const ended = co_await std::move(pending);
            if (!ended) co_return ended.error();
            if (!has_ended(*ended)) co_return still_there();
            lost.remove(before);
        }
        auto pending = execute(s, end);
        auto given = co_await std::move(pending);
        if (!given && given.error().kind == failure_kind::lost) lost.add(connection_->session());
        co_return given;
    }

private:
    [[nodiscard]] asio::awaitable<outcome> execute(statement const& s, steady_time end) {
        connection_->send(s);
        for (;;) {
            auto const wants = connection_->step();
            if (wants == interest::nothing) co_return connection_->finish();
            auto pending = socket_.wait_for(wants, end);
            bool const is_ready = co_await std::move(pending);
            if (is_ready) continue;
            co_return connection_->give_up();
        }
    }

    std::unique_ptr<connection> connection_;
    async_socket socket_;
};

/// The servers by their addresses, without those whose names have none.
[[nodiscard]] inline asio::awaitable<std::vector<server>> resolved(std::vector<server> list,
                                                                   steady_time end) {
    std::vector<server> found;
    for (auto& s : list) {
        if (!s.needs_look_up()) {
            found.push_back(std::move(s));
            continue;
        }
        auto pending = look_up(s.host, end);
        auto const addresses = co_await std::move(pending);
        for (auto const& address : addresses) {
            found.push_back(s);
            found.back().address = address;
        }
    }
    co_return found;
}

using async_connected = boost::system::result<std::unique_ptr<async_connection>, failure>;

/// @param turn which server to try first
/// @param is_silent set to true if the server did not respond in time
[[nodiscard]] inline asio::awaitable<async_connected> connect(asio::any_io_executor executor,
                                                              servers const& from, unsigned turn,
                                                              steady_time end, bool& is_silent) {
    auto pending = resolved(from.all(), end);
    auto list = co_await std::move(pending);
    if (list.empty()) co_return failure(failure_kind::unreachable, "the host name has no address");
    auto made = std::make_unique<connection>(from, rotated(std::move(list), turn));
    for (;;) {
        auto wants = interest::nothing;
        auto const failed = made->connect(wants);
        if (failed) co_return *failed;
        if (wants == interest::nothing)
            co_return std::make_unique<async_connection>(executor, std::move(made));
        async_socket socket(executor, made->socket()); // libpq may have opened another one
        auto pending_wait = socket.wait_for(wants, end);
        bool const is_ready = co_await std::move(pending_wait);
        if (is_ready) continue;
        is_silent = true;
        co_return failure(failure_kind::unreachable, "the server did not respond in time");
    }
}

} // namespace cloudflare::inline v0::access::detail::postgres

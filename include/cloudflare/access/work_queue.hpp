/// How many pieces of work run at once, and how many may wait for that: for servers with Boost.Asio.
#pragma once

#include <cloudflare/core/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace cloudflare::inline v0 {

/// Runs so many pieces of work at once, lets so many wait, and tells the others when to come back.
///
///     work_queue queue(context.get_executor(), 16, 256);
///     auto const issue = [&] { return issuer.issue(key, params); };
///     auto pending = queue.run(issue);
///     auto const issued = co_await std::move(pending);
///
/// Threads: one at a time, as on a strand.
class work_queue {
    using clock = std::chrono::steady_clock;
    using error_code = boost::system::error_code;

public:
    /// @param concurrent how many run at once, at least 1
    /// @param longest how many may wait
    work_queue(boost::asio::any_io_executor e, std::size_t concurrent, std::size_t longest)
        : running_(std::move(e), concurrent), concurrent_(concurrent), longest_(longest) {}

    /// Calls `work`, whose result is a `boost::asio::awaitable<result<T>>`, when it is its turn.
    /// What it refers to must live until then.
    ///
    /// @return what the work gives; or, without calling it,
    /// - `errc::rate_limited` if as many wait as may, with the time (`retry_after`) in which they
    ///   will have ended, by how long those before took
    /// - `errc::cancelled`
    template <class Work>
    [[nodiscard]] std::invoke_result_t<Work> run(Work work) {
        if (!running_.try_send(error_code())) {
            if (waiting_ >= longest_) co_return full();
            ++waiting_;
            auto pending_turn = running_.async_send(
                error_code(), boost::asio::as_tuple(boost::asio::use_awaitable));
            auto const [failed] = co_await std::move(pending_turn);
            --waiting_;
            if (failed) co_return not_sent(errc::cancelled, "it still waited for its turn");
        }
        turn const mine(*this);
        auto pending = work();
        auto done = co_await std::move(pending);
        co_return done;
    }

    /// What waits ends with `errc::cancelled`; what runs goes on.
    void cancel_waiting() { running_.cancel(); }
    /// How many wait.
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    class turn {
    public:
        explicit turn(work_queue& q) : of_(q) {}
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() {
            std::chrono::duration<double> const span = clock::now() - begun_;
            of_.mean_ += (span - of_.mean_) / 8;
            of_.running_.try_receive([](auto...) {});
        }

    private:
        work_queue& of_;
        clock::time_point begun_ = clock::now();
    };

    [[nodiscard]] static error not_sent(errc code, std::string why) {
        return {code, error_details{.explanation = std::move(why), .delivery = delivery::not_sent}};
    }
    [[nodiscard]] error full() const {
        auto const span = mean_ * static_cast<double>(waiting_ / concurrent_ + 1);
        return not_sent(errc::rate_limited, "the queue is full").with([&](error_details& d) {
            d.retry_after =
                std::chrono::floor<std::chrono::seconds>(span) + std::chrono::seconds(1);
        });
    }

    boost::asio::experimental::channel<void(error_code)> running_;
    std::size_t concurrent_, longest_, waiting_ = 0;
    std::chrono::duration<double> mean_{0}; ///< of the last ones, about eight
};

} // namespace cloudflare::inline v0

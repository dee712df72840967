// How many issues, rotations and removals run at once, and how many may wait for that.
#pragma once

#include <cloudflare/core/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>

class places {
    using clock = std::chrono::steady_clock;

public:
    places(boost::asio::any_io_executor e, std::size_t count, std::size_t queue)
        : taken_(std::move(e), count), count_(count), queue_(queue) {}

    // Waits for a place. Errors: `rate_limited` where the queue is full, with the time after which to
    // ask again; `cancelled`.
    boost::asio::awaitable<cloudflare::result<void>> take() {
        if (taken_.try_send(boost::system::error_code())) co_return cloudflare::result<void>();
        cloudflare::error_details why{.delivery = cloudflare::delivery::not_sent};
        if (waiting_ >= queue_) {
            why.explanation = "the queue is full";
            why.retry_after = time_to_empty();
            co_return cloudflare::error(cloudflare::errc::rate_limited, std::move(why));
        }
        ++waiting_;
        auto pending = taken_.async_send(boost::system::error_code(),
                                         boost::asio::as_tuple(boost::asio::use_awaitable));
        auto const [failed] = co_await std::move(pending);
        --waiting_;
        if (failed) co_return cloudflare::error(cloudflare::errc::cancelled, std::move(why));
        co_return cloudflare::result<void>();
    }

    // Gives back, at its end, a place that was taken.
    class place {
    public:
        explicit place(places& of) : of_(of) {}
        place(place const&) = delete;
        place& operator=(place const&) = delete;
        ~place() {
            std::chrono::duration<double> const span = clock::now() - begun_;
            of_.mean_seconds_ += (span.count() - of_.mean_seconds_) / 8;
            of_.taken_.try_receive([](auto...) {});
        }

    private:
        places& of_;
        clock::time_point begun_ = clock::now();
    };

    void cancel_waiting() { taken_.cancel(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    // By how long those before took.
    [[nodiscard]] std::chrono::seconds time_to_empty() const {
        auto const turns = static_cast<double>(waiting_ / count_ + 1);
        return std::chrono::seconds(1 + static_cast<int>(turns * mean_seconds_));
    }

    boost::asio::experimental::channel<void(boost::system::error_code)> taken_;
    std::size_t count_, queue_, waiting_ = 0;
    double mean_seconds_ = 0;
};

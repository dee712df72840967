/// A transport for tests: it returns scripted responses, and records the requests.
#pragma once

#include <cloudflare/transport/blocking.hpp>
#include <cloudflare/transport/transport.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// A blocking transport that never waits. It has its own clock, which only `sleep_until`, `latency`
/// and `advance` move on. A handle: copies share the script, the records and the clock. Threads:
/// one at a time.
class scripted_transport {
public:
    template <class T>
    using task = blocking<T>;

    /// Adds a response to the script: each request gets the next one.
    scripted_transport& respond(http::response response) {
        script_->responses.push_back(std::move(response));
        return *this;
    }
    /// The next request is given this response.
    scripted_transport& respond(int status, std::string_view body,
                                std::string_view content_type = "application/json") {
        http::response r{.status = status};
        r.body = body;
        static_cast<void>(r.fields.add("Content-Type", content_type));
        return respond(std::move(r));
    }
    /// Adds a failure to the script, in place of a response.
    scripted_transport& fail(errc code, delivery d) {
        script_->responses.push_back(error(code, error_details{.delivery = d}));
        return *this;
    }
    /// How much time each request takes by the transport's clock; default none. A request that
    /// takes longer than its deadline fails with `errc::deadline_exceeded`.
    scripted_transport& latency(time_point::duration span) noexcept {
        script_->latency = span;
        return *this;
    }
    /// Moves the clock on.
    void advance(time_point::duration span) noexcept { script_->now += span; }

    /// The requests that were sent, in order.
    [[nodiscard]] std::vector<http::request> const& requests() const noexcept {
        return script_->requests;
    }
    /// How long each `sleep_until` was, in order.
    [[nodiscard]] std::vector<time_point::duration> const& waits() const noexcept {
        return script_->waits;
    }

    /// Returns the next response of the script; `errc::connect_failed` where there is none left.
    [[nodiscard]] task<result<http::response>> send(http::request const& r, time_point deadline) {
        script_->requests.push_back(r);
        script_->now += script_->latency;
        if (script_->now > deadline) {
            script_->now = deadline;
            co_return error(errc::deadline_exceeded, error_details{.delivery = delivery::unknown});
        }
        if (script_->responses.empty())
            co_return error(errc::connect_failed,
                            error_details{.explanation = "the script has no response left",
                                          .delivery = delivery::not_sent});
        auto next = std::move(script_->responses.front());
        script_->responses.pop_front();
        co_return next;
    }
    [[nodiscard]] task<void> sleep_until(time_point t) {
        script_->waits.push_back(t - script_->now);
        script_->now = (std::max)(script_->now, t);
        co_return;
    }
    [[nodiscard]] time_point now() const noexcept { return script_->now; }

private:
    struct script {
        std::deque<result<http::response>> responses;
        std::vector<http::request> requests;
        std::vector<time_point::duration> waits;
        time_point now{std::chrono::hours(1)};
        time_point::duration latency{};
    };
    std::shared_ptr<script> script_ = std::make_shared<script>();
};

} // namespace cloudflare::inline v0::testing

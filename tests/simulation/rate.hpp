// A server with a rate limit, a stranger who uses it too, and many issues at once, in simulated time.
#pragma once

#include "task.hpp"

#include <cloudflare/client.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace simulation::rate {

namespace cf = cloudflare;
using namespace std::chrono_literals;

/// How the server counts.
enum class counting {
    fixed,   ///< windows that begin with the first request after the last has ended
    sliding, ///< the requests of the last five minutes
    bucket,  ///< permits that flow back all the time: four a second
};

/// What somebody else does with the same account.
enum class stranger {
    none,
    steady, ///< one request every 0.75 s: a third of the allowance
    bursts, ///< a third of the allowance within seconds, somewhere in each five minutes
};

struct conditions {
    counting server = counting::fixed;
    stranger other = stranger::none;
    bool headers = true;    ///< responses have `Ratelimit`
    int issues = 3000;      ///< of two requests each, all at once
    bool limited = true;    ///< by a limiter
    std::uint64_t seed = 1; ///< of latencies and of the stranger's bursts
};

struct figures {
    double seconds = 0; ///< from the first request to the end of the last issue
    int succeeded = 0;
    int refused = 0;  ///< 429s that the issues met with
    int requests = 0; ///< of the issues
};

/// The server: 1200 requests in five minutes for all; past that all is refused for five minutes,
/// counted anew from each refused request.
class server {
public:
    explicit server(counting kind) : kind_(kind) {}

    struct verdict {
        bool refused = false;
        std::chrono::seconds retry_after{};
        std::int64_t remaining = 0;
        std::chrono::seconds resets_in{};
    };

    verdict count(cf::time_point now) {
        if (now < banned_until_) return ban(now);
        forget_old(now);
        if (kind_ == counting::bucket) {
            tokens_ =
                std::min(1200.0, tokens_ + 4 * std::chrono::duration<double>(now - at_).count());
            at_ = now;
            if (tokens_ < 1) return ban(now);
            --tokens_;
            return {false, 0s, static_cast<std::int64_t>(tokens_), 1s};
        }
        if (static_cast<int>(log_.size()) == most) return ban(now);
        log_.push_back(now);
        auto const reset = log_.front() + window;
        return {false, 0s, most - static_cast<std::int64_t>(log_.size()),
                std::chrono::ceil<std::chrono::seconds>(reset - now)};
    }

private:
    static constexpr int most = 1200;
    static constexpr auto window = 300s;

    verdict ban(cf::time_point now) {
        banned_until_ = now + window;
        return {true, window, 0, window};
    }
    void forget_old(cf::time_point now) {
        if (kind_ == counting::fixed) {
            if (!log_.empty() && now >= log_.front() + window) log_.clear();
        } else {
            while (!log_.empty() && now >= log_.front() + window)
                log_.pop_front();
        }
    }

    counting kind_;
    std::deque<cf::time_point> log_;
    double tokens_ = 1200;
    cf::time_point at_{};
    cf::time_point banned_until_{};
};

struct world {
    explicit world(conditions const& c) : given(c), api(c.server), random(c.seed) {}
    conditions given;
    scheduler clock;
    server api;
    std::mt19937_64 random;
    figures seen;
    int left = 0; ///< issues under way
};

class transport {
public:
    template <class T>
    using task = simulation::task<T>;

    explicit transport(world& w) : world_(&w) {}

    [[nodiscard]] task<cf::result<cf::http::response>> send(cf::http::request const&,
                                                            cf::time_point) {
        auto& w = *world_;
        ++w.seen.requests;
        co_await w.clock.until(w.clock.now() + latency());
        auto const verdict = w.api.count(w.clock.now());
        co_await w.clock.until(w.clock.now() + latency());
        cf::http::response r{.status = verdict.refused ? 429 : 200};
        r.body = verdict.refused ? R"({"success":false,"errors":[{"code":971,"message":"wait"}]})"
                                 : R"({"success":true,"errors":[],"messages":[],"result":null})";
        if (verdict.refused) {
            ++w.seen.refused;
            static_cast<void>(
                r.fields.add("Retry-After", std::to_string(verdict.retry_after.count())));
        }
        if (w.given.headers)
            static_cast<void>(
                r.fields.add("Ratelimit", "\"default\";r=" + std::to_string(verdict.remaining) +
                                              ";t=" + std::to_string(verdict.resets_in.count())));
        co_return r;
    }
    [[nodiscard]] task<void> sleep_until(cf::time_point t) { co_await world_->clock.until(t); }
    [[nodiscard]] cf::time_point now() const noexcept { return world_->clock.now(); }

private:
    cf::time_point::duration latency() {
        return std::chrono::milliseconds(20 + world_->random() % 40);
    }
    world* world_;
};

struct create {
    using result_type = void;
    static constexpr std::string_view name = "create";
    static constexpr auto method = cf::http::method::post;
    static constexpr auto idempotency = cf::idempotency::at_most_once;
    [[nodiscard]] cf::result<std::string> target() const { return std::string("/tokens"); }
};

struct rename {
    using result_type = void;
    static constexpr std::string_view name = "rename";
    static constexpr auto method = cf::http::method::put;
    static constexpr auto idempotency = cf::idempotency::idempotent;
    [[nodiscard]] cf::result<std::string> target() const { return std::string("/tokens/1"); }
};

inline task<void> issue(world& w, cf::client<transport> const& client) {
    auto pending = client.call(create());
    auto const made = co_await std::move(pending);
    bool ok = made.has_value();
    if (ok) {
        auto pending_call = client.call(rename());
        auto const renamed = co_await std::move(pending_call);
        ok = renamed.has_value();
    }
    w.seen.succeeded += ok ? 1 : 0;
    --w.left;
}

/// Counts requests of somebody else; who is refused waits as long as he is told.
inline task<void> intrude(world& w) {
    while (w.left != 0) {
        auto const begin = w.clock.now();
        auto const pause = w.given.other == stranger::steady ? 750ms : 10ms;
        auto const quiet =
            w.given.other == stranger::steady ? 0s : std::chrono::seconds(w.random() % 250);
        co_await w.clock.until(begin + quiet);
        for (int i = 0; i != 400 && w.left != 0; ++i) {
            co_await w.clock.until(w.clock.now() + pause);
            auto const verdict = w.api.count(w.clock.now());
            if (verdict.refused)
                co_await w.clock.until(w.clock.now() + verdict.retry_after +
                                       std::chrono::seconds(w.random() % 10));
        }
        co_await w.clock.until(begin + 300s);
    }
}

/// Runs all issues to their end.
inline figures run(conditions const& given) {
    world w(given);
    auto options = cf::client_options().seed(given.seed).deadline(6h);
    options.limiter(given.limited ? cf::limiter() : cf::limiter::off());
    cf::client<transport> const client(transport(w), cf::api_token::make("simulated").value(),
                                       options);
    auto const begin = w.clock.now();
    std::list<task<void>> tasks;
    w.left = given.issues;
    for (int i = 0; i != given.issues; ++i)
        tasks.push_back(issue(w, client));
    if (given.other != stranger::none) tasks.push_back(intrude(w));
    for (auto& t : tasks)
        t.start();
    auto end = begin;
    while (w.left != 0 && w.clock.step())
        end = w.clock.now();
    w.clock.run();
    w.seen.seconds = std::chrono::duration<double>(end - begin).count();
    return w.seen;
}

/// In how much time the requests can be made at the least, latency aside.
inline double least_seconds(conditions const& given) {
    int const share = given.other == stranger::none ? 1200 : 800;
    return 300.0 * ((2 * given.issues - 1) / share);
}

} // namespace simulation::rate

/// What is set once for all calls of a client.
#pragma once

#include <cloudflare/api/base_url.hpp>
#include <cloudflare/api/limiter.hpp>
#include <cloudflare/api/retry.hpp>
#include <cloudflare/api/trace.hpp>
#include <cloudflare/core/version.hpp>
#include <cloudflare/http/headers.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// Options of a client. Built by chained setters.
class client_options {
public:
    client_options() : base_url_(cloudflare::base_url::production()) {
        user_agent_.append("cloudflare-access-cpp/").append(version);
    }

    /// Where the API is. Default `https://api.cloudflare.com/client/v4`.
    client_options& base_url(cloudflare::base_url url) {
        base_url_ = std::move(url);
        return *this;
    }
    /// Allows a base URL of `http` to a host that is not on this machine. Default false: the
    /// credentials and the secrets in the responses would cross the network in clear, so every call
    /// ends with `errc::invalid_argument` and sends nothing. A loopback host needs no permission.
    client_options& allow_insecure_http(bool allow) noexcept {
        allow_insecure_http_ = allow;
        return *this;
    }
    /// The `User-Agent`. Default `cloudflare-access-cpp/<version>`. Cloudflare's edge refuses the
    /// names of common scripting libraries (403, `error code: 1010`).
    client_options& user_agent(std::string_view text) {
        user_agent_ = text;
        return *this;
    }
    /// How long a call may take, its waits included. Default 60 s; clamped to 0 (nothing is sent) to
    /// ten years. A call may set its own.
    client_options& deadline(std::chrono::milliseconds span) noexcept {
        deadline_ = std::clamp(span, std::chrono::milliseconds(0), max_deadline);
        return *this;
    }
    /// How often and how fast a call is tried again. A call may set its own.
    client_options& retry(retry_policy const& policy) noexcept {
        retry_ = policy;
        return *this;
    }
    /// How many retries all calls together may make while nothing succeeds. Default 20; clamped to
    /// 0 (no retry) to 10^9.
    client_options& retry_budget(std::int64_t retries) noexcept {
        retry_budget_ = retries;
        return *this;
    }
    /// Sees every attempt.
    client_options& trace(trace_hook hook) {
        trace_ = std::move(hook);
        return *this;
    }
    /// Keeps the account's rate. Default: a limiter of the client's own, with the API's limits,
    /// which copies of the client share. Give several clients of one account the same limiter;
    /// `limiter::off()` for none.
    client_options& limiter(cloudflare::limiter shared) noexcept {
        limiter_ = std::move(shared);
        return *this;
    }
    /// Where the jitter's random numbers start, to make a test repeatable. Default: from the
    /// system.
    client_options& seed(std::uint64_t value) noexcept {
        seed_ = value;
        return *this;
    }

    [[nodiscard]] cloudflare::base_url const& base_url() const noexcept { return base_url_; }
    [[nodiscard]] bool allow_insecure_http() const noexcept { return allow_insecure_http_; }
    [[nodiscard]] std::string const& user_agent() const noexcept { return user_agent_; }
    [[nodiscard]] std::chrono::milliseconds deadline() const noexcept { return deadline_; }
    [[nodiscard]] retry_policy const& retry() const noexcept { return retry_; }
    [[nodiscard]] std::int64_t retry_budget() const noexcept { return retry_budget_; }
    [[nodiscard]] trace_hook const& trace() const noexcept { return trace_; }
    /// Nothing where the client is to make its own.
    [[nodiscard]] std::optional<cloudflare::limiter> const& limiter() const noexcept {
        return limiter_;
    }
    [[nodiscard]] std::optional<std::uint64_t> seed() const noexcept { return seed_; }

private:
    cloudflare::base_url base_url_;
    bool allow_insecure_http_ = false;
    std::string user_agent_;
    std::chrono::milliseconds deadline_{60'000};
    retry_policy retry_;
    std::int64_t retry_budget_ = 20;
    trace_hook trace_;
    std::optional<cloudflare::limiter> limiter_;
    std::optional<std::uint64_t> seed_;
};

} // namespace cloudflare::inline v0

/// The options of a client.
#pragma once

#include <cloudflare/api/base_url.hpp>
#include <cloudflare/api/limiter.hpp>
#include <cloudflare/api/retry.hpp>
#include <cloudflare/api/trace.hpp>
#include <cloudflare/core/detail/options_base.hpp>
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

/// Options of a client, set once for all of its calls. Built by chained setters.
class client_options : public detail::options_base<client_options> {
public:
    client_options() : base_url_(cloudflare::base_url::production()) {
        user_agent_.append("cloudflare-access-cpp/").append(version);
    }

    /// Where the API is. Default `https://api.cloudflare.com/client/v4`.
    client_options& base_url(cloudflare::base_url url) { return set(base_url_, std::move(url)); }
    [[nodiscard]] cloudflare::base_url const& base_url() const noexcept { return base_url_; }

    /// Allows a base URL of `http` to a host that is not on this machine. Default false: the
    /// credentials and the secrets in the responses would cross the network unencrypted, so every
    /// call ends with `errc::invalid_argument` and sends nothing. A loopback host needs no
    /// permission.
    client_options& allow_insecure_http(bool allow) noexcept {
        return set(allow_insecure_http_, allow);
    }
    [[nodiscard]] bool allow_insecure_http() const noexcept { return allow_insecure_http_; }

    /// The value of `User-Agent`. Default `cloudflare-access-cpp/<version>`. Cloudflare's edge
    /// refuses the names of common scripting libraries (403, `error code: 1010`).
    client_options& user_agent(std::string_view value) { return set(user_agent_, value); }
    [[nodiscard]] std::string const& user_agent() const noexcept { return user_agent_; }

    /// How long a call may take, including the waits between its attempts. Default 60 s; clamped to
    /// 0 (nothing is sent) to ten years. `call_options` may override it.
    client_options& deadline(std::chrono::milliseconds span) noexcept {
        return set(deadline_, std::clamp(span, std::chrono::milliseconds(0), max_deadline));
    }
    [[nodiscard]] std::chrono::milliseconds deadline() const noexcept { return deadline_; }

    /// How often and how fast a call is retried. `call_options` may override it.
    client_options& retry(retry_policy const& policy) noexcept { return set(retry_, policy); }
    [[nodiscard]] retry_policy const& retry() const noexcept { return retry_; }

    /// How many retries all calls of the client together may make while no call succeeds. Default
    /// 20; clamped to 0 (no retry) to 10^9.
    client_options& retry_budget(std::int64_t retries) noexcept {
        return set(retry_budget_, retries);
    }
    [[nodiscard]] std::int64_t retry_budget() const noexcept { return retry_budget_; }

    /// A function that is called after every attempt. Default none.
    client_options& trace(trace_hook hook) { return set(trace_, std::move(hook)); }
    [[nodiscard]] trace_hook const& trace() const noexcept { return trace_; }

    /// Keeps the calls within the account's rate limit. Default: a limiter with the API's limits,
    /// made by the client and shared by its copies. Give several clients of one account the same
    /// limiter; `limiter::off()` for none.
    client_options& limiter(cloudflare::limiter shared) noexcept {
        return set(limiter_, std::move(shared));
    }
    /// Empty where the client is to make its own.
    [[nodiscard]] std::optional<cloudflare::limiter> const& limiter() const noexcept {
        return limiter_;
    }

    /// The seed of the random numbers that spread the waits between attempts, to make a test
    /// repeatable. Default: from the system.
    client_options& seed(std::uint64_t value) noexcept { return set(seed_, value); }
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

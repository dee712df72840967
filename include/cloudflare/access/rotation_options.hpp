/// Settings of rotator and renewer.
#pragma once

#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `rotator`, and of the rotations of a `renewer`. Built by chained setters.
class rotation_options {
public:
    using clock = issue_options::clock;
    using random = issue_options::random;
    using verify_function = std::function<result<void>(issued_service_token const&)>;

    rotation_options() {}

    /// How long a rotation may take, the wait for another one of the same token included. Default
    /// 10 minutes.
    rotation_options& deadline(std::chrono::milliseconds span) {
        common_.deadline(span);
        return *this;
    }
    /// The age from which the lease of another rotation of the token is taken over: its process is
    /// taken for dead. Must exceed the deadline. Default 15 minutes.
    rotation_options& min_age(std::chrono::seconds span) {
        common_.min_age(span);
        return *this;
    }
    /// The shortest grace that `rotate` accepts: who reads the sink needs that long to come by.
    /// Default 5 minutes.
    rotation_options& min_grace(std::chrono::seconds span) noexcept {
        min_grace_ = span;
        return *this;
    }
    /// How long the token is watched after a request with an unknown outcome. Default 30 s.
    rotation_options& settle_window(std::chrono::milliseconds span) {
        common_.settle_window(span);
        return *this;
    }
    /// How long after it was sent a request may still act, as far as `/rotate` is concerned, which
    /// an API that shows no versions leaves as the only way: so long a token is not rotated again
    /// after an unknown outcome. Default one day.
    rotation_options& max_lateness(std::chrono::seconds span) noexcept {
        max_lateness_ = span;
        return *this;
    }
    /// Tries the new secret once it is stored, e.g. against an application behind Access. Must not
    /// throw.
    rotation_options& verify(verify_function f) {
        verify_ = std::move(f);
        return *this;
    }
    /// Names the sink, where hosts with sinks of their own share one log. Default empty.
    rotation_options& sink_name(std::string name) {
        common_.sink_name(std::move(name));
        return *this;
    }
    /// What is written down with each intent, e.g. where the secret goes: no secret itself.
    rotation_options& note(std::string text) {
        common_.note(std::move(text));
        return *this;
    }
    /// Where the time comes from until a response has told the server's. Default: the system's
    /// clock.
    rotation_options& now_from(clock c) {
        common_.now_from(std::move(c));
        return *this;
    }
    /// Where random bits come from, 64 at a time. Default: `std::random_device`.
    rotation_options& random_from(random r) {
        common_.random_from(std::move(r));
        return *this;
    }

    [[nodiscard]] std::chrono::milliseconds settle_window() const noexcept {
        return common_.settle_window();
    }
    [[nodiscard]] std::chrono::seconds min_grace() const noexcept { return min_grace_; }
    [[nodiscard]] std::chrono::seconds max_lateness() const noexcept { return max_lateness_; }
    [[nodiscard]] verify_function const& verifier() const noexcept { return verify_; }
    [[nodiscard]] timestamp now() const { return common_.now(); }

    /// Those that issue has, too.
    [[nodiscard]] issue_options const& common() const noexcept { return common_; }

    /// Whether a rotator can work by these options; else `errc::invalid_argument`.
    [[nodiscard]] result<void> check() const {
        auto const rule = [](char const* text) { return error(errc::invalid_argument, text); };
        if (common_.deadline() <= std::chrono::milliseconds(0))
            return rule("rotation options: deadline must be positive");
        if (common_.min_age() <= std::chrono::floor<std::chrono::seconds>(common_.deadline()))
            return rule("rotation options: min_age must exceed the deadline, or a rotation under "
                        "way is taken for dead");
        if (min_grace_ < std::chrono::seconds(1))
            return rule("rotation options: min_grace must be at least 1 s");
        return {};
    }

private:
    issue_options common_;
    std::chrono::seconds min_grace_ = std::chrono::minutes(5);
    std::chrono::seconds max_lateness_ = std::chrono::hours(24);
    verify_function verify_;
};

} // namespace cloudflare::inline v0::access

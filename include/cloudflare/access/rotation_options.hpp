/// Settings of the rotation.
#pragma once

#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <functional>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `rotation`. Built by chained setters.
class rotation_options {
public:
    using clock = std::function<timestamp()>;
    using verify_function = std::function<result<void>(issued_service_token const&)>;

    rotation_options() : clock_([] { return timestamp(std::chrono::system_clock::now()); }) {}

    /// How long the token is looked at after a lost response of `/rotate`. Default 30 s.
    rotation_options& settle_window(std::chrono::milliseconds span) noexcept {
        settle_window_ = span;
        return *this;
    }
    /// The wait before the first look or the second sending. Default 1 s.
    rotation_options& pause(std::chrono::milliseconds span) noexcept {
        pause_ = span;
        return *this;
    }
    /// Tries the new secret once it is stored, e.g. against an application behind Access.
    rotation_options& verify(verify_function f) {
        verify_ = std::move(f);
        return *this;
    }
    /// Where the time comes from that grace periods are counted from. Default: the system's clock.
    rotation_options& now_from(clock c) {
        clock_ = std::move(c);
        return *this;
    }

    [[nodiscard]] std::chrono::milliseconds settle_window() const noexcept {
        return settle_window_;
    }
    [[nodiscard]] std::chrono::milliseconds pause() const noexcept { return pause_; }
    [[nodiscard]] verify_function const& verifier() const noexcept { return verify_; }
    [[nodiscard]] timestamp now() const { return clock_(); }

private:
    std::chrono::milliseconds settle_window_{30'000};
    std::chrono::milliseconds pause_{1'000};
    verify_function verify_;
    clock clock_;
};

} // namespace cloudflare::inline v0::access

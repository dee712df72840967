/// What a caller sets for one call.
#pragma once

#include <cloudflare/api/retry.hpp>
#include <cloudflare/http/headers.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// Options of one call, in place of the client's. Built by chained setters, which return a reference
/// also for a temporary: keep a copy, not that reference.
class call_options {
public:
    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    call_options() noexcept {}

    /// How long the whole call may take, its waits included; clamped to 0 (nothing is sent) to ten
    /// years. A wait that does not fit ends the call at once.
    call_options& deadline(std::chrono::milliseconds span) noexcept {
        deadline_ = std::clamp(span, std::chrono::milliseconds(0), max_deadline);
        return *this;
    }
    /// How often and how fast the call is tried again.
    call_options& retry(retry_policy const& policy) noexcept {
        retry_ = policy;
        return *this;
    }
    /// How many requests the call may make; the rest of the policy stays the client's.
    call_options& attempts(unsigned count) noexcept {
        attempts_ = count;
        return *this;
    }
    /// Adds a header field to every request, in place of the client's own of that name. A bad name
    /// or value, a field that frames the message, and `Accept-Encoding` (no response is
    /// decompressed) are the call's error.
    call_options& header(std::string_view name, std::string_view value) {
        auto ok = fields_.set(name, value);
        if (http::is_reserved(name))
            ok = error(errc::invalid_argument,
                       "header " + std::string(name) + ": is not the caller's to set");
        if (!ok && !bad_header_) bad_header_ = ok.error();
        return *this;
    }

    [[nodiscard]] std::optional<std::chrono::milliseconds> deadline() const noexcept {
        return deadline_;
    }
    /// The policy to follow, given the client's own.
    [[nodiscard]] retry_policy retry_over(retry_policy policy) const noexcept {
        if (retry_) policy = *retry_;
        if (attempts_) policy.max_attempts(*attempts_);
        return policy;
    }
    [[nodiscard]] http::headers const& fields() const noexcept { return fields_; }
    [[nodiscard]] std::optional<error> const& bad_header() const noexcept { return bad_header_; }

private:
    std::optional<std::chrono::milliseconds> deadline_;
    std::optional<retry_policy> retry_;
    std::optional<unsigned> attempts_;
    http::headers fields_;
    std::optional<error> bad_header_;
};

} // namespace cloudflare::inline v0

/// The options of one call.
#pragma once

#include <cloudflare/api/retry.hpp>
#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/http/headers.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// Options of one call; what is not set is as in the client's options. Built by chained setters.
class call_options : public detail::options_base<call_options> {
public:
    /// How long the call may take, including the waits between its attempts; clamped to 0 (nothing
    /// is sent) to ten years. A wait that would end after it is not begun: the call ends at once.
    call_options& deadline(std::chrono::milliseconds span) noexcept {
        return set(deadline_, std::clamp(span, std::chrono::milliseconds(0), max_deadline));
    }
    [[nodiscard]] std::optional<std::chrono::milliseconds> deadline() const noexcept {
        return deadline_;
    }

    /// How often and how fast the call is retried.
    call_options& retry(retry_policy const& policy) noexcept { return set(retry_, policy); }

    /// How many requests the call may make, the first included; the rest of the policy is kept.
    call_options& attempts(unsigned count) noexcept { return set(attempts_, count); }

    /// The policy to follow: the client's `policy`, overridden by `retry` and then by `attempts`.
    [[nodiscard]] retry_policy retry_over(retry_policy policy) const noexcept {
        if (retry_) policy = *retry_;
        if (attempts_) policy.max_attempts(*attempts_);
        return policy;
    }

    /// Adds a header field to every request of the call; it replaces the client's own field of that
    /// name. The call ends with `errc::invalid_argument` and sends nothing for an invalid name or
    /// value, for a field that frames the message (`Content-Length` ...), and for `Accept-Encoding`,
    /// because no response is decompressed.
    call_options& header(std::string_view name, std::string_view value) {
        auto ok = fields_.set(name, value);
        if (http::is_reserved(name))
            ok = error(errc::invalid_argument,
                       "header " + std::string(name) + ": is set by the library only");
        if (!ok && !bad_header_) bad_header_ = ok.error();
        return *this;
    }
    /// The fields added.
    [[nodiscard]] http::headers const& fields() const noexcept { return fields_; }
    /// The error of the first field that was refused.
    [[nodiscard]] std::optional<error> const& bad_header() const noexcept { return bad_header_; }

private:
    std::optional<std::chrono::milliseconds> deadline_;
    std::optional<retry_policy> retry_;
    std::optional<unsigned> attempts_;
    http::headers fields_;
    std::optional<error> bad_header_;
};

} // namespace cloudflare::inline v0

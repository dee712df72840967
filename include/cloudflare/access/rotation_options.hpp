/// The options of rotator and renewer.
#pragma once

#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `rotator`, and of the rotations of a `renewer`. Built by chained setters.
class rotation_options : public cloudflare::detail::options_base<rotation_options> {
public:
    /// The time, e.g. of a test.
    using clock = issue_options::clock;
    using random = issue_options::random; ///< 64 random bits a call.
    /// An error says that the new secret does not work: see `verify`.
    using verify_function = std::function<result<void>(issued_service_token const&)>;

    /// How long a rotation may take, including its wait for another one of the same token. Default
    /// 10 minutes.
    rotation_options& deadline(std::chrono::milliseconds span) noexcept {
        return common_.deadline(span), *this;
    }

    /// The age from which another rotation's lease of the token is taken over, because its process
    /// is presumed dead. Must exceed the deadline. Default 15 minutes.
    rotation_options& min_age(std::chrono::seconds span) noexcept {
        return common_.min_age(span), *this;
    }

    /// The shortest grace period that `rotate` accepts: how long those who use the secret need to
    /// read the new one. At least 1 s. Default 5 minutes.
    rotation_options& min_grace(std::chrono::seconds span) noexcept {
        return set(min_grace_, span);
    }
    [[nodiscard]] std::chrono::seconds min_grace() const noexcept { return min_grace_; }

    /// How long to look for the effect of a request with an unknown outcome. Default 30 s.
    rotation_options& settle_window(std::chrono::milliseconds span) noexcept {
        return common_.settle_window(span), *this;
    }
    [[nodiscard]] std::chrono::milliseconds settle_window() const noexcept {
        return common_.settle_window();
    }

    /// How late a `/rotate` with an unknown outcome may still act: for so long the token is not
    /// rotated again. Only for an API that shows no `client_secret_version`. Default one day.
    rotation_options& max_lateness(std::chrono::seconds span) noexcept {
        return set(max_lateness_, span);
    }
    [[nodiscard]] std::chrono::seconds max_lateness() const noexcept { return max_lateness_; }

    /// Tries the new secret once it is stored, e.g. with a request to an application behind Access.
    /// Its error becomes the rotation's. Must not throw. Default: none.
    rotation_options& verify(verify_function f) { return set(verify_, std::move(f)); }
    /// As set by `verify(f)`, or empty.
    [[nodiscard]] verify_function const& verifier() const noexcept { return verify_; }

    /// The name of the sink. If several hosts, each with its own sink, share one log, the names
    /// must differ. Default empty.
    rotation_options& sink_name(std::string name) {
        return common_.sink_name(std::move(name)), *this;
    }

    /// A note to store with each intent, e.g. where the secret goes; it must not contain a secret.
    /// Default empty.
    rotation_options& note(std::string value) { return common_.note(std::move(value)), *this; }

    /// The clock to use until a response has told the server's time. Default: the system's clock.
    rotation_options& now_from(clock c) { return common_.now_from(std::move(c)), *this; }
    /// The time by the clock of `now_from(c)`.
    [[nodiscard]] timestamp now() const { return common_.now(); }

    /// The source of random bits, 64 at a time. Default: `std::random_device`.
    rotation_options& random_from(random r) { return common_.random_from(std::move(r)), *this; }

    /// The options that an issue has, too.
    [[nodiscard]] issue_options const& common() const noexcept { return common_; }

    /// Checks the options of a rotator.
    ///
    /// @return `errc::invalid_argument` with the rule that is broken
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

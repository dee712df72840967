/// Why a call has no result: a code, whether the server may have acted, and what it responded.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/error_code.hpp>
#include <cloudflare/core/idempotency.hpp>

#include <boost/config.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

/// How far a request got, which decides whether it may be sent again.
enum class delivery : unsigned char {
    not_sent, ///< the server cannot have seen it
    rejected, ///< the server responded that it did not act
    unknown,  ///< the request may have arrived, and the server may have acted
    accepted, ///< the server acted, but its response cannot be used
};

/// Why a call was not tried again, or not at all.
enum class stop_reason : unsigned char {
    none,               ///< not applicable
    permanent,          ///< the same request would fail the same way
    not_repeatable,     ///< the server may have acted, and a second request would do harm
    attempts_exhausted, ///< the maximum number of attempts was made
    deadline,           ///< the next wait would end after the deadline
    budget_exhausted,   ///< the client's shared retry budget is used up
    cancelled,          ///< by the caller
};

/// One entry of the API's `errors` or `messages` array.
struct api_message {
    std::optional<std::int64_t> code{};     ///< may be absent
    std::string message{};                  ///< for a person
    std::string documentation_url{};        ///< empty where absent
    std::string source_pointer{};           ///< JSON pointer into the request; empty where absent
    std::vector<api_message> error_chain{}; ///< what led to this one
};

/// All that is known of a failure. Strings from the server are unchanged, except for the excerpt:
/// as they may echo a credential, print them with `error::to_string` or `redact`.
struct error_details {
    std::string operation{};   ///< e.g. `create_service_token`
    std::string explanation{}; ///< one sentence: for bad input, the field and the rule
    cloudflare::delivery delivery = cloudflare::delivery::unknown; ///< the conservative default
    int http_status = 0;                                           ///< 0 where no response came
    std::vector<api_message> api_errors{};                         ///< in the API's order
    std::string content_type{};   ///< of a response that is not the API's JSON
    std::string excerpt{};        ///< its first characters, redacted
    std::string cf_ray{};         ///< identifies the request for Cloudflare's support
    std::string cf_auditlog_id{}; ///< identifies the entry in the account's audit log
    /// How long the server asks to wait; at most `http::max_retry_after` in the error of a call.
    std::optional<std::chrono::seconds> retry_after{};
    unsigned attempts = 0;                   ///< requests made, this failure's included
    stop_reason stopped = stop_reason::none; ///< why the request was not sent again
    /// What a second request would do; empty where no operation was called.
    std::optional<cloudflare::idempotency> idempotency{};
    boost::system::error_code cause{}; ///< the underlying error, of the system, Asio or OpenSSL
};

/// A failure: small, cheap to copy, immutable. Prints as one line that holds no secret.
class error {
public:
    /// No error: what `result<T>::error()` gives where there is a value.
    error() noexcept = default;
    /// An error without details. Its delivery is `not_sent` for input errors, otherwise `unknown`.
    error(errc code) : code_(code) {}
    /// With one sentence for a person. Its delivery is that of an error without details.
    error(errc code, std::string explanation)
        : error(code, error_details{.explanation = std::move(explanation),
                                    .delivery = default_delivery(code)}) {}
    /// With all that is known.
    error(errc code, error_details details)
        : code_(code), details_(std::make_shared<error_details const>(std::move(details))) {}

    /// For `errc` and `condition`, and for interfaces that take an `error_code`.
    [[nodiscard]] boost::system::error_code code() const noexcept { return code_; }

    /// All that is known; default-constructed where the error is a code only.
    [[nodiscard]] error_details const& details() const noexcept {
        static error_details const none;
        return details_ ? *details_ : none;
    }

    /// How far the request got.
    [[nodiscard]] cloudflare::delivery delivery() const noexcept {
        return details_ ? details_->delivery : default_delivery(static_cast<errc>(code_.value()));
    }

    /// Whether the server may have acted on the request: a create that ends so may have made a
    /// token that the caller does not know of. False for an operation that only reads.
    [[nodiscard]] bool may_have_acted() const noexcept {
        if (details_ && details_->idempotency == idempotency::safe) return false;
        return delivery() == cloudflare::delivery::unknown ||
               delivery() == cloudflare::delivery::accepted;
    }

    /// The same error with its details changed by `change(error_details&)`.
    template <class Change>
    [[nodiscard]] error with(Change change) const {
        error_details changed = details();
        changed.delivery = delivery();
        change(changed);
        return {static_cast<errc>(code_.value()), std::move(changed)};
    }

    /// One line for a person: what was asked, what came back, whether the server may have acted,
    /// and why the request was not sent again.
    [[nodiscard]] std::string to_string() const;

    /// Whether it has this code.
    friend bool operator==(error const& e, errc code) noexcept { return e.code_ == code; }
    /// Whether its code belongs to this group.
    friend bool operator==(error const& e, condition group) noexcept {
        return e.code_ == make_error_condition(group);
    }
    /// Prints `to_string()`.
    friend std::ostream& operator<<(std::ostream& out, error const& e) {
        return out << e.to_string();
    }

private:
    [[nodiscard]] static cloudflare::delivery default_delivery(errc code) noexcept {
        bool const refused_here = code >= errc{} && code <= errc::unsupported_by_scope;
        return refused_here ? cloudflare::delivery::not_sent : cloudflare::delivery::unknown;
    }

    boost::system::error_code code_;
    std::shared_ptr<error_details const> details_;
};

namespace detail {

/// The same error with the delivery `not_sent`: for an error that kept a request from being made,
/// e.g. of a user's authorization strategy.
[[nodiscard]] inline error not_sent(error const& e) {
    if (e.code() && e.delivery() == delivery::not_sent) return e;
    auto d = e.details();
    d.delivery = delivery::not_sent;
    if (e.code()) return {static_cast<errc>(e.code().value()), std::move(d)};
    d.explanation = "an error without a code kept the request from being made";
    return {errc::invalid_argument, std::move(d)};
}

} // namespace detail

/// What `result<T>::value()` throws where there is no value; `what()` is `error::to_string()`. It
/// can be caught across shared libraries, even where all their other symbols are hidden.
class BOOST_SYMBOL_VISIBLE error_exception : public std::runtime_error {
public:
    /// `what()` is `e.to_string()`.
    explicit error_exception(cloudflare::error e)
        : runtime_error(e.to_string()), error_(std::move(e)) {}
    /// What the call ended with.
    [[nodiscard]] cloudflare::error const& error() const noexcept { return error_; }

private:
    cloudflare::error error_;
};

/// In a few words, e.g. "the server may have acted".
[[nodiscard]] constexpr std::string_view to_string(delivery d) noexcept {
    switch (d) {
    case delivery::not_sent: return "nothing was sent";
    case delivery::rejected: return "the server did not act";
    case delivery::unknown: return "the server may have acted";
    case delivery::accepted: return "the server acted";
    }
    return "";
}

/// As it stands at the end of an error's line; empty where there is nothing to say.
[[nodiscard]] constexpr std::string_view to_string(stop_reason reason) noexcept {
    switch (reason) {
    case stop_reason::none: return "";
    case stop_reason::permanent: return "";
    case stop_reason::not_repeatable:
        return "not retried: a second request could create a second token";
    case stop_reason::attempts_exhausted: return "no attempts are left";
    case stop_reason::deadline: return "the next attempt would come after the deadline";
    case stop_reason::budget_exhausted: return "the retry budget is used up";
    case stop_reason::cancelled: return "cancelled by the caller";
    }
    return "";
}

inline std::ostream& operator<<(std::ostream& out, delivery d) {
    return out << to_string(d);
}
inline std::ostream& operator<<(std::ostream& out, stop_reason reason) {
    return out << to_string(reason);
}

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/core/impl/error.ipp>
#endif

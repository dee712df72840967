/// Settings of the issuer and of reconcile.
#pragma once

#include <cloudflare/core/system_random.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `issuer` and `reconcile`. Built by chained setters.
class issue_options {
public:
    using clock = std::function<timestamp()>;
    using random = std::function<std::uint64_t()>;

    issue_options()
        : clock_([] { return timestamp(std::chrono::system_clock::now()); }),
          random_(&cloudflare::detail::system_random) {}

    /// How long a token is looked for after a create with an unknown outcome: it may be made late,
    /// and a list may lag. Default 30 s.
    issue_options& settle_window(std::chrono::milliseconds span) noexcept {
        settle_window_ = span;
        return *this;
    }
    /// The age from which `reconcile` touches an intent: older than any issue under way can be.
    /// Default 15 minutes; zero where no other process issues with this log.
    issue_options& min_age(std::chrono::seconds span) noexcept {
        min_age_ = span;
        return *this;
    }
    /// The age from which a token that lists do not show counts as never made, if the list shows
    /// any token at all. Default one hour: longer than a request can be under way, or a list can
    /// lag.
    issue_options& gone_age(std::chrono::seconds span) noexcept {
        gone_age_ = span;
        return *this;
    }
    /// Leave the tag in the token's name, which saves a request. Default false.
    issue_options& keep_tag(bool on) noexcept {
        keep_tag_ = on;
        return *this;
    }
    /// What is written down with each intent, e.g. where the secret goes: no secret itself.
    issue_options& note(std::string text) {
        note_ = std::move(text);
        return *this;
    }
    /// Where the time of intents comes from. Default: the system's clock.
    issue_options& now_from(clock c) {
        clock_ = std::move(c);
        return *this;
    }
    /// Where the 128 random bits of a tag come from, 64 at a time. Default: `std::random_device`.
    issue_options& random_from(random r) {
        random_ = std::move(r);
        return *this;
    }

    [[nodiscard]] std::chrono::milliseconds settle_window() const noexcept {
        return settle_window_;
    }
    [[nodiscard]] std::chrono::seconds min_age() const noexcept { return min_age_; }
    [[nodiscard]] std::chrono::seconds gone_age() const noexcept { return gone_age_; }
    [[nodiscard]] bool keeps_tag() const noexcept { return keep_tag_; }
    [[nodiscard]] std::string const& note() const noexcept { return note_; }
    [[nodiscard]] timestamp now() const { return clock_(); }

    /// A new tag: 128 random bits in hexadecimal.
    [[nodiscard]] std::string make_tag() const {
        constexpr std::string_view hex = "0123456789abcdef";
        std::string tag;
        for (int half = 0; half != 2; ++half) {
            auto bits = random_();
            for (int digit = 0; digit != 16; ++digit, bits >>= 4)
                tag += hex[bits & 15];
        }
        return tag;
    }

private:
    std::chrono::milliseconds settle_window_{30'000};
    std::chrono::seconds min_age_ = std::chrono::minutes(15);
    std::chrono::seconds gone_age_ = std::chrono::hours(1);
    bool keep_tag_ = false;
    std::string note_;
    clock clock_;
    random random_;
};

} // namespace cloudflare::inline v0::access

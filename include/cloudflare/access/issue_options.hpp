/// Settings of issuer and reconciler.
#pragma once

#include <cloudflare/core/detail/system_random.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `issuer` and `reconciler`. Built by chained setters.
///
/// No time here guards the promise, which stands on the log's compare-and-set: they decide how long
/// things take, and how often an issue is given up that would have come through.
class issue_options {
public:
    using clock = std::function<timestamp()>;
    using random = std::function<std::uint64_t()>;

    issue_options()
        : clock_([] { return timestamp(std::chrono::system_clock::now()); }),
          random_(&cloudflare::detail::system_random) {}

    /// How long an issue may take until its last create is sent, its wait for the key included; what
    /// was begun is ended after it. A sink or a log that is slow takes its own time. Default 10
    /// minutes.
    issue_options& deadline(std::chrono::milliseconds span) noexcept {
        deadline_ = span;
        return *this;
    }
    /// How long a token is looked for after a create with an unknown outcome, before it is created
    /// again: it may be made late, and a list may lag. Default 30 s. Zero: the issue ends at once
    /// with its intent open, and the reconciler settles it.
    issue_options& settle_window(std::chrono::milliseconds span) noexcept {
        settle_window_ = span;
        return *this;
    }
    /// The age from which somebody else touches an intent: a reconciler, or another issue of the
    /// same key. Default 15 minutes. An issuer refuses one that does not exceed its deadline; a
    /// reconciler takes any: zero where no issue is under way.
    issue_options& min_age(std::chrono::seconds span) noexcept {
        min_age_ = span;
        return *this;
    }
    /// The age from which a token that no complete list shows counts as not made, and is watched for
    /// only. A list that shows no token at all, for want of permission perhaps, does where a token
    /// that does not exist is "not found". Default one hour.
    issue_options& gone_age(std::chrono::seconds span) noexcept {
        gone_age_ = span;
        return *this;
    }
    /// How long an intent is watched after it was settled, for a token that a late request makes.
    /// Default 30 days.
    issue_options& watch(std::chrono::seconds span) noexcept {
        watch_ = span;
        return *this;
    }
    /// Leave the tag in the token's name, which saves a request. Default false. Strays cannot be
    /// told then.
    issue_options& keep_tag(bool on) noexcept {
        keep_tag_ = on;
        return *this;
    }
    /// Return as soon as the secret is stored, and that is noted in the log: the name still has its
    /// tag, and `issuer::finish` or a reconciler takes it out. Default false.
    issue_options& return_when_stored(bool on) noexcept {
        return_when_stored_ = on;
        return *this;
    }
    /// Mark a token by a random `client_secret_version` in place of a tag in its name, which saves
    /// the rename. Until a create's own response and a list have shown the version, the name is
    /// tagged too. Default false.
    issue_options& version_as_witness(bool on) noexcept {
        version_as_witness_ = on;
        return *this;
    }
    /// Names the sink. Must differ where hosts with sinks of their own share one log: each
    /// reconciler then settles what is its own. Default empty.
    issue_options& sink_name(std::string name) {
        sink_name_ = std::move(name);
        return *this;
    }
    /// What is written down with each intent, e.g. where the secret goes: no secret itself.
    issue_options& note(std::string text) {
        note_ = std::move(text);
        return *this;
    }
    /// Where the time comes from until a response has told the server's. Default: the system's
    /// clock.
    issue_options& now_from(clock c) {
        clock_ = std::move(c);
        return *this;
    }
    /// Where random bits come from, 64 at a time. Default: `std::random_device`.
    issue_options& random_from(random r) {
        random_ = std::move(r);
        return *this;
    }

    [[nodiscard]] std::chrono::milliseconds deadline() const noexcept { return deadline_; }
    [[nodiscard]] std::chrono::milliseconds settle_window() const noexcept {
        return settle_window_;
    }
    [[nodiscard]] std::chrono::seconds min_age() const noexcept { return min_age_; }
    [[nodiscard]] std::chrono::seconds gone_age() const noexcept { return gone_age_; }
    [[nodiscard]] std::chrono::seconds watch() const noexcept { return watch_; }
    [[nodiscard]] bool keeps_tag() const noexcept { return keep_tag_; }
    [[nodiscard]] bool returns_when_stored() const noexcept { return return_when_stored_; }
    [[nodiscard]] bool takes_version_as_witness() const noexcept { return version_as_witness_; }
    [[nodiscard]] std::string const& sink_name() const noexcept { return sink_name_; }
    [[nodiscard]] std::string const& note() const noexcept { return note_; }
    [[nodiscard]] timestamp now() const { return clock_(); }

    /// Whether an issuer can work by these options; else `errc::invalid_argument`.
    [[nodiscard]] result<void> check() const {
        using std::chrono::milliseconds;
        if (deadline_ <= milliseconds(0))
            return error(errc::invalid_argument, "issue options: deadline must be positive");
        if (settle_window_ < milliseconds(0))
            return error(errc::invalid_argument,
                         "issue options: settle_window must not be negative");
        if (min_age_ <= std::chrono::floor<std::chrono::seconds>(deadline_))
            return error(errc::invalid_argument,
                         "issue options: min_age must exceed the deadline, or a reconciler "
                         "withdraws tokens of issues under way");
        if (gone_age_ < min_age_)
            return error(errc::invalid_argument,
                         "issue options: gone_age must not be below min_age");
        if (watch_ < std::chrono::seconds(0))
            return error(errc::invalid_argument, "issue options: watch must not be negative");
        return {};
    }

    /// 64 random bits.
    [[nodiscard]] std::uint64_t random_bits() const { return random_(); }

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
    /// A new version to mark a token by: random, and a multiple of 16, so that a few rotations
    /// later it can still be told.
    [[nodiscard]] std::int64_t make_version() const {
        constexpr std::uint64_t range = std::uint64_t{1} << 46;
        return static_cast<std::int64_t>((range + random_() % range) & ~std::uint64_t{15});
    }

private:
    std::chrono::milliseconds deadline_ = std::chrono::minutes(10);
    std::chrono::milliseconds settle_window_{30'000};
    std::chrono::seconds min_age_ = std::chrono::minutes(15);
    std::chrono::seconds gone_age_ = std::chrono::hours(1);
    std::chrono::seconds watch_ = std::chrono::hours(30 * 24);
    bool keep_tag_ = false;
    bool return_when_stored_ = false;
    bool version_as_witness_ = false;
    std::string sink_name_;
    std::string note_;
    clock clock_;
    random random_;
};

} // namespace cloudflare::inline v0::access

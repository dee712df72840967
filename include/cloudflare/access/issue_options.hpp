/// The options of issuer and reconciler.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>
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
/// The issuer keeps its promise whatever these times are, because that depends on the log's
/// compare-and-set only. They decide how long an issue takes, and how often one is withdrawn that
/// would have succeeded.
class issue_options : public cloudflare::detail::options_base<issue_options> {
public:
    /// The time, e.g. of a test.
    using clock = std::function<timestamp()>;
    using random = std::function<std::uint64_t()>; ///< 64 random bits a call.

    issue_options()
        : clock_([] { return timestamp(std::chrono::system_clock::now()); }),
          random_(&cloudflare::detail::system_random) {}

    /// How long an issue may take until it sends its last create, including its wait for the key.
    /// After that it only completes what it has begun. The time that a sink or a log takes is not
    /// limited. Default 10 minutes.
    issue_options& deadline(std::chrono::milliseconds span) noexcept {
        return set(deadline_, span);
    }
    [[nodiscard]] std::chrono::milliseconds deadline() const noexcept { return deadline_; }

    /// How long to look for a token after a create with an unknown outcome, before another create
    /// is sent: the token may be made late, and a list may lag. Default 30 s. With zero the issue
    /// ends at once and leaves its intent open, and the reconciler settles it.
    issue_options& settle_window(std::chrono::milliseconds span) noexcept {
        return set(settle_window_, span);
    }
    [[nodiscard]] std::chrono::milliseconds settle_window() const noexcept {
        return settle_window_;
    }

    /// The age from which others than its issue may change an intent: a reconciler, or another
    /// issue of the same key. Default 15 minutes. For an issuer it must exceed the deadline; for a
    /// reconciler it may be zero if no issue is under way.
    issue_options& min_age(std::chrono::seconds span) noexcept { return set(min_age_, span); }
    [[nodiscard]] std::chrono::seconds min_age() const noexcept { return min_age_; }

    /// The age from which a token that no complete list shows counts as never made; from then on
    /// its intent is only watched. A list without any token, which may be due to a missing
    /// permission, counts only if getting a token that does not exist ends with "not found". Not
    /// below `min_age`. Default one hour.
    issue_options& presumed_absent_age(std::chrono::seconds span) noexcept {
        return set(presumed_absent_age_, span);
    }
    [[nodiscard]] std::chrono::seconds presumed_absent_age() const noexcept {
        return presumed_absent_age_;
    }

    /// How long an intent is watched after it was settled, for a token that a late request makes.
    /// Default 30 days.
    issue_options& watch(std::chrono::seconds span) noexcept { return set(watch_, span); }
    [[nodiscard]] std::chrono::seconds watch() const noexcept { return watch_; }

    /// Leaves the tag in the token's name, which saves a request. Default false. Tokens that belong
    /// to no intent cannot be recognized then.
    issue_options& keep_tag(bool on) noexcept { return set(keep_tag_, on); }
    /// As set by `keep_tag(on)`, or the default.
    [[nodiscard]] bool keeps_tag() const noexcept { return keep_tag_; }

    /// Returns as soon as the secret is stored and the log says so. The name still has its tag,
    /// which `issuer::finish` or a reconciler removes. Default false.
    issue_options& return_when_stored(bool on) noexcept { return set(return_when_stored_, on); }
    /// As set by `return_when_stored(on)`, or the default.
    [[nodiscard]] bool returns_when_stored() const noexcept { return return_when_stored_; }

    /// Marks a token by a random `client_secret_version` instead of a tag in its name, which saves
    /// the renaming. Until a create's response and a list have shown the version, the name has a
    /// tag too. Default false.
    issue_options& version_as_witness(bool on) noexcept { return set(version_as_witness_, on); }
    /// As set by `version_as_witness(on)`, or the default.
    [[nodiscard]] bool takes_version_as_witness() const noexcept { return version_as_witness_; }

    /// The name of the sink. If several hosts, each with its own sink, share one log, the names
    /// must differ: each reconciler then settles the intents of its own sink only. Default empty.
    issue_options& sink_name(std::string name) { return set(sink_name_, std::move(name)); }
    [[nodiscard]] std::string const& sink_name() const noexcept { return sink_name_; }

    /// A note to store with each intent, e.g. where the secret goes; it must not contain a secret.
    /// Default empty.
    issue_options& note(std::string value) { return set(note_, std::move(value)); }
    [[nodiscard]] std::string const& note() const noexcept { return note_; }

    /// The clock to use until a response has told the server's time. Default: the system's clock.
    issue_options& now_from(clock c) { return set(clock_, std::move(c)); }
    /// The time by the clock of `now_from(c)`.
    [[nodiscard]] timestamp now() const { return clock_(); }

    /// The source of random bits, 64 at a time. Default: `std::random_device`.
    issue_options& random_from(random r) { return set(random_, std::move(r)); }
    /// 64 bits of the source of `random_from(r)`.
    [[nodiscard]] std::uint64_t random_bits() const { return random_(); }

    /// Checks the options of an issuer.
    ///
    /// @return `errc::invalid_argument` with the rule that is broken
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
        if (presumed_absent_age_ < min_age_)
            return error(errc::invalid_argument,
                         "issue options: presumed_absent_age must not be below min_age");
        if (watch_ < std::chrono::seconds(0))
            return error(errc::invalid_argument, "issue options: watch must not be negative");
        return {};
    }

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
    /// A new version to mark a token by: random, and a multiple of 16, so that it is still
    /// recognized after a few rotations.
    [[nodiscard]] std::int64_t make_version() const {
        constexpr std::uint64_t range = std::uint64_t{1} << 46;
        return static_cast<std::int64_t>((range + random_() % range) & ~std::uint64_t{15});
    }

private:
    std::chrono::milliseconds deadline_ = std::chrono::minutes(10);
    std::chrono::milliseconds settle_window_{30'000};
    std::chrono::seconds min_age_ = std::chrono::minutes(15);
    std::chrono::seconds presumed_absent_age_ = std::chrono::hours(1);
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

#include <cloudflare/api/call.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace cloudflare;
using namespace std::chrono_literals;
using action = call_step::action;

namespace call_tests {
namespace {

constexpr time_point t0{1h};
constexpr auto all_ones = std::numeric_limits<std::uint64_t>::max();

constexpr idempotency all_kinds[] = {idempotency::safe, idempotency::idempotent,
                                     idempotency::idempotent_delete, idempotency::at_most_once,
                                     idempotency::revokes};

error failure(errc code, delivery d, std::optional<std::chrono::seconds> retry_after = {}) {
    return {code, error_details{.delivery = d, .retry_after = retry_after}};
}

error const reset = failure(errc::connection_lost, delivery::unknown);
error const unreachable = failure(errc::connect_failed, delivery::not_sent);
error const limited = failure(errc::rate_limited, delivery::rejected);
error const absent = failure(errc::not_found, delivery::rejected);

struct thing {
    static result<thing> from_json(json_value) { return thing(); }
};

struct bad_input {
    bool is_bad = false;
    error why;
};

/// An operation that is what a test says.
struct ask {
    using result_type = std::optional<thing>;
    static constexpr std::string_view name = "ask";
    static constexpr auto method = http::method::get;
    cloudflare::idempotency idempotency;
    std::shared_ptr<bad_input> input = std::make_shared<bad_input>();
    result<std::string> target() const {
        if (input->is_bad) return input->why;
        return std::string("/things");
    }
};

client_options without_limiter() {
    return client_options().limiter(limiter::off());
}

std::shared_ptr<call_context> context_with(client_options const& options = without_limiter()) {
    return std::make_shared<call_context>(*api_token::make("sample"), options);
}

/// A call, and what it asked for last.
class driven {
public:
    explicit driven(ask op, call_options options,
                    std::shared_ptr<call_context> context = context_with())
        : input_(op.input),
          call_(std::make_unique<cloudflare::call<ask>>(std::move(context), std::move(op),
                                                        std::move(options))) {}

    action start(time_point now) { return took(call_->start(now)); }
    action resume(time_point now) { return took(call_->resume(now)); }
    action cancelled(time_point now = t0) { return took(call_->cancelled(now)); }
    action failed(error const& e, time_point now, std::uint64_t random_bits) {
        return took(call_->responded(e, now, random_bits));
    }
    action succeeded() {
        http::response r{.status = 200};
        r.body = R"({"success":true,"result":{}})";
        return took(call_->responded(std::move(r), t0, 0));
    }
    /// From now on its request cannot be made.
    void refuse(error const& e) { *input_ = {true, e}; }

    [[nodiscard]] call_state state() const { return call_->state(); }
    [[nodiscard]] unsigned attempts() const { return call_->attempts(); }
    [[nodiscard]] time_point wake_at() const { return last_.until(); }
    [[nodiscard]] time_point attempt_deadline() const { return last_.until(); }
    [[nodiscard]] http::request const& request() const { return last_.request(); }

    /// An error without a code before the end, and after a success.
    [[nodiscard]] error failure() { return ended() ? end_->error() : error(); }
    /// It succeeded by finding nothing.
    [[nodiscard]] bool already_deleted() { return ended() && end_->has_value() && !end_->value(); }

private:
    action took(call_step const& next) {
        last_ = next;
        return next.what();
    }
    bool ended() {
        if (call_->state() != call_state::done) return false;
        if (!end_) end_ = std::move(*call_).finish();
        return true;
    }

    std::shared_ptr<bad_input> input_;
    std::unique_ptr<cloudflare::call<ask>> call_;
    call_step last_;
    std::optional<result<std::optional<thing>>> end_;
};

driven call(idempotency kind, retry_policy const& policy = retry_policy(),
            std::shared_ptr<call_context> context = context_with()) {
    return driven(ask{.idempotency = kind}, call_options().retry(policy).deadline(60s),
                  std::move(context));
}

} // namespace

TEST_CASE("a call that succeeds at once sends once and has no failure") {
    std::string traced;
    auto const hook = [&](trace_event const& e) { traced = e.operation; };
    auto c = call(idempotency::at_most_once, retry_policy(),
                  context_with(without_limiter().trace(hook)));
    CHECK(c.start(t0) == action::send);
    CHECK(c.attempts() == 1);
    CHECK(c.succeeded() == action::done);
    CHECK_FALSE(c.failure().code().failed());
    CHECK_FALSE(c.already_deleted());
    CHECK(traced == "ask");
}

TEST_CASE("what is sent again is what the table says") {
    struct row {
        idempotency kind;
        bool rate_limited;
        bool not_sent, rejected, unknown, accepted; // whether it is sent again
    };
    for (auto const& r : {
             row{idempotency::safe, false, true, false, true, false},
             row{idempotency::safe, true, true, true, true, false},
             row{idempotency::idempotent, false, true, false, true, false},
             row{idempotency::idempotent, true, true, true, true, false},
             row{idempotency::idempotent_delete, false, true, false, true, false},
             row{idempotency::idempotent_delete, true, true, true, true, false},
             row{idempotency::at_most_once, false, true, false, false, false},
             row{idempotency::at_most_once, true, true, true, false, false},
             row{idempotency::revokes, false, true, false, false, false},
             row{idempotency::revokes, true, true, true, false, false},
         }) {
        struct column {
            delivery d;
            bool again;
            stop_reason why;
        };
        for (auto const& [d, again, why] :
             {column{delivery::not_sent, r.not_sent, stop_reason::none},
              column{delivery::rejected, r.rejected, stop_reason::permanent},
              column{delivery::unknown, r.unknown, stop_reason::not_repeatable},
              column{delivery::accepted, r.accepted, stop_reason::permanent}}) {
            CAPTURE(static_cast<int>(r.kind));
            CAPTURE(r.rate_limited);
            CAPTURE(static_cast<int>(d));
            auto c = call(r.kind);
            REQUIRE(c.start(t0) == action::send);
            auto const code = r.rate_limited ? errc::rate_limited : errc::server_error;
            auto const next = c.failed(failure(code, d), t0, 0);
            CHECK(next == (again ? action::wait : action::done));
            if (again) {
                CHECK(c.resume(t0) == action::send);
                CHECK(c.attempts() == 2);
            } else {
                CHECK(c.failure() == code);
                CHECK(c.failure().details().stopped == why);
                CHECK(c.failure().details().attempts == 1);
                CHECK(c.failure().details().operation == "ask");
            }
        }
    }
}

TEST_CASE("a create is not sent again after a reset") {
    auto c = call(idempotency::at_most_once);
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.failed(reset, t0, 0) == action::done);
    CHECK(c.attempts() == 1);
    CHECK(c.failure() == errc::connection_lost);
    CHECK(c.failure().may_have_acted());
}

TEST_CASE("what fails the same way every time is not sent again") {
    for (auto const kind : all_kinds)
        for (auto const code : {errc::tls_failed, errc::proxy_refused, errc::invalid_argument,
                                errc::invalid_credentials, errc::unsupported_by_scope}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(static_cast<int>(code));
            auto c = call(kind);
            REQUIRE(c.start(t0) == action::send);
            CHECK(c.failed(failure(code, delivery::not_sent), t0, 0) == action::done);
            CHECK(c.failure().details().stopped == stop_reason::permanent);
            CHECK(c.failure().delivery() == delivery::not_sent);
        }
}

TEST_CASE("a response that is too large is not asked for again") {
    auto c = call(idempotency::safe);
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.failed(failure(errc::response_too_large, delivery::unknown), t0, 0) == action::done);
    CHECK(c.failure().details().stopped == stop_reason::permanent);
}

TEST_CASE("an attempt ends by its own timeout or by the call's deadline, whichever is first") {
    auto c = call(idempotency::safe, retry_policy().attempt_timeout(40s));
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.attempt_deadline() == t0 + 40s);
    REQUIRE(c.failed(reset, t0 + 40s, 0) == action::wait);
    REQUIRE(c.resume(t0 + 41s) == action::send);
    CHECK(c.attempt_deadline() == t0 + 60s);
}

TEST_CASE("an attempt without a bound of its own ends with the call's deadline") {
    auto c = call(idempotency::safe, retry_policy().attempt_timeout(retry_policy::duration::max()));
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.attempt_deadline() == t0 + 60s);
}

TEST_CASE("the wait is drawn from zero to the backoff's bound, which doubles") {
    auto const policy = retry_policy().base_delay(100ms);
    for (auto const& [bits, first, second] :
         {std::tuple(0ULL, 0ms, 0ms), std::tuple(100ULL, 100ms, 100ms),
          std::tuple(200ULL, 99ms, 200ms)}) {
        auto c = call(idempotency::safe, policy);
        REQUIRE(c.start(t0) == action::send);
        REQUIRE(c.failed(reset, t0 + 1s, bits) == action::wait);
        CHECK(c.wake_at() == t0 + 1s + first);
        REQUIRE(c.resume(t0 + 2s) == action::send);
        REQUIRE(c.failed(reset, t0 + 3s, bits) == action::wait);
        CHECK(c.wake_at() == t0 + 3s + second);
    }
    auto c = call(idempotency::safe, policy);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(reset, t0, all_ones) == action::wait);
    CHECK(c.wake_at() >= t0);
    CHECK(c.wake_at() <= t0 + 100ms);
}

TEST_CASE("Retry-After is waited for, and a longer backoff is not cut by it") {
    auto c = call(idempotency::at_most_once, retry_policy().base_delay(5s));
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(failure(errc::rate_limited, delivery::rejected, 7s), t0 + 1s, 0) ==
            action::wait);
    CHECK(c.wake_at() == t0 + 8s);
    REQUIRE(c.resume(t0 + 8s) == action::send);
    REQUIRE(c.failed(failure(errc::rate_limited, delivery::rejected, 2s), t0 + 10s, 4000) ==
            action::wait);
    CHECK(c.wake_at() == t0 + 16s);
}

TEST_CASE("jitter is added to Retry-After, and shortened where only the sum does not fit") {
    struct row {
        std::chrono::seconds asked;
        std::uint64_t jitter; // ms
        std::chrono::milliseconds wait;
    };
    for (auto const& [asked, jitter, wait] :
         {row{0s, 0, 0ms}, row{0s, 4000, 4s}, row{10s, 4000, 14s}, row{55s, 4000, 59s},
          row{55s, 4999, 59'999ms}, row{55s, 5000, 59'999ms}, row{57s, 5000, 59'999ms},
          row{59s, 5000, 59'999ms}, row{59s, 0, 59s}}) {
        CAPTURE(asked.count());
        CAPTURE(jitter);
        auto c = call(idempotency::at_most_once, retry_policy().base_delay(5s));
        REQUIRE(c.start(t0) == action::send);
        REQUIRE(c.failed(failure(errc::rate_limited, delivery::rejected, asked), t0, jitter) ==
                action::wait);
        CHECK(c.wake_at() == t0 + wait);
        CHECK(c.resume(c.wake_at()) == action::send);
    }
}

TEST_CASE("a Retry-After that does not fit the deadline ends the call at once") {
    for (auto const asked : {60s, 120s, 4'294'967'295s, 251'611'365'599s,
                             std::chrono::seconds::max(), std::chrono::seconds::max() / 1000}) {
        CAPTURE(asked.count());
        auto c = call(idempotency::safe);
        REQUIRE(c.start(t0) == action::send);
        CHECK(c.failed(failure(errc::rate_limited, delivery::rejected, asked), t0, 0) ==
              action::done);
        CHECK(c.failure() == errc::rate_limited);
        CHECK(c.failure().details().stopped == stop_reason::deadline);
        CHECK(c.failure().details().retry_after == (std::min)(asked, http::max_retry_after));
        CHECK(c.failure().details().attempts == 1);
    }
    auto fits = call(idempotency::safe);
    REQUIRE(fits.start(t0) == action::send);
    CHECK(fits.failed(failure(errc::rate_limited, delivery::rejected, 59s), t0, 0) == action::wait);
}

TEST_CASE("a backoff that does not fit the deadline ends the call at once") {
    auto c = call(idempotency::safe, retry_policy().base_delay(10s));
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.failed(unreachable, t0 + 55s, 5000) == action::done);
    CHECK(c.failure() == errc::connect_failed);
    CHECK(c.failure().details().stopped == stop_reason::deadline);
}

TEST_CASE("a failure behind the deadline ends the call") {
    auto c = call(idempotency::safe);
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.failed(reset, t0 + 61s, 0) == action::done);
    CHECK(c.failure().details().stopped == stop_reason::deadline);
}

TEST_CASE("a call that starts at or after its deadline sends nothing") {
    for (auto const span : {0ms, -1ms}) {
        driven c(ask{.idempotency = idempotency::at_most_once}, call_options().deadline(span));
        CHECK(c.start(t0) == action::done);
        CHECK(c.attempts() == 0);
        CHECK(c.failure() == errc::deadline_exceeded);
        CHECK(c.failure().delivery() == delivery::not_sent);
        CHECK(c.failure().details().stopped == stop_reason::deadline);
        CHECK(c.failure().details().attempts == 0);
    }
}

TEST_CASE("a wait from which the call wakes too late ends it with the last failure") {
    auto c = call(idempotency::at_most_once);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(limited, t0, 0) == action::wait);
    CHECK(c.resume(t0 + 60s) == action::done);
    CHECK(c.failure() == errc::rate_limited);
    CHECK(c.failure().details().stopped == stop_reason::deadline);
    CHECK(c.failure().delivery() == delivery::rejected);
    CHECK(c.attempts() == 1);
}

TEST_CASE("a call makes as many attempts as allowed and says so") {
    for (unsigned const allowed : {1U, 2U, 4U}) {
        CAPTURE(allowed);
        auto c = call(idempotency::safe, retry_policy().max_attempts(allowed));
        auto next = c.start(t0);
        for (unsigned i = 1; i != allowed; ++i) {
            REQUIRE(next == action::send);
            REQUIRE(c.failed(unreachable, t0, 0) == action::wait);
            next = c.resume(t0);
        }
        REQUIRE(next == action::send);
        CHECK(c.failed(unreachable, t0, 0) == action::done);
        CHECK(c.failure().details().stopped == stop_reason::attempts_exhausted);
        CHECK(c.failure().details().attempts == allowed);
    }
}

TEST_CASE("calls share a budget of retries, and stop when it is used up") {
    auto const context = context_with(without_limiter().retry_budget(1));
    auto first = call(idempotency::safe, retry_policy(), context);
    REQUIRE(first.start(t0) == action::send);
    REQUIRE(first.failed(reset, t0, 0) == action::wait);

    auto second = call(idempotency::safe, retry_policy(), context);
    REQUIRE(second.start(t0) == action::send);
    CHECK(second.failed(reset, t0, 0) == action::done);
    CHECK(second.failure() == errc::connection_lost);
    CHECK(second.failure().details().stopped == stop_reason::budget_exhausted);
}

namespace {

/// Whether the budget has a retry, which is then taken.
bool is_retried(std::shared_ptr<call_context> context) {
    auto c = call(idempotency::safe, retry_policy(), std::move(context));
    REQUIRE(c.start(t0) == action::send);
    return c.failed(reset, t0, 0) == action::wait;
}

} // namespace

TEST_CASE("a call that would not be tried again takes nothing from the budget") {
    auto const context = context_with(without_limiter().retry_budget(1));
    auto permanent = call(idempotency::safe, retry_policy(), context);
    REQUIRE(permanent.start(t0) == action::send);
    REQUIRE(permanent.failed(absent, t0, 0) == action::done);
    auto too_late = call(idempotency::safe, retry_policy(), context);
    REQUIRE(too_late.start(t0) == action::send);
    REQUIRE(too_late.failed(reset, t0 + 60s, 0) == action::done);
    CHECK(is_retried(context));
}

TEST_CASE("a success puts a tenth of a retry back") {
    auto const context = context_with(without_limiter().retry_budget(1));
    REQUIRE(is_retried(context));
    for (int i = 0; i != 10; ++i) {
        CHECK_FALSE(is_retried(context));
        auto c = call(idempotency::at_most_once, retry_policy(), context);
        REQUIRE(c.start(t0) == action::send);
        REQUIRE(c.succeeded() == action::done);
    }
    CHECK(is_retried(context));
}

TEST_CASE("a token that is not found after an unknown delete was deleted") {
    auto c = call(idempotency::idempotent_delete);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(reset, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    CHECK(c.failed(absent, t0, 0) == action::done);
    CHECK(c.already_deleted());
    CHECK_FALSE(c.failure().code().failed());
}

TEST_CASE("a token that is not found several attempts after an unknown delete was deleted") {
    auto c = call(idempotency::idempotent_delete);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(reset, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    REQUIRE(c.failed(limited, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    CHECK(c.failed(absent, t0, 0) == action::done);
    CHECK(c.already_deleted());
}

TEST_CASE("a token that the first delete does not find is an error") {
    auto c = call(idempotency::idempotent_delete);
    REQUIRE(c.start(t0) == action::send);
    CHECK(c.failed(absent, t0, 0) == action::done);
    CHECK_FALSE(c.already_deleted());
    CHECK(c.failure() == errc::not_found);
    CHECK(c.failure().details().stopped == stop_reason::permanent);
}

TEST_CASE("a token is not taken for deleted after attempts that did not act") {
    auto c = call(idempotency::idempotent_delete);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(unreachable, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    REQUIRE(c.failed(limited, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    CHECK(c.failed(absent, t0, 0) == action::done);
    CHECK_FALSE(c.already_deleted());
    CHECK(c.failure() == errc::not_found);
    CHECK(c.failure().delivery() == delivery::rejected);
}

TEST_CASE("a wrong account id behind an unknown delete is no success") {
    auto c = call(idempotency::idempotent_delete);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(reset, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    CHECK(c.failed(failure(errc::no_route, delivery::rejected), t0, 0) == action::done);
    CHECK_FALSE(c.already_deleted());
    CHECK(c.failure() == errc::no_route);
}

TEST_CASE("only a delete takes not found for success") {
    for (auto const kind : {idempotency::safe, idempotency::idempotent}) {
        auto c = call(kind);
        REQUIRE(c.start(t0) == action::send);
        REQUIRE(c.failed(reset, t0, 0) == action::wait);
        REQUIRE(c.resume(t0) == action::send);
        CHECK(c.failed(absent, t0, 0) == action::done);
        CHECK_FALSE(c.already_deleted());
        CHECK(c.failure() == errc::not_found);
    }
}

TEST_CASE("an earlier attempt that may have acted leaves the outcome unknown at the end") {
    for (auto const kind : {idempotency::idempotent, idempotency::idempotent_delete})
        for (auto const& last : {failure(errc::forbidden, delivery::rejected),
                                 failure(errc::tls_failed, delivery::not_sent), reset}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(last);
            auto c = call(kind, retry_policy().max_attempts(2));
            REQUIRE(c.start(t0) == action::send);
            REQUIRE(c.failed(reset, t0, 0) == action::wait);
            REQUIRE(c.resume(t0) == action::send);
            CHECK(c.failed(last, t0, 0) == action::done);
            CHECK(c.failure().code() == last.code());
            CHECK(c.failure().delivery() == delivery::unknown);
        }
}

TEST_CASE("a response that says the server acted is not made unknown by an earlier attempt") {
    auto c = call(idempotency::idempotent);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(reset, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    CHECK(c.failed(failure(errc::missing_field, delivery::accepted), t0, 0) == action::done);
    CHECK(c.failure().delivery() == delivery::accepted);
}

TEST_CASE("a call that only asks never ends with an unknown outcome") {
    auto const once = retry_policy().max_attempts(1);
    for (auto const& e : {reset, failure(errc::server_error, delivery::unknown),
                          failure(errc::cancelled, delivery::unknown),
                          failure(errc::response_too_large, delivery::unknown)}) {
        CAPTURE(e);
        auto c = call(idempotency::safe, once);
        REQUIRE(c.start(t0) == action::send);
        CHECK(c.failed(e, t0, 0) == action::done);
        CHECK(c.failure().code() == e.code());
        CHECK(c.failure().delivery() != delivery::unknown);
        CHECK_FALSE(c.failure().may_have_acted());
    }
}

TEST_CASE("an attempt that was cancelled is not tried again, and keeps how far it got") {
    for (auto const kind : all_kinds) {
        CAPTURE(static_cast<int>(kind));
        auto before = call(kind);
        REQUIRE(before.start(t0) == action::send);
        CHECK(before.failed(failure(errc::cancelled, delivery::not_sent), t0, 0) == action::done);
        CHECK(before.failure() == errc::cancelled);
        CHECK(before.failure().details().stopped == stop_reason::cancelled);
        CHECK(before.failure().delivery() == delivery::not_sent);

        auto during = call(kind);
        REQUIRE(during.start(t0) == action::send);
        CHECK(during.failed(failure(errc::cancelled, delivery::unknown), t0, 0) == action::done);
        CHECK(during.failure().may_have_acted() == (kind != idempotency::safe));
    }
}

TEST_CASE("a call cancelled while it waits ends, and knows what its attempts did") {
    auto create = call(idempotency::at_most_once);
    REQUIRE(create.start(t0) == action::send);
    REQUIRE(create.failed(limited, t0, 0) == action::wait);
    CHECK(create.cancelled() == action::done);
    CHECK(create.failure() == errc::cancelled);
    CHECK(create.failure().details().stopped == stop_reason::cancelled);
    CHECK(create.failure().delivery() == delivery::rejected);
    CHECK(create.failure().details().attempts == 1);

    auto remove = call(idempotency::idempotent_delete);
    REQUIRE(remove.start(t0) == action::send);
    REQUIRE(remove.failed(reset, t0, 0) == action::wait);
    CHECK(remove.cancelled() == action::done);
    CHECK(remove.failure() == errc::cancelled);
    CHECK(remove.failure().delivery() == delivery::unknown);
}

TEST_CASE("a request that cannot be made is no attempt") {
    auto c = call(idempotency::at_most_once);
    c.refuse(error(errc::invalid_argument, "name: must not be empty"));
    REQUIRE(c.start(t0) == action::done);
    CHECK(c.attempts() == 0);
    CHECK(c.failure() == errc::invalid_argument);
    CHECK(c.failure().details().attempts == 0);
    CHECK(c.failure().details().operation == "ask");
    CHECK(c.failure().details().stopped == stop_reason::permanent);
    CHECK(c.failure().delivery() == delivery::not_sent);
}

TEST_CASE("a request that cannot be made again leaves what an earlier attempt did unknown") {
    auto c = call(idempotency::idempotent);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(reset, t0, 0) == action::wait);
    c.refuse(error(errc::invalid_credentials, "expired"));
    CHECK(c.resume(t0) == action::done);
    CHECK(c.attempts() == 1);
    CHECK(c.failure() == errc::invalid_credentials);
    CHECK(c.failure().delivery() == delivery::unknown);
}

TEST_CASE("a request that cannot be made was not sent, whatever its error says") {
    for (auto const kind : all_kinds)
        for (auto const d :
             {delivery::not_sent, delivery::rejected, delivery::unknown, delivery::accepted}) {
            auto c = call(kind);
            c.refuse(failure(errc::connect_failed, d));
            CHECK(c.start(t0) == action::done);
            CHECK(c.failure() == errc::connect_failed);
            CHECK(c.failure().delivery() == delivery::not_sent);
            CHECK(c.failure().details().stopped == stop_reason::permanent);
        }
    auto without_code = call(idempotency::at_most_once);
    without_code.refuse(error());
    CHECK(without_code.start(t0) == action::done);
    CHECK(without_code.failure().code().failed());
    CHECK(without_code.failure().delivery() == delivery::not_sent);
}

TEST_CASE("a call that is refused or cancelled before it starts has made no attempt") {
    auto refused = call(idempotency::at_most_once);
    refused.refuse(error(errc::invalid_argument));
    CHECK(refused.start(t0) == action::done);
    CHECK(refused.attempts() == 0);
    CHECK(refused.failure().details().attempts == 0);

    for (auto const kind : all_kinds) {
        auto cancelled = call(kind);
        CHECK(cancelled.cancelled() == action::done);
        CHECK(cancelled.failure() == errc::cancelled);
        CHECK(cancelled.failure().delivery() == delivery::not_sent);
        CHECK(cancelled.failure().details().attempts == 0);
    }
    auto under_way = call(idempotency::at_most_once);
    REQUIRE(under_way.start(t0) == action::send);
    CHECK(under_way.cancelled() == action::done);
    CHECK(under_way.failure().delivery() == delivery::unknown);
}

TEST_CASE("an error without a code counts as one of which nothing is known") {
    for (auto const kind : all_kinds) {
        CAPTURE(static_cast<int>(kind));
        auto c = call(kind);
        REQUIRE(c.start(t0) == action::send);
        bool const again = is_repeatable(kind);
        CHECK(c.failed(error(), t0, 0) == (again ? action::wait : action::done));
        if (again) {
            CHECK(c.resume(t0 + 60s) == action::done);
            CHECK(c.failure().details().stopped == stop_reason::deadline);
        } else {
            CHECK(c.failure().details().stopped == stop_reason::not_repeatable);
        }
        CHECK(c.failure() == errc::connection_lost);
        CHECK(c.failure().may_have_acted() == (kind != idempotency::safe));
    }
}

TEST_CASE("what is certain to fail again is not sent again, whatever the row and column") {
    struct row {
        errc code;
        int status;
        bool permanent;
    };
    for (auto const& [code, status, permanent] : {
             row{errc::unexpected_response, 200, true}, row{errc::unexpected_response, 204, true},
             row{errc::unexpected_response, 299, true}, row{errc::api_refused, 200, true},
             row{errc::rate_limited, 200, false},       row{errc::server_error, 200, false},
             row{errc::connection_lost, 200, false}, // a transport that tells the status
             row{errc::unexpected_response, 300, true}, row{errc::unexpected_response, 302, true},
             row{errc::api_refused, 308, true},         row{errc::unexpected_response, 399, true},
             row{errc::server_error, 500, false},       row{errc::server_error, 501, true},
             row{errc::server_error, 502, false},       row{errc::server_error, 503, false},
             row{errc::server_error, 504, false},       row{errc::server_error, 505, true},
             row{errc::server_error, 506, false},       row{errc::unexpected_response, 408, false},
             row{errc::response_too_large, 0, true},    row{errc::tls_failed, 0, true},
             row{errc::proxy_refused, 407, true},       row{errc::invalid_argument, 0, true},
             row{errc::invalid_credentials, 0, true},   row{errc::missing_credentials, 0, true},
             row{errc::unsupported_by_scope, 0, true},  row{errc::resolve_failed, 0, false},
             row{errc::connect_failed, 0, false},       row{errc::malformed_response, 0, false},
             row{errc::deadline_exceeded, 0, false},
         })
        for (auto const kind : all_kinds)
            for (auto const d : {delivery::not_sent, delivery::rejected, delivery::unknown}) {
                CAPTURE(std::string_view(to_string(code)));
                CAPTURE(status);
                CAPTURE(static_cast<int>(kind));
                CAPTURE(static_cast<int>(d));
                auto c = call(kind);
                REQUIRE(c.start(t0) == action::send);
                static_cast<void>(c.failed(
                    error(code, error_details{.delivery = d, .http_status = status}), t0, 0));
                bool const again =
                    !permanent && (d == delivery::not_sent ||
                                   (d == delivery::rejected && code == errc::rate_limited) ||
                                   (d == delivery::unknown && is_repeatable(kind)));
                CHECK(c.failure().details().stopped == (again ? stop_reason::none
                                                        : permanent || d == delivery::rejected
                                                            ? stop_reason::permanent
                                                            : stop_reason::not_repeatable));
            }
}

TEST_CASE("which statuses are certain to fail again ends at the bounds of their classes") {
    auto const attempts_after = [](int status, errc code) {
        driven call(ask{.idempotency = idempotency::safe}, call_options().attempts(2).deadline(1h));
        static_cast<void>(call.start(time_point()));
        error const e(code, error_details{.delivery = delivery::unknown, .http_status = status});
        return call.failed(e, time_point(), 0) == action::wait ? 2 : 1;
    };
    for (int const status : {200, 299, 300, 301, 399, 501, 505}) {
        CAPTURE(status);
        CHECK(attempts_after(status, errc::unexpected_response) == 1);
    }
    for (int const status : {199, 400, 500, 502, 504, 506}) {
        CAPTURE(status);
        CHECK(attempts_after(status, errc::unexpected_response) == 2);
    }
    CHECK(attempts_after(200, errc::api_refused) == 1);
    CHECK(attempts_after(299, errc::api_refused) == 1);
    CHECK(attempts_after(200, errc::connection_lost) == 2);
    CHECK(attempts_after(300, errc::connection_lost) == 1);
}

TEST_CASE("a create that is cancelled during its second attempt may have acted") {
    auto c = call(idempotency::at_most_once);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(limited, t0, 0) == action::wait);
    REQUIRE(c.resume(t0) == action::send);
    CHECK(c.cancelled() == action::done);
    CHECK(c.failure() == errc::cancelled);
    CHECK(c.failure().may_have_acted());
    CHECK(c.failure().details().attempts == 2);
}

TEST_CASE("what a call is told that it did not ask for changes nothing") {
    auto c = call(idempotency::safe);
    CHECK(c.resume(t0) == action::done);
    CHECK(c.failed(reset, t0, 0) == action::done);
    CHECK(c.state() == call_state::created);
    REQUIRE(c.start(t0) == action::send);
    auto const* const request = &c.request();
    CHECK(c.start(t0 + 1s) == action::send);
    CHECK(c.resume(t0 + 1s) == action::send);
    CHECK(c.attempts() == 1);
    CHECK(&c.request() == request);
    CHECK(c.attempt_deadline() == t0 + 30s);
    REQUIRE(c.failed(reset, t0, 500) == action::wait);
    CHECK(c.failed(reset, t0, 0) == action::wait);
    CHECK(c.start(t0) == action::wait);
    CHECK(c.wake_at() == t0 + 500ms);
    REQUIRE(c.resume(t0 + 500ms) == action::send);
    REQUIRE(c.succeeded() == action::done);
    CHECK(c.failed(reset, t0, 0) == action::done);
    CHECK(c.resume(t0) == action::done);
    CHECK(c.cancelled() == action::done);
    CHECK(c.start(t0) == action::done);
    CHECK_FALSE(c.failure().code().failed());
}

TEST_CASE("a call asked for its result before the end was cancelled") {
    cloudflare::call<ask> unstarted(context_with(), ask{.idempotency = idempotency::at_most_once});
    auto const nothing = std::move(unstarted).finish();
    CHECK(nothing.error() == errc::cancelled);
    CHECK_FALSE(nothing.error().may_have_acted());

    cloudflare::call<ask> sending(context_with(), ask{.idempotency = idempotency::at_most_once});
    REQUIRE(sending.start(t0).what() == action::send);
    auto const lost = std::move(sending).finish();
    CHECK(lost.error() == errc::cancelled);
    CHECK(lost.error().may_have_acted());
    CHECK(lost.error().details().operation == "ask");
}

TEST_CASE("a cancellation after the end changes nothing, whatever the end was") {
    auto c = call(idempotency::at_most_once);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(failure(errc::bad_request, delivery::rejected), t0, 0) == action::done);
    CHECK(c.cancelled() == action::done);
    CHECK(c.failure() == errc::bad_request);
    CHECK(c.failure().details().stopped == stop_reason::permanent);
}

TEST_CASE("a request is made when it is to be sent, and no sooner") {
    error const bad(errc::invalid_argument, "name: must not be empty");
    auto late = driven(ask{.idempotency = idempotency::at_most_once}, call_options().deadline(0s));
    late.refuse(bad);
    REQUIRE(late.start(t0) == action::done);
    CHECK(late.failure() == errc::deadline_exceeded);
    CHECK(late.failure().details().attempts == 0);

    auto const context =
        context_with(client_options().limiter(limiter(limiter_options().permits(1).window(10s))));
    auto first = call(idempotency::safe, retry_policy(), context);
    REQUIRE(first.start(t0) == action::send);
    auto queued = call(idempotency::safe, retry_policy(), context);
    queued.refuse(bad);
    CHECK(queued.start(t0) == action::wait);
    CHECK(queued.attempts() == 0);
}

TEST_CASE("an error without a code says so") {
    auto c = call(idempotency::at_most_once);
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.failed(error(), t0, 0) == action::done);
    CHECK(c.failure().details().explanation == "the transport gave an error without a code");
}

TEST_CASE("the server's clock is read from each response that has a Date") {
    auto const context = context_with();
    cloudflare::call<ask> c(context, ask{.idempotency = idempotency::safe});
    REQUIRE(c.start(t0).what() == action::send);
    CHECK_FALSE(context->server_clock().at(t0).has_value());
    http::response r{.status = 503};
    REQUIRE(r.fields.add("Date", "Sun, 06 Nov 1994 08:49:37 GMT").has_value());
    REQUIRE(c.responded(std::move(r), t0 + 1s, 0).what() == action::wait);
    CHECK(context->server_clock().at(t0 + 4s) == timestamp::parse("1994-11-06T08:49:40Z").value());
}

namespace {

/// Calls under one limiter.
struct limited_calls {
    explicit limited_calls(limiter_options const& options, client_options const& client = {})
        : limits(options), context(context_with(client_options(client).limiter(limits))) {}

    [[nodiscard]] driven make(std::chrono::milliseconds deadline = 60s) const {
        return driven(ask{.idempotency = idempotency::idempotent},
                      call_options().deadline(deadline), context);
    }
    /// Whether another call would be sent now.
    [[nodiscard]] bool has_permit(time_point now) const {
        limiter::permit p(limits, urgency::settles);
        bool const waits = p.request(now).has_value();
        p.withdraw(now);
        return !waits;
    }

    limiter limits;
    std::shared_ptr<call_context> context;
};

auto const one_in_ten_seconds = limiter_options().permits(1).window(10s).spread(0s);

} // namespace

TEST_CASE("a call that is cancelled while its request is under way has used its permit") {
    limited_calls const calls(one_in_ten_seconds);
    auto c = calls.make();
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.cancelled(t0 + 1s) == action::done);
    CHECK_FALSE(calls.has_permit(t0 + 10s));
    CHECK(calls.has_permit(t0 + 11s)); // also while the call still lives
}

TEST_CASE("a request that was given up tells the limiter nothing of the server") {
    limited_calls const calls(limiter_options().permits(100).window(100s).burst(50).spread(100s));
    auto c = calls.make();
    REQUIRE(c.start(t0) == action::send);
    REQUIRE(c.cancelled(t0) == action::done);
    int more = 0;
    for (std::vector<driven> others; more != 60; ++more) {
        others.push_back(calls.make());
        if (others.back().start(t0) != action::send) break;
    }
    CHECK(more == 19); // before the first response 20 are permitted at once
}

TEST_CASE("the trace tells the last attempt of a call that fails, or is cancelled") {
    std::vector<bool> last;
    auto const context = context_with(
        without_limiter().trace([&](trace_event const& e) { last.push_back(e.is_last); }));
    auto c = call(idempotency::safe, retry_policy(), context);
    REQUIRE(c.start(t0) == action::send);
    SUBCASE("it fails for good") {
        REQUIRE(c.failed(absent, t0, 0) == action::done);
        CHECK(last == std::vector<bool>{true});
    }
    SUBCASE("it is cancelled after an attempt that is to be repeated") {
        REQUIRE(c.failed(reset, t0, 0) == action::wait);
        REQUIRE(c.cancelled() == action::done);
        CHECK(last == std::vector<bool>{false}); // no attempt was under way
    }
    SUBCASE("it is cancelled under way") {
        REQUIRE(c.cancelled() == action::done);
        CHECK(last == std::vector<bool>{true});
    }
}

TEST_CASE("the trace tells how long an attempt has waited for its permit") {
    std::vector<std::chrono::nanoseconds> waited;
    limited_calls const calls(one_in_ten_seconds, client_options().trace([&](trace_event const& e) {
        waited.push_back(e.waited);
    }));
    auto first = calls.make();
    REQUIRE(first.start(t0) == action::send);
    REQUIRE(first.succeeded() == action::done);
    auto second = calls.make(60s);
    REQUIRE(second.start(t0 + 1s) == action::wait);
    REQUIRE(second.resume(t0 + 2s) == action::wait); // early
    REQUIRE(second.resume(t0 + 10s) == action::send);
    REQUIRE(second.succeeded() == action::done);
    REQUIRE(waited.size() == 2);
    CHECK(waited[0] == 0s);
    CHECK(waited[1] == 9s);
}

TEST_CASE("a call that ends while it waits for its permit leaves its place at once") {
    int traced = 0;
    limited_calls const calls(one_in_ten_seconds,
                              client_options().trace([&](trace_event const&) { ++traced; }));
    auto first = calls.make();
    REQUIRE(first.start(t0) == action::send);
    SUBCASE("cancelled") {
        auto c = calls.make();
        REQUIRE(c.start(t0) == action::wait);
        REQUIRE(c.cancelled(t0 + 1s) == action::done);
        CHECK(c.failure().delivery() == delivery::not_sent);
        CHECK(traced == 0);                         // nothing was sent
        REQUIRE(first.succeeded() == action::done); // at t0, which counts as t0 + 1s
        CHECK(calls.has_permit(t0 + 11s));
    }
    SUBCASE("woken too late") {
        REQUIRE(first.succeeded() == action::done);
        auto c = calls.make(20s);
        REQUIRE(c.start(t0) == action::wait);
        REQUIRE(c.resume(t0 + 20s) == action::done);
        CHECK(c.failure() == errc::deadline_exceeded);
        CHECK(calls.has_permit(t0 + 20s));
    }
}

TEST_CASE(
    "a call whose permit comes at its deadline or later ends at once, and says when it comes") {
    for (auto const& [deadline, waits] : {std::pair(10s, false), std::pair(11s, true)}) {
        limited_calls const calls(one_in_ten_seconds);
        auto first = calls.make();
        REQUIRE(first.start(t0) == action::send);
        REQUIRE(first.succeeded() == action::done);
        auto c = calls.make(deadline);
        CHECK(c.start(t0) == (waits ? action::wait : action::done));
        if (waits) continue;
        CHECK(c.failure() == errc::rate_limited);
        CHECK(c.failure().details().retry_after == 10s);
        auto later = calls.make(1s);
        CHECK(later.start(t0 + 500ms) == action::done);
        CHECK(later.failure().details().retry_after == 10s); // rounded up
        CHECK(later.failure().details().explanation ==
              "the rate limit has no permit for 10 s, which is past the deadline");
    }
}

TEST_CASE("a 429 keeps the other calls of its limiter back, and no other failure does") {
    for (auto const code : {errc::rate_limited, errc::conflict}) {
        limited_calls const calls(limiter_options().permits(10).window(10s).spread(0s));
        auto c = calls.make();
        REQUIRE(c.start(t0) == action::send);
        c.failed(failure(code, delivery::rejected, 30s), t0, 0);
        CHECK(calls.has_permit(t0 + 20s) == (code != errc::rate_limited));
    }
}

#ifdef INCLUDE_DIR
namespace {

/// One permit an hour, and calls that want it.
struct scene {
    std::shared_ptr<call_context> context =
        context_with(client_options().limiter(limiter(limiter_options().permits(1).window(1h))));
    driven c = make(idempotency::at_most_once, 10h);
    std::vector<driven> others{};

    driven make(idempotency kind, std::chrono::milliseconds deadline) {
        return driven(ask{.idempotency = kind}, call_options().deadline(deadline), context);
    }
    void use_up_permit() {
        others.push_back(make(idempotency::idempotent, 2h));
        REQUIRE(others.back().start(t0) == action::send);
        REQUIRE(others.back().failed(failure(errc::bad_request, delivery::rejected), t0, 0) ==
                action::done);
    }
    /// From here on the call has its own permit, and no other matters.
    void without_limiter(idempotency kind, call_options const& options,
                         client_options client = client_options()) {
        context = context_with(client.limiter(limiter::off()));
        c = driven(ask{.idempotency = kind}, options, context);
    }
    void queue() {
        use_up_permit();
        REQUIRE(c.start(t0) == action::wait);
    }
    void send(idempotency kind = idempotency::at_most_once,
              call_options const& options = call_options(),
              client_options client = client_options()) {
        without_limiter(kind, options, std::move(client));
        REQUIRE(c.start(t0) == action::send);
    }
    void back_off() {
        send();
        REQUIRE(c.failed(limited, t0, 400) == action::wait);
    }
    /// Its own attempt used up the permit.
    void back_off_without_permit(std::chrono::milliseconds deadline) {
        c = make(idempotency::idempotent, deadline);
        REQUIRE(c.start(t0) == action::send);
        REQUIRE(c.failed(reset, t0, 0) == action::wait);
    }
};

error const refusal_of_input(errc::invalid_argument, "name: must not be empty");

/// What brings a call into the state of a row, and then the event of it.
std::map<std::string, std::function<action(scene&)>> const rows{
    {"created: start", [](scene& s) { return s.c.start(t0); }},
    {"created: start: the request cannot be made",
     [](scene& s) {
         s.c.refuse(refusal_of_input);
         return s.c.start(t0);
     }},
    {"created: start: the deadline has passed",
     [](scene& s) {
         s.without_limiter(idempotency::safe, call_options().deadline(0ms));
         return s.c.start(t0);
     }},
    {"created: start: the limiter's permit comes later",
     [](scene& s) {
         s.use_up_permit();
         return s.c.start(t0);
     }},
    {"created: start: it comes only after the deadline",
     [](scene& s) {
         s.use_up_permit();
         s.c = s.make(idempotency::safe, 60s);
         return s.c.start(t0);
     }},
    {"created: cancelled", [](scene& s) { return s.c.cancelled(); }},
    {"queued: resume",
     [](scene& s) {
         s.queue();
         return s.c.resume(s.c.wake_at());
     }},
    {"queued: resume: early",
     [](scene& s) {
         s.queue();
         return s.c.resume(t0 + 1s);
     }},
    {"queued: resume: early again",
     [](scene& s) {
         s.queue();
         REQUIRE(s.c.resume(t0 + 1s) == action::wait);
         return s.c.resume(t0 + 1s);
     }},
    {"queued: resume: the permit went to another call",
     [](scene& s) {
         s.queue();
         s.others.push_back(s.make(idempotency::safe, 2h));
         REQUIRE(s.others.back().start(t0) == action::wait);
         return s.c.resume(s.c.wake_at());
     }},
    {"queued: resume: after the deadline",
     [](scene& s) {
         s.queue();
         return s.c.resume(t0 + 10h);
     }},
    {"queued: cancelled",
     [](scene& s) {
         s.queue();
         return s.c.cancelled();
     }},
    {"sending: responded: success",
     [](scene& s) {
         s.send();
         return s.c.succeeded();
     }},
    {"sending: responded: a failure to try again after",
     [](scene& s) {
         s.send();
         return s.c.failed(unreachable, t0, 0);
     }},
    {"sending: responded: a failure that would come again",
     [](scene& s) {
         s.send();
         return s.c.failed(failure(errc::tls_failed, delivery::not_sent), t0, 0);
     }},
    {"sending: responded: a second sending would do harm",
     [](scene& s) {
         s.send();
         return s.c.failed(reset, t0, 0);
     }},
    {"sending: responded: the last attempt's failure",
     [](scene& s) {
         s.send(idempotency::at_most_once, call_options().attempts(1));
         return s.c.failed(unreachable, t0, 0);
     }},
    {"sending: responded: the wait would pass the deadline",
     [](scene& s) {
         s.send();
         return s.c.failed(failure(errc::rate_limited, delivery::rejected, 60s), t0, 0);
     }},
    {"sending: responded: the retry budget is used up",
     [](scene& s) {
         s.send(idempotency::at_most_once, call_options(), client_options().retry_budget(0));
         return s.c.failed(unreachable, t0, 0);
     }},
    {"sending: responded: nothing is left to delete",
     [](scene& s) {
         s.send(idempotency::idempotent_delete);
         REQUIRE(s.c.failed(reset, t0, 0) == action::wait);
         REQUIRE(s.c.resume(t0) == action::send);
         return s.c.failed(absent, t0, 0);
     }},
    {"sending: responded: the transport says cancelled",
     [](scene& s) {
         s.send();
         return s.c.failed(failure(errc::cancelled, delivery::not_sent), t0, 0);
     }},
    {"sending: cancelled",
     [](scene& s) {
         s.send();
         return s.c.cancelled();
     }},
    {"backoff: resume",
     [](scene& s) {
         s.back_off();
         return s.c.resume(s.c.wake_at());
     }},
    {"backoff: resume: early",
     [](scene& s) {
         s.back_off();
         return s.c.resume(t0);
     }},
    {"backoff: resume: early again",
     [](scene& s) {
         s.back_off();
         REQUIRE(s.c.resume(t0) == action::wait);
         return s.c.resume(t0);
     }},
    {"backoff: resume: the limiter's permit comes later",
     [](scene& s) {
         s.back_off_without_permit(2h);
         return s.c.resume(t0);
     }},
    {"backoff: resume: it comes only after the deadline",
     [](scene& s) {
         s.back_off_without_permit(60s);
         return s.c.resume(t0);
     }},
    {"backoff: resume: the request cannot be made",
     [](scene& s) {
         s.back_off();
         s.c.refuse(refusal_of_input);
         return s.c.resume(s.c.wake_at());
     }},
    {"backoff: resume: after the deadline",
     [](scene& s) {
         s.back_off();
         return s.c.resume(t0 + 60s);
     }},
    {"backoff: cancelled",
     [](scene& s) {
         s.back_off();
         return s.c.cancelled();
     }},
};

struct table_row {
    std::string state, event, next, asks_for;
};

/// The table in the comment of `call`, without its head.
std::vector<table_row> table_of_call() {
    auto const words = [](std::string const& cell) {
        auto const begin = cell.find_first_not_of(' ');
        return cell.substr(begin, cell.find_last_not_of(' ') - begin + 1);
    };
    std::ifstream in(INCLUDE_DIR "/cloudflare/api/call.hpp");
    std::vector<table_row> table;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("/// | ") || line.starts_with("/// | -")) continue;
        std::vector<std::string> cells;
        std::stringstream rest(line.substr(line.find('|') + 1));
        for (std::string cell; std::getline(rest, cell, '|');)
            cells.push_back(words(cell));
        REQUIRE(cells.size() == 4);
        table.push_back({cells[0], cells[1], cells[2], cells[3]});
    }
    REQUIRE(table.size() > 1);
    table.erase(table.begin());
    return table;
}

std::map<std::string, call_state> const states{{"created", call_state::created},
                                               {"queued", call_state::queued},
                                               {"sending", call_state::sending},
                                               {"backoff", call_state::backoff},
                                               {"done", call_state::done}};
std::map<std::string, action> const actions{
    {"send", action::send}, {"wait", action::wait}, {"done", action::done}};
std::map<std::string, stop_reason> const reasons{
    {"permanent", stop_reason::permanent},
    {"not_repeatable", stop_reason::not_repeatable},
    {"attempts_exhausted", stop_reason::attempts_exhausted},
    {"deadline", stop_reason::deadline},
    {"budget_exhausted", stop_reason::budget_exhausted},
    {"cancelled", stop_reason::cancelled}};

} // namespace

TEST_CASE("the table of call is what a call does, row by row") {
    auto const table = table_of_call();
    CHECK(table.size() == rows.size());
    for (auto const& row : table) {
        CAPTURE(row.state);
        CAPTURE(row.event);
        auto const found = rows.find(row.state + ": " + row.event);
        REQUIRE(found != rows.end());
        scene s;
        auto const asked = found->second(s);
        CHECK(s.c.state() == states.at(row.next));
        if (row.asks_for == "the same again") {
            CHECK(row.state == row.next);
            CHECK(asked == action::wait);
            CHECK(s.c.wake_at() > t0 + 1ms);
            continue;
        }
        auto const space = row.asks_for.find(' ');
        CHECK(asked == actions.at(row.asks_for.substr(0, space)));
        auto const why =
            space == std::string::npos
                ? stop_reason::none
                : reasons.at(row.asks_for.substr(space + 2, row.asks_for.size() - 3 - space));
        CHECK(s.c.failure().details().stopped == why);
        CHECK(s.c.failure().code().failed() == (why != stop_reason::none));
    }
}
#endif

} // namespace call_tests

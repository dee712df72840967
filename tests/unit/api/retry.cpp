#include <cloudflare/api/retry.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <thread>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace retry_tests {
namespace {

constexpr auto all_ones = std::numeric_limits<std::uint64_t>::max();

} // namespace

TEST_CASE("the retry policy's defaults are those documented") {
    retry_policy const policy;
    CHECK(policy.max_attempts() == 4);
    CHECK(policy.base_delay() == 500ms);
    CHECK(policy.max_delay() == 30s);
    CHECK(policy.attempt_timeout() == 30s);
}

TEST_CASE("a setting outside its range is taken to the nearer end") {
    CHECK(retry_policy().max_attempts(0).max_attempts() == 1);
    CHECK(retry_policy().max_attempts(1).max_attempts() == 1);
    CHECK(retry_policy().max_attempts(100).max_attempts() == 100);
    CHECK(retry_policy().max_attempts(101).max_attempts() == 100);
    CHECK(retry_policy().base_delay(0ms).base_delay() == 1ms);
    CHECK(retry_policy().base_delay(-5s).base_delay() == 1ms);
    CHECK(retry_policy().max_delay(0ms).max_delay() == 1ms);
    CHECK(retry_policy().attempt_timeout(-1ms).attempt_timeout() == 1ms);
}

TEST_CASE("the backoff goes from zero to a bound that doubles up to max_delay") {
    auto const policy = retry_policy().base_delay(100ms).max_delay(1s);
    struct row {
        unsigned attempt;
        std::chrono::milliseconds most;
    };
    for (auto const& [attempt, most] :
         {row{1, 100ms}, row{2, 200ms}, row{3, 400ms}, row{4, 800ms}, row{5, 1s}, row{99, 1s}}) {
        CAPTURE(attempt);
        auto const choices = static_cast<std::uint64_t>(most.count()) + 1;
        CHECK(backoff(policy, attempt, 0) == 0ms);
        CHECK(backoff(policy, attempt, choices - 1) == most);
        CHECK(backoff(policy, attempt, choices) == 0ms);
        CHECK(backoff(policy, attempt, all_ones) >= 0ms);
        CHECK(backoff(policy, attempt, all_ones) <= most);
    }
}

TEST_CASE("a base delay longer than max_delay is bounded by it") {
    auto const policy = retry_policy().base_delay(10s).max_delay(2s);
    CHECK(backoff(policy, 1, 2000) == 2s);
    CHECK(backoff(policy, 1, 2001) == 0s);
}

TEST_CASE("a doubling that would overflow stops at max_delay") {
    auto const policy = retry_policy().base_delay(1ms).max_delay(retry_policy::duration::max());
    CHECK(backoff(policy, 100, 12345) == 12345ms);
    CHECK(backoff(policy, 100, all_ones) >= 0ms);
}

TEST_CASE("a budget gives as many retries as its capacity, and no more") {
    retry_budget budget(3);
    for (int i = 0; i != 3; ++i)
        CHECK(budget.withdraw());
    CHECK_FALSE(budget.withdraw());
    CHECK_FALSE(budget.withdraw());
}

TEST_CASE("a budget of nothing gives no retry") {
    CHECK_FALSE(retry_budget(0).withdraw());
    CHECK_FALSE(retry_budget(-1).withdraw());
}

TEST_CASE("the largest budget that can be written gives retries") {
    CHECK(retry_budget(std::numeric_limits<std::int64_t>::max()).withdraw());
}

TEST_CASE("ten successes pay for one retry") {
    retry_budget budget(1);
    REQUIRE(budget.withdraw());
    for (int i = 0; i != 9; ++i)
        budget.deposit();
    CHECK_FALSE(budget.withdraw());
    budget.deposit();
    CHECK(budget.withdraw());
    CHECK_FALSE(budget.withdraw());
}

TEST_CASE("successes do not fill a budget beyond its capacity") {
    retry_budget budget(1);
    for (int i = 0; i != 100; ++i)
        budget.deposit();
    CHECK(budget.withdraw());
    CHECK_FALSE(budget.withdraw());
}

TEST_CASE("threads that share a budget take out no more than it holds") {
    retry_budget budget(1000);
    std::atomic<int> taken = 0;
    auto const take = [&] {
        for (int i = 0; i != 1000; ++i)
            if (budget.withdraw()) ++taken;
    };
    std::thread other(take);
    take();
    other.join();
    CHECK(taken == 1000);
}

} // namespace retry_tests

#include <cloudflare/api/client_options.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using namespace cloudflare;
using namespace std::chrono_literals;

TEST_CASE("a client's options have the defaults documented") {
    client_options const options;
    CHECK(options.base_url().origin() == base_url::production().origin());
    CHECK(options.base_url().path() == "/client/v4");
    CHECK_FALSE(options.allow_insecure_http());
    CHECK(options.user_agent() == "cloudflare-access-cpp/" + std::string(version));
    CHECK(options.deadline() == 60s);
    CHECK(options.retry().max_attempts() == 4);
    CHECK(options.retry_budget() == 20);
    CHECK_FALSE(options.trace());
    CHECK_FALSE(options.seed().has_value());
}

TEST_CASE("each option is kept as set") {
    auto const options = client_options()
                             .base_url(*base_url::parse("http://127.0.0.1:8080/v4"))
                             .allow_insecure_http(true)
                             .user_agent("mine/1")
                             .deadline(1500ms)
                             .retry(retry_policy().max_attempts(7))
                             .retry_budget(3)
                             .trace([](trace_event const&) {})
                             .seed(9);
    CHECK(options.base_url().path() == "/v4");
    CHECK(options.allow_insecure_http());
    CHECK(options.user_agent() == "mine/1");
    CHECK(options.deadline() == 1500ms);
    CHECK(options.retry().max_attempts() == 7);
    CHECK(options.retry_budget() == 3);
    CHECK(options.trace());
    CHECK(options.seed() == 9);
}

TEST_CASE("a client's deadline is clamped at both ends") {
    using std::chrono::milliseconds;
    CHECK(client_options().deadline(milliseconds::min()).deadline() == 0ms);
    CHECK(client_options().deadline(-1ms).deadline() == 0ms);
    CHECK(client_options().deadline(max_deadline + 1ms).deadline() == max_deadline);
    CHECK(client_options().deadline(milliseconds::max()).deadline() == max_deadline);
}

#include <cloudflare/api/retry_rule.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace retry_rule_tests {
namespace {

error failure(errc code, delivery d, std::optional<std::chrono::seconds> retry_after = {}) {
    return {code, error_details{.delivery = d, .retry_after = retry_after}};
}

} // namespace

TEST_CASE("jitter that does not fit the deadline to the nanosecond is left out") {
    auto const limited = failure(errc::rate_limited, delivery::rejected, 10s);
    auto const policy = retry_policy().base_delay(5s);
    CHECK(retry_wait(policy, 1, limited, 10s + 1ns, 3000) == 10s);
    CHECK(retry_wait(policy, 1, limited, 10s, 0) == std::nullopt);
}

TEST_CASE("no wait overflows, however far the deadline and whatever is asked for") {
    constexpr auto all_ones = std::numeric_limits<std::uint64_t>::max();
    for (auto const asked : {60s, 120s, 4'294'967'295s, 251'611'365'599s,
                             std::chrono::seconds::max(), std::chrono::seconds::max() / 1000}) {
        CAPTURE(asked.count());
        auto const limited = failure(errc::rate_limited, delivery::rejected, asked);
        auto const wait =
            retry_wait(retry_policy(), 1, limited, time_point::duration::max(), all_ones);
        REQUIRE(wait.has_value());
        CHECK(*wait >= (std::min)(asked, http::max_retry_after));
        CHECK(*wait <= http::max_retry_after + 30s);
        CHECK(retry_wait(retry_policy(), 1, limited, time_point::duration::min(), 0) ==
              std::nullopt);
    }
}

#ifdef INCLUDE_DIR
TEST_CASE("the table in retry_rule.hpp is the rule") {
    auto const words = [](std::string const& cell) {
        auto const begin = cell.find_first_not_of(' ');
        if (begin == cell.npos) return std::string();
        return cell.substr(begin, cell.find_last_not_of(' ') - begin + 1);
    };
    std::ifstream in(INCLUDE_DIR "/cloudflare/api/retry_rule.hpp");
    std::vector<std::vector<std::string>> table;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("///     |")) continue;
        std::vector<std::string> cells;
        std::stringstream rest(line.substr(line.find('|') + 1));
        for (std::string cell; std::getline(rest, cell, '|');)
            cells.push_back(words(cell));
        table.push_back(cells);
    }
    REQUIRE(table.size() == 5);
    std::map<std::string, delivery> const columns{{"not_sent", delivery::not_sent},
                                                  {"rejected", delivery::rejected},
                                                  {"unknown", delivery::unknown},
                                                  {"accepted", delivery::accepted}};
    std::map<std::string, std::vector<idempotency>> const rows{
        {"safe", {idempotency::safe}},
        {"idempotent", {idempotency::idempotent}},
        {"idempotent_delete", {idempotency::idempotent_delete}},
        {"at_most_once, revokes", {idempotency::at_most_once, idempotency::revokes}}};
    int cells = 0;
    for (std::size_t row = 1; row != table.size(); ++row)
        for (std::size_t column = 1; column != table[row].size(); ++column)
            for (auto const kind : rows.at(table[row][0]))
                for (auto const code : {errc::rate_limited, errc::server_error}) {
                    auto const& cell = table[row][column];
                    CAPTURE(table[row][0]);
                    CAPTURE(table[0][column]);
                    bool const again = cell == "again" || (cell == "429: again; else no" &&
                                                           code == errc::rate_limited);
                    CHECK((again || cell == "no" || cell == "429: again; else no"));
                    auto const d = columns.at(table[0][column]);
                    auto const why = reason_not_to_retry(kind, failure(code, d));
                    CHECK((why == stop_reason::none) == again);
                    ++cells;
                }
    CHECK(cells == 5 * 4 * 2);
}
#endif

} // namespace retry_rule_tests

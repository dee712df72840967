#include <cloudflare/core/error_code.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace cloudflare;

namespace error_code_tests {
namespace {

constexpr int first_code = static_cast<int>(errc::invalid_argument);
constexpr int last_code = static_cast<int>(errc::secret_unreadable);

struct group {
    condition name;
    std::vector<errc> members;
};

std::vector<group> const groups = {
    {condition::invalid_input,
     {errc::invalid_argument, errc::invalid_credentials, errc::missing_credentials,
      errc::unsupported_by_scope}},
    {condition::network,
     {errc::resolve_failed, errc::connect_failed, errc::proxy_refused, errc::tls_failed,
      errc::connection_lost, errc::malformed_response, errc::response_too_large,
      errc::deadline_exceeded}},
    {condition::unauthorized, {errc::unauthorized, errc::forbidden}},
    {condition::not_found, {errc::not_found}},
    {condition::token_in_use, {errc::token_in_use}},
    {condition::limit_reached, {errc::limit_reached}},
    {condition::rate_limited, {errc::rate_limited}},
    {condition::unavailable, {errc::server_error, errc::rate_limited}},
    {condition::cancelled, {errc::cancelled}},
};

} // namespace

TEST_CASE("a code is in its groups and in no other") {
    for (auto const& [name, members] : groups) {
        for (int value = first_code; value <= last_code; ++value) {
            auto const code = static_cast<errc>(value);
            CAPTURE(std::string_view(to_string(name)));
            CAPTURE(std::string_view(to_string(code)));
            bool const expected = std::find(members.begin(), members.end(), code) != members.end();
            CHECK((make_error_code(code) == make_error_condition(name)) == expected);
        }
    }
}

TEST_CASE("a code compares with an enumerator and with a group in either order") {
    boost::system::error_code const code = errc::not_found;
    CHECK(code == errc::not_found);
    CHECK(errc::not_found == code);
    CHECK(code != errc::no_route);
    CHECK(code == condition::not_found);
    CHECK(condition::not_found == code);
    CHECK(code != condition::unauthorized);
}

TEST_CASE("a number that is no code is in no group") {
    for (int const value : {0, -1, last_code + 1, 1'000'000}) {
        boost::system::error_code const code(value, error_category());
        for (auto const& [name, members] : groups) {
            CAPTURE(value);
            CAPTURE(std::string_view(to_string(name)));
            CHECK(code != make_error_condition(name));
        }
    }
}

TEST_CASE("a code of another category with the same number is in no group") {
    for (int value = first_code; value <= last_code; ++value) {
        boost::system::error_code const foreign(value, boost::system::system_category());
        for (auto const& [name, members] : groups) {
            CAPTURE(value);
            CAPTURE(std::string_view(to_string(name)));
            CHECK(foreign != make_error_condition(name));
        }
        CHECK(foreign != make_error_code(static_cast<errc>(value)));
    }
}

TEST_CASE("every code is a failure with a message of its own") {
    std::set<std::string> messages;
    for (int value = first_code; value <= last_code; ++value) {
        CAPTURE(value);
        auto const code = make_error_code(static_cast<errc>(value));
        CHECK(code.failed());
        CHECK(code.message() != "unknown error");
        CHECK(code.message() == to_string(static_cast<errc>(value)));
        CHECK(messages.insert(code.message()).second);
    }
}

TEST_CASE("a code's message can be had without an allocation") {
    auto const code = make_error_code(errc::connection_lost);
    CHECK(std::string_view(code.message(nullptr, 0)) == "connection lost");
}

TEST_CASE("a number that is no code has a message all the same") {
    CHECK(error_category().message(last_code + 1) == "unknown error");
    CHECK(error_category().message(0) == "unknown error");
    CHECK(condition_category().message(0) == "unknown condition");
}

TEST_CASE("every group has a message of its own") {
    std::set<std::string> messages;
    for (auto const& [name, members] : groups) {
        CAPTURE(std::string_view(to_string(name)));
        CHECK(make_error_condition(name).message() == to_string(name));
        CHECK(make_error_condition(name).message() != "unknown condition");
        CHECK(messages.insert(to_string(name)).second);
    }
}

TEST_CASE("the ids of the categories differ with the version in the namespace's name") {
    CHECK(detail::category_id(1, namespace_version) != detail::category_id(2, namespace_version));
    for (std::uint64_t category : {1U, 2U})
        for (std::uint64_t other = 0; other != 50; ++other)
            if (other != namespace_version)
                CHECK(detail::category_id(category, other) !=
                      detail::category_id(category, namespace_version));
#ifdef INCLUDE_DIR // the number is that of the inline namespace
    std::ifstream in(INCLUDE_DIR "/cloudflare/core/fwd.hpp");
    std::string const header(std::istreambuf_iterator<char>(in), {});
    CHECK(header.find("namespace cloudflare::inline v" + std::to_string(namespace_version) +
                      " {\n") != header.npos);
#endif
}

TEST_CASE("the two categories are named and differ") {
    CHECK(std::string_view(error_category().name()) == "cloudflare");
    CHECK(std::string_view(condition_category().name()) == "cloudflare.condition");
    CHECK(error_category() != condition_category());
    CHECK(&error_category() == &error_category());
}

TEST_CASE("each code and each group has the words that belong to it") {
    struct code_row {
        errc code;
        std::string_view words;
    };
    for (auto const& [code, words] : {
             code_row{errc::invalid_argument, "invalid argument"},
             code_row{errc::invalid_credentials, "invalid credentials"},
             code_row{errc::missing_credentials, "no credentials"},
             code_row{errc::unsupported_by_scope, "not available in this scope"},
             code_row{errc::resolve_failed, "host name not resolved"},
             code_row{errc::connect_failed, "connection refused or unreachable"},
             code_row{errc::proxy_refused, "refused by the proxy"},
             code_row{errc::tls_failed, "TLS handshake failed"},
             code_row{errc::connection_lost, "connection lost"},
             code_row{errc::malformed_response, "malformed HTTP response"},
             code_row{errc::response_too_large, "response too large"},
             code_row{errc::deadline_exceeded, "deadline exceeded"},
             code_row{errc::cancelled, "cancelled"},
             code_row{errc::bad_request, "request not accepted"},
             code_row{errc::unauthorized, "credentials not accepted"},
             code_row{errc::forbidden, "permission denied"},
             code_row{errc::not_found, "not found"},
             code_row{errc::no_route, "wrong account or zone id"},
             code_row{errc::conflict, "conflict"},
             code_row{errc::token_in_use, "service token in use"},
             code_row{errc::limit_reached, "limit of service tokens reached"},
             code_row{errc::rate_limited, "rate limited"},
             code_row{errc::access_not_enabled, "Access is not enabled for the account"},
             code_row{errc::server_error, "server error"},
             code_row{errc::api_refused, "refused by the API"},
             code_row{errc::unexpected_response, "not a response of the API"},
             code_row{errc::missing_field, "field missing in the response"},
             code_row{errc::secret_missing, "client secret missing in the response"},
             code_row{errc::sink_failed, "secret not stored"},
             code_row{errc::intent_log_failed, "intent log unavailable"},
             code_row{errc::grace_running, "a grace period is running"},
             code_row{errc::rotation_lost, "rotated, and the new secret is lost"},
             code_row{errc::secret_unreadable, "stored secret cannot be read"},
         })
        CHECK(to_string(code) == words);
    struct group_row {
        condition group;
        std::string_view words;
    };
    for (auto const& [group, words] : {
             group_row{condition::invalid_input, "invalid input"},
             group_row{condition::network, "network failure"},
             group_row{condition::unauthorized, "unauthorized"},
             group_row{condition::not_found, "not found"},
             group_row{condition::token_in_use, "service token in use"},
             group_row{condition::limit_reached, "limit reached"},
             group_row{condition::rate_limited, "rate limited"},
             group_row{condition::unavailable, "service unavailable"},
             group_row{condition::cancelled, "cancelled"},
         })
        CHECK(to_string(group) == words);
}

} // namespace error_code_tests

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
constexpr int last_code = static_cast<int>(errc::rotation_lost);

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

TEST_CASE("every code is a failure with a text of its own") {
    std::set<std::string> texts;
    for (int value = first_code; value <= last_code; ++value) {
        CAPTURE(value);
        auto const code = make_error_code(static_cast<errc>(value));
        CHECK(code.failed());
        CHECK(code.message() != "unknown error");
        CHECK(code.message() == to_string(static_cast<errc>(value)));
        CHECK(texts.insert(code.message()).second);
    }
}

TEST_CASE("a code's text can be had without an allocation") {
    auto const code = make_error_code(errc::connection_lost);
    CHECK(std::string_view(code.message(nullptr, 0)) == "connection lost");
}

TEST_CASE("a number that is no code has a text all the same") {
    CHECK(error_category().message(last_code + 1) == "unknown error");
    CHECK(error_category().message(0) == "unknown error");
    CHECK(condition_category().message(0) == "unknown condition");
}

TEST_CASE("every group has a text of its own") {
    std::set<std::string> texts;
    for (auto const& [name, members] : groups) {
        CAPTURE(std::string_view(to_string(name)));
        CHECK(make_error_condition(name).message() == to_string(name));
        CHECK(make_error_condition(name).message() != "unknown condition");
        CHECK(texts.insert(to_string(name)).second);
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

} // namespace error_code_tests

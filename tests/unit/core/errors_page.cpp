// core/ERRORS.md names every code and every condition, and its lines are what the library prints.
#include <cloudflare/access.hpp>
#include <cloudflare/access/current_secret.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/rotator.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>
#include <cloudflare/testing/scripted_transport.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <list>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace errors_page_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::scripted_transport;

auto const account = access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
auto const zone = access::zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
auto const token = api_token::make("sample").value();
std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";

/// What the system, Asio and OpenSSL say, as their categories word it on Debian.
struct said final : boost::system::error_category {
    std::string words;
    explicit said(std::string w) : words(std::move(w)) {}
    char const* name() const noexcept override { return "said"; }
    std::string message(int) const override { return words; }
};

/// Ends each request with one error, as a transport does that has met with it.
struct failing_transport {
    template <class T>
    using task = blocking<T>;

    errc code;
    cloudflare::delivery how_far;
    std::string explanation{};
    said const* cause = nullptr;

    task<result<http::response>> send(http::request const&, time_point) const {
        error_details d{.explanation = explanation, .delivery = how_far};
        if (cause) d.cause = {1, *cause};
        co_return error(code, d);
    }
    task<void> sleep_until(time_point) const { co_return; }
    time_point now() const { return time_point(1h); }
};

error of_create(failing_transport transport) {
    client c(transport, token, client_options().seed(1));
    return access::service_tokens(c, account).create(access::create_params("ci")).get().error();
}
error lost(errc code, delivery how_far, std::string cause, std::string explanation = {}) {
    static std::list<said> categories; // as long as an error may refer to one
    bool const has_cause = !cause.empty();
    categories.emplace_back(std::move(cause));
    return of_create(
        {code, how_far, std::move(explanation), has_cause ? &categories.back() : nullptr});
}

/// What a call ends with where the server responds with this each time.
template <class Call>
error of_response(int status, std::string_view body, Call call,
                  std::string_view type = "application/json") {
    scripted_transport transport;
    for (int i = 0; i != 8; ++i)
        transport.respond(status, body, type);
    client c(transport, token, client_options().seed(1));
    return call(access::service_tokens(c, account));
}
auto const create = [](auto tokens) {
    return tokens.create(access::create_params("ci")).get().error();
};
auto const get = [](auto tokens) { return tokens.get(id).get().error(); };
auto const remove = [](auto tokens) { return tokens.remove(id).get().error(); };

std::string refusal(std::string_view code, std::string_view message) {
    return R"({"success":false,"errors":[{"code":)" + std::string(code) + R"(,"message":")" +
           std::string(message) + R"("}],"messages":[],"result":null})";
}

/// The sandbox without a network, and a clock that stands still.
struct sandbox_transport {
    template <class T>
    using task = blocking<T>;

    std::shared_ptr<testing::sandbox> box = std::make_shared<testing::sandbox>();
    timestamp wall = timestamp::parse("2026-11-27T12:00:00Z").value();

    task<result<http::response>> send(http::request const& r, time_point) const {
        co_return box->handle(r, wall);
    }
    task<void> sleep_until(time_point) const { co_return; }
    time_point now() const { return time_point(1h); }
};

/// A rotation of a token that was rotated a moment ago, or whose newest secret nobody stored.
error of_rotation(bool is_lost) {
    sandbox_transport transport;
    client c(transport, token, client_options().seed(1));
    auto const now = [&] { return transport.wall; };
    access::memory_sink sink(now);
    access::memory_intent_log log;
    auto const made =
        access::service_tokens(c, account).create(access::create_params("ci")).get().value();
    access::intent i({}, account, "ci");
    i.key = "machine-17";
    i.token_id = made.id;
    sink.store(i, made).value();
    access::rotator rotator(c, account, sink, log, access::rotation_options().now_from(now));
    if (is_lost) {
        auto const until = transport.wall.plus(24h);
        access::update_params by_hand;
        by_hand.client_secret_version(2).previous_client_secret_expires_at(until);
        access::service_tokens(c, account).update(made.id, by_hand).get().value();
    } else {
        rotator.rotate("machine-17", 24h).get().value();
    }
    return rotator.rotate("machine-17", 24h).get().error();
}

/// What the library ends with, a code each.
std::vector<error> one_of_each() {
    auto const unsent = delivery::not_sent;
    auto const open = delivery::unknown;
    auto const nothing_set = [](char const*) -> char const* { return nullptr; };
    scripted_transport unused;
    client c(unused, token);
    access::intent i(std::string(32, '1'), account, "ci");
    return {
        access::service_tokens(c, account).create(access::create_params("")).get().error(),
        api_token::make("\"q1w2e3\"").error(),
        credentials_from(nothing_set).error(),
        access::service_tokens(c, access::any_scope(zone)).rotate(id).get().error(),
        lost(errc::resolve_failed, unsent, "Host not found (authoritative)"),
        lost(errc::connect_failed, unsent, "Connection refused"),
        lost(errc::proxy_refused, unsent, "",
             "through the proxy 10.0.0.1: its response to CONNECT is 407"),
        lost(errc::tls_failed, unsent, "certificate verify failed (SSL routines)",
             "api.cloudflare.com: self-signed certificate"),
        lost(errc::connection_lost, open, "Connection reset by peer"),
        lost(errc::malformed_response, open, "bad version"),
        lost(errc::response_too_large, open, "body limit exceeded"),
        lost(errc::deadline_exceeded, open, ""),
        lost(errc::cancelled, open, ""),
        of_response(400, refusal("12130", "access.api.error.invalid_request: duration is invalid"),
                    create),
        of_response(403, refusal("9109", "Invalid access token"), create),
        of_response(403, refusal("12133", "access.api.error.permission_denied"), create),
        of_response(404, refusal("12135", "access.api.error.service_token_not_found"), get),
        of_response(404,
                    refusal("7003", "Could not route to /accounts/0, perhaps your object "
                                    "identifier is invalid?"),
                    create),
        of_response(409, refusal("12132", "access.api.error.conflict"), create),
        of_response(409, refusal("12139", "access.api.error.service_token_in_use"), remove),
        of_response(400,
                    refusal("12130", "access.api.error.invalid_request: maximum number of service "
                                     "tokens has been reached"),
                    create),
        of_response(429, refusal("971", "Please wait and consider throttling your request speed"),
                    create),
        of_response(400, refusal("9999", "access.api.error.not_enabled"), create),
        of_response(502, "<html>502 Bad Gateway</html>", create, "text/html"),
        of_response(200, refusal("4242", "a reason that is new"), create),
        of_response(200, "<html>hello</html>", create, "text/html"),
        of_response(200, R"({"success":true,"errors":[],"messages":[],"result":{"id":"1"}})", get),
        of_response(201,
                    R"({"success":true,"errors":[],"messages":[],"result":{"id":")" + id + "\"}}",
                    create),
        access::file_sink("/run/no-such-app/token").prepare(i).error(),
        access::file_intent_log("/run/no-such-app/intents").insert(i).error(),
        of_rotation(false),
        of_rotation(true),
        access::current_secret("/run/no-such-app/token").get().error(),
    };
}

std::string page() {
    std::ifstream in(std::string(INCLUDE_DIR) + "/cloudflare/core/ERRORS.md");
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The enumerators of an enumeration in error_code.hpp, in their order.
std::vector<std::string> names_in(std::string const& enumeration) {
    std::ifstream in(std::string(INCLUDE_DIR) + "/cloudflare/core/error_code.hpp");
    std::vector<std::string> names;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (line == "enum class " + enumeration + " {") inside = true;
        if (line == "};") inside = false;
        auto const begin = line.find_first_not_of(' ');
        if (!inside || begin != 4 || line[begin] == '/') continue;
        names.push_back(line.substr(begin, line.find_first_of(" ,=", begin) - begin));
    }
    return names;
}

/// From the heading that names this to the next one; empty where there is none.
std::string section(std::string const& name) {
    static std::string const all = page();
    auto const begin = all.find("\n### `" + name + "`\n");
    if (begin == all.npos) return {};
    auto const end = all.find("\n#", begin + 2);
    return all.substr(begin, end == all.npos ? end : end - begin + 1);
}

TEST_CASE("the error reference has each code with cause, what is left, what to do and its line") {
    auto const names = names_in("errc");
    auto const errors = one_of_each();
    REQUIRE(names.size() == errors.size());
    for (std::size_t i = 0; i != names.size(); ++i) {
        auto const part = section(names[i]);
        CAPTURE(names[i]);
        CHECK(errors[i].code().value() == static_cast<int>(i + 1));
        CHECK(part.find("**Cause:** ") != part.npos);
        CHECK(part.find("**Left behind:** ") != part.npos);
        CHECK(part.find("**Do:** ") != part.npos);
        auto const line = "\n    " + errors[i].to_string() + "\n";
        CHECK_MESSAGE(part.find(line) != part.npos, "not in the page: ", line);
    }
}

TEST_CASE("the error reference has each condition with its words and its codes") {
    auto const names = names_in("condition");
    auto const codes = names_in("errc");
    REQUIRE(!names.empty());
    for (std::size_t i = 0; i != names.size(); ++i) {
        auto const group = static_cast<condition>(i + 1);
        std::string members;
        for (std::size_t code = 0; code != codes.size(); ++code) {
            if (error(static_cast<errc>(code + 1)) != group) continue;
            (members += members.empty() ? "`" : ", `") += codes[code] + "`";
        }
        auto const row = "\n| `" + names[i] + "` | " + to_string(group) + " | " + members + " | ";
        CAPTURE(row);
        CHECK(page().find(row) != std::string::npos);
    }
}

TEST_CASE("the error reference has no code and no condition that is not there") {
    auto names = names_in("errc");
    std::istringstream in(page());
    std::size_t headings = 0;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("### `")) continue;
        ++headings;
        auto const name = line.substr(5, line.find('`', 5) - 5);
        CAPTURE(name);
        CHECK(std::find(names.begin(), names.end(), name) != names.end());
    }
    CHECK(headings == names.size());
}

} // namespace
} // namespace errors_page_tests

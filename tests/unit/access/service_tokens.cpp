#include <cloudflare/access/service_tokens.hpp>

#include <doctest/doctest.h>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <string>

using namespace cloudflare;
using testing::scripted_transport;

namespace service_tokens_tests {
using namespace cloudflare::access;

namespace {

constexpr char const* id = "3537a672-e4d8-4d89-aab9-26cb622918a1";
auto const account = account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
auto const zone = zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c354").value();
std::string const in_account =
    "/client/v4/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens";

client<scripted_transport> client_over(scripted_transport way) {
    return {std::move(way), *api_token::make("broken-sample"), client_options().seed(1)};
}

std::string success(std::string const& result, std::string const& info = "{}") {
    return R"({"success":true,"errors":[],"messages":[],"result":)" + result +
           R"(,"result_info":)" + info + "}";
}

std::string list_of(std::initializer_list<char const*> ids) {
    std::string text = "[";
    for (auto const* one : ids)
        text +=
            std::string(text.size() > 1 ? "," : "") + R"({"client_id":"c","id":")" + one + "\"}";
    return text + "]";
}

std::vector<std::string> ids_of(std::vector<service_token> const& tokens) {
    std::vector<std::string> ids;
    for (auto const& t : tokens)
        ids.push_back(t.id);
    return ids;
}

template <class Tokens>
concept rotates = requires(Tokens const& tokens) { tokens.rotate(std::string()); };
template <class Tokens>
concept refreshes = requires(Tokens const& tokens) { tokens.refresh(std::string()); };

template <class Scope>
using over_script = service_tokens<scripted_transport, Scope>;

} // namespace

static_assert(rotates<over_script<account_scope>> && rotates<over_script<any_scope>>);
static_assert(!rotates<over_script<zone_scope>>);
static_assert(refreshes<over_script<account_scope>> && refreshes<over_script<any_scope>>);
static_assert(!refreshes<over_script<zone_scope>>);

TEST_CASE("each function makes its operation in the scope") {
    scripted_transport script;
    service_tokens tokens(client_over(script), account);
    auto const shown = success(R"({"id":"i","client_id":"c","client_secret":"broken"})");
    for (int i = 0; i != 6; ++i)
        script.respond(200, shown);

    auto const created = tokens.create(create_params("ci")).get();
    REQUIRE(created.has_value());
    CHECK(created->client_secret == secret("broken"));
    CHECK(tokens.get(id).get().value().id == "i");
    auto const updated = tokens.update(id, update_params().name("n")).get();
    REQUIRE(updated.has_value());
    CHECK(updated->client_secret == secret("broken"));
    CHECK(tokens.remove(id).get().value()->id == "i");
    CHECK(tokens.rotate(id).get().value().client_secret == secret("broken"));
    CHECK(tokens.refresh(id).get().value().id == "i");
    script.respond(200, success("[]"));
    CHECK(tokens.list().get().value().items.empty());

    struct row {
        http::method method;
        std::string target;
        char const* body;
    };
    row const expected[] = {
        {http::method::post, in_account, R"({"name":"ci"})"},
        {http::method::get, in_account + "/" + id, ""},
        {http::method::put, in_account + "/" + id, R"({"name":"n"})"},
        {http::method::delete_, in_account + "/" + id, ""},
        {http::method::post, in_account + "/" + id + "/rotate", "{}"},
        {http::method::post, in_account + "/" + id + "/refresh", ""},
        {http::method::get, in_account, ""},
    };
    REQUIRE(script.requests().size() == std::size(expected));
    for (std::size_t i = 0; i != std::size(expected); ++i) {
        CAPTURE(i);
        CHECK(script.requests()[i].method == expected[i].method);
        CHECK(script.requests()[i].target == expected[i].target);
        CHECK(script.requests()[i].body == expected[i].body);
    }
}

TEST_CASE("a zone's tokens are under the zone's path") {
    scripted_transport script;
    script.respond(200, success(R"({"id":"i","client_id":"c"})"));
    CHECK(service_tokens(client_over(script), zone).get(id).get().has_value());
    CHECK(script.requests().at(0).target ==
          "/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c354/access/service_tokens/" +
              std::string(id));
}

TEST_CASE("rotate and refresh of a zone known at run time only send nothing") {
    scripted_transport script;
    service_tokens tokens(client_over(script), any_scope(zone));
    CHECK(tokens.rotate(id).get().error() == errc::unsupported_by_scope);
    CHECK(tokens.refresh(id).get().error() == errc::unsupported_by_scope);
    CHECK(script.requests().empty());
}

TEST_CASE("all pages are read, each token once, though the pages shift meanwhile") {
    scripted_transport script;
    script.respond(200, success(list_of({"a", "b"}), R"({"per_page":2,"total_pages":3})"));
    script.respond(200, success(list_of({"b", "c"}), R"({"per_page":2,"total_pages":3})"));
    script.respond(200, success(list_of({"d"}), R"({"per_page":2,"total_pages":3})"));
    service_tokens tokens(client_over(script), account);
    auto const all = tokens.list_all(list_params().name("ci").per_page(2)).get();
    REQUIRE(all.has_value());
    CHECK(ids_of(*all) == std::vector<std::string>{"a", "b", "c", "d"});
    REQUIRE(script.requests().size() == 3);
    CHECK(script.requests()[0].target == in_account + "?name=ci&page=1&per_page=2");
    CHECK(script.requests()[2].target == in_account + "?name=ci&page=3&per_page=2");
}

TEST_CASE("no token is given twice, not even one that a page holds twice") {
    scripted_transport script;
    script.respond(200, success(list_of({"a", "b", "a"}), R"({"total_pages":1})"));
    auto const all = service_tokens(client_over(script), account).list_all().get();
    REQUIRE(all.has_value());
    CHECK(ids_of(*all) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a server that gives the same page for ever is asked twice") {
    scripted_transport script;
    for (int i = 0; i != 5; ++i)
        script.respond(200, success(list_of({"a", "b"})));
    auto const all =
        service_tokens(client_over(script), account).list_all(list_params().per_page(2)).get();
    REQUIRE(all.has_value());
    CHECK(ids_of(*all) == std::vector<std::string>{"a", "b"});
    CHECK(script.requests().size() == 2);
}

TEST_CASE("all tokens begin with the first page, whichever page was asked for") {
    scripted_transport script;
    script.respond(200, success(list_of({"a"}), R"({"total_pages":1})"));
    CHECK(service_tokens(client_over(script), account)
              .list_all(list_params().page(7))
              .get()
              .has_value());
    CHECK(script.requests().at(0).target == in_account + "?page=1");
}

TEST_CASE("a page that fails fails the whole list") {
    scripted_transport script;
    script.respond(200, success(list_of({"a", "b"}), R"({"per_page":2})"));
    script.respond(403, R"({"success":false,"errors":[{"code":10000,"message":"no"}]})");
    auto const all = service_tokens(client_over(script), account).list_all().get();
    REQUIRE(all.has_error());
    CHECK(all.error() == errc::forbidden);
    CHECK(all.error().details().operation == "list_service_tokens");
}

TEST_CASE("the options of list_all hold for every page") {
    scripted_transport script;
    script.respond(200, success(list_of({"a", "b"}), R"({"per_page":2})"));
    script.respond(200, success("[]"));
    CHECK(service_tokens(client_over(script), account)
              .list_all(list_params(), call_options().header("X-A", "1"))
              .get()
              .has_value());
    REQUIRE(script.requests().size() == 2);
    CHECK(script.requests()[0].fields.find("X-A") == "1");
    CHECK(script.requests()[1].fields.find("X-A") == "1");
}

} // namespace service_tokens_tests

// What access-token is made of that needs no network: words, lengths of time, formats, help.
#include "../../examples/access_token/command_table.hpp"
#include "../../examples/access_token/completion.hpp"
#include "../../examples/access_token/health.hpp"
#include "../../examples/access_token/help.hpp"
#include "../../examples/access_token/kubernetes.hpp"
#include "../../examples/access_token/length_of_time.hpp"
#include "../../examples/access_token/manual.hpp"
#include "../../examples/access_token/output_style.hpp"
#include "../../examples/access_token/profile.hpp"
#include "../../examples/access_token/suggestion.hpp"
#include "../../examples/access_token/table.hpp"
#include "../../examples/access_token/token_output.hpp"
#include "../../examples/access_token/yaml.hpp"

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <set>
#include <string>
#include <vector>

namespace access_token_parts {
namespace {

using namespace cloudflare;

access::service_token token() {
    access::service_token t;
    t.id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
    t.client_id = "88bf.access";
    t.name = "web \"1\"";
    t.enabled = false;
    t.expires_at = timestamp::parse("2026-01-02T03:04:05Z").value();
    return t;
}
output_style style_of(output_format format) {
    output_style style;
    style.format = format;
    return style;
}
std::size_t longest_line(std::string const& text) {
    std::size_t longest = 0;
    for (std::size_t at = 0; at < text.size();) {
        auto const end = std::min(text.find('\n', at), text.size());
        longest = std::max(longest, end - at);
        at = end + 1;
    }
    return longest;
}

} // namespace

TEST_CASE("the nearest word is found where it is near enough") {
    std::vector<std::string_view> const words{"create", "delete", "namespace",
                                              "name",   "list",   "get"};
    for (auto const& [typed, meant] :
         std::vector<std::pair<std::string, std::string>>{{"creat", "create"},
                                                          {"craete", "create"},
                                                          {"delte", "delete"},
                                                          {"nam", "name"},
                                                          {"namesp", "namespace"},
                                                          {"lits", "list"},
                                                          {"lst", "list"},
                                                          {"got", "get"},
                                                          {"frobnicate", ""},
                                                          {"", ""},
                                                          {"x", ""},
                                                          {"ge", "get"},
                                                          {std::string(1000, 'x'), ""}}) {
        CAPTURE(typed);
        CHECK(nearest(typed, words) == meant);
    }
    CHECK(did_you_mean("creat", words) == "; did you mean create?");
    CHECK(did_you_mean("xyz", words).empty());
    CHECK(distance("", "abc") == 3);
    CHECK(distance("ab", "ba") == 1);
}

TEST_CASE("days, weeks and years are hours, and all else stays as it is") {
    for (auto const& [written, hours] : std::vector<std::pair<std::string, std::string>>{
             {"1d", "24h"},
             {"30days", "720h"},
             {"1y", "8760h"},
             {"1year", "8760h"},
             {"2w", "336h"},
             {"1d12h30m", "36h30m"},
             {"12h1d", "24h12h"},
             {"0d", "0s"},
             {"0d5m", "5m"},
             {"8760h", "8760h"},
             {"forever", "forever"},
             {"1.5h", "1.5h"},
             {"1.5d", "1.5d"},
             {"1d1.5h", "1d1.5h"},
             {"-1d", "-1d"},
             {"d", "d"},
             {"", ""},
             {"1d5", "1d5"},
             {"1000001d", "1000001d"},
             {"99999999999999999999d", "99999999999999999999d"},
             {"1month", "1month"},
             {" 1d", " 1d"}}) {
        CAPTURE(written);
        CHECK(in_hours(written) == hours);
    }
}

TEST_CASE("Kubernetes gets a name that it takes, and a manifest") {
    for (auto const& [name, taken] : std::vector<std::pair<std::string, std::string>>{
             {"ci", "ci"},
             {"Web 1", "web-1"},
             {"-a-", "a"},
             {"a..b", "a.b"},
             {"a-.b", "a-b"},
             {"\xc3\xa9", "access-token"},
             {"", "access-token"},
             {std::string(300, 'a'), std::string(253, 'a')}}) {
        CAPTURE(name);
        CHECK(kubernetes_name(name) == taken);
    }
    CHECK(is_kubernetes_namespace("web-1"));
    for (std::string const bad : {"", "Web", "-a", "a-", "a.b", "a b", "a\nb"})
        CHECK_FALSE(is_kubernetes_namespace(bad));
    CHECK_FALSE(is_kubernetes_namespace(std::string(64, 'a')));

    auto style = style_of(output_format::kubernetes);
    style.kubernetes_namespace = "web";
    style.names = *env_names_of("cloudflared");
    CHECK(kubernetes_secret("ci", "id.access", "s:\"1", style) ==
          "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"ci\"\n  namespace: \"web\"\ntype: "
          "Opaque\n"
          "stringData:\n  TUNNEL_SERVICE_TOKEN_ID: \"id.access\"\n  TUNNEL_SERVICE_TOKEN_SECRET: "
          "\"s:\\\"1\"\n");
}

TEST_CASE("the three tools' names, and no others") {
    CHECK(env_names_of("access")->client_id == "CF_ACCESS_CLIENT_ID");
    CHECK(env_names_of("wrangler")->client_secret == "CLOUDFLARE_ACCESS_CLIENT_SECRET");
    CHECK(env_names_of("cloudflared")->client_id == "TUNNEL_SERVICE_TOKEN_ID");
    CHECK_FALSE(env_names_of("terraform"));
    CHECK_FALSE(output_format_named("xml"));
    CHECK(output_format_named("github") == output_format::github);
}

TEST_CASE("a token in each format, with and without its secret") {
    auto const t = token();
    secret const s("s3cret");
    CHECK(show(t, &s, style_of(output_format::env)) ==
          "CF_ACCESS_TOKEN_ID=" + t.id +
              "\nCF_ACCESS_CLIENT_ID=88bf.access\nCF_ACCESS_CLIENT_SECRET=s3cret\n");
    CHECK(show(t, nullptr, style_of(output_format::yaml)) ==
          "id: \"" + t.id +
              "\"\nclient_id: \"88bf.access\"\nname: \"web \\\"1\\\"\"\nenabled: false\n"
              "expires_at: \"2026-01-02T03:04:05Z\"\n");
    CHECK(show(t, nullptr, style_of(output_format::name)) == "web \"1\"\n");
    CHECK(show(t, nullptr, style_of(output_format::id)) == t.id + "\n");
    CHECK(show(t, nullptr, style_of(output_format::table)) ==
          "NAME     ID                                    CLIENT ID    STATE     EXPIRES           "
          "    LAST USED\n"
          "web \"1\"  " +
              t.id + "  88bf.access  disabled  2026-01-02T03:04:05Z  -\n");
    CHECK(show(std::vector{t, t}, style_of(output_format::name)) == "web \"1\"\nweb \"1\"\n");
    CHECK(show(std::vector<access::service_token>(), style_of(output_format::yaml)) == "[]\n");
    for (auto const format :
         {output_format::text, output_format::json, output_format::yaml, output_format::env,
          output_format::table, output_format::name, output_format::id, output_format::kubernetes,
          output_format::github}) {
        CHECK(show(t, nullptr, style_of(format)).find("s3cret") == std::string::npos);
        CHECK(show(std::vector{t}, style_of(format)).find("s3cret") == std::string::npos);
    }
    CHECK(show(t, &s, style_of(output_format::kubernetes))
              .find("  CF_ACCESS_CLIENT_SECRET: \"s3cret\"\n") != std::string::npos);
}

TEST_CASE("YAML nests, and quotes what would steer a terminal") {
    CHECK(to_yaml(boost::json::parse(R"({"a":[{"b":1,"c":[true,null]},[],"x\u001b"],"d":{}})")) ==
          "a:\n  - b: 1\n    c:\n      - true\n      - null\n  - []\n  - \"x?\"\nd: {}\n");
    CHECK(to_yaml(boost::json::parse(R"([{"id":"1","n":"a"}])")) == "- id: \"1\"\n  n: \"a\"\n");
}

TEST_CASE("a table is as wide as its characters, and its header bold where colours are") {
    table const t{{"A", "B"}, {{"\xc3\xa9\xc3\xa9\xc3\xa9", "x"}, {"", "y\n"}}};
    CHECK(t.str(false) == "A    B\n\xc3\xa9\xc3\xa9\xc3\xa9  x\n-    y?\n");
    CHECK(t.str(true).starts_with("\x1b[1mA    B\x1b[0m\n"));
}

TEST_CASE("the table of commands names only what there is, each once") {
    std::set<std::string_view> used;
    for (auto const& c : all_commands()) {
        CAPTURE(std::string(c.name));
        for (auto const* o : options_of(c)) {
            REQUIRE(o != nullptr);
            used.insert(o->name);
        }
        for (auto const format : split(c.outputs))
            CHECK(output_format_named(format));
        CHECK(c.example.find("access-token " + std::string(c.name)) != std::string_view::npos);
        CHECK(find_command(c.name) == &c);
    }
    for (auto const& o : all_options()) {
        CAPTURE(std::string(o.name));
        CHECK(used.count(o.name) == 1);
        CHECK(find_option(o.name) == &o);
    }
    CHECK(find_command("nonsense") == nullptr);
}

TEST_CASE("the help of a command shows its own options, exit statuses, an example, in 80 columns") {
    for (auto const& c : all_commands()) {
        CAPTURE(std::string(c.name));
        auto const text = help(c);
        for (auto const& o : all_options()) {
            auto const letter = o.letter != 0 ? std::string("-") + o.letter + ", " : std::string();
            auto const line = "\n  " + letter + "--" + std::string(o.name) +
                              (o.value.empty() ? "" : " " + std::string(o.value));
            auto const found =
                text.find(line + ' ') != text.npos || text.find(line + '\n') != text.npos;
            CHECK_MESSAGE(found == has_word(c.options, o.name), o.name);
        }
        CHECK(text.find("Exit status: 0 done") != text.npos);
        CHECK(text.find("Example:\n  access-token") != text.npos);
        CHECK(text.find("\n\n\n") == text.npos);
        CHECK(longest_line(text.substr(0, text.find("Example:"))) <= 80);
    }
    auto const all = help();
    for (auto const& c : all_commands())
        CHECK(all.find("\n  " + std::string(c.name)) != all.npos);
    CHECK(all.find("\1") == all.npos);
}

TEST_CASE("profiles are read, and what they may not hold is refused by its line") {
    auto const all = parse_profiles("# mine\n\n[default]\r\naccount = 023e\n  output=json \n[web]\n"
                                    "credentials-command = pass show a=b\nca-file = ~/ca.pem\n");
    REQUIRE(all.has_value());
    CHECK(all->at("default").at("account") == "023e");
    CHECK(all->at("default").at("output") == "json");
    CHECK(all->at("web").at("credentials-command") == "pass show a=b");
    CHECK(choose_profile(*all, std::nullopt, "config", "/home/me")->at("account") == "023e");
    CHECK(choose_profile(*all, "web", "config", "/home/me")->at("ca-file") == "/home/me/ca.pem");
    CHECK(choose_profile(*all, "wep", "config", "").error().details().explanation ==
          "no profile wep in config; did you mean web?");
    CHECK(choose_profile(profiles(), std::nullopt, "config", "")->empty());
    CHECK(parse_profiles("")->empty());
    for (auto const& [text, rule] : std::vector<std::pair<std::string, std::string>>{
             {"account = 1", "1: must be in a profile"},
             {"[a]\nnonsense", "2: must be NAME = VALUE"},
             {"[a]\n\nacount = 1", "3: no such setting: acount; did you mean account?"},
             {"[a]\naccount =", "2: account must not be empty"},
             {"[a]\naccount = 1\naccount = 2", "3: account is there twice"},
             {"[a]\n[a]", "2: the profile a is there twice"},
             {"[a", "1: a profile begins with [NAME]"},
             {"[]", "1: a profile begins with [NAME]"},
             {"[a]\naccount = 1\nzone = 2", "3: account and zone exclude each other"},
             {"[a]\nenv-names = x", "2: env-names must be one of"},
             {"[a]\nsecret-file = x", "2: secret-file: a secret has no place"},
             {"[a]\nname = x", "2: no such setting: name"}}) {
        CAPTURE(text);
        auto const refused = parse_profiles(text);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().details().explanation.starts_with(rule));
    }
    for (std::string const name : {"api-token", "token", "api-key", "client_secret", "password"}) {
        auto const refused = parse_profiles("[a]\n" + name + " = s3cret");
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().details().explanation.find("credentials-command") !=
              std::string::npos);
        CHECK(refused.error().to_string().find("s3cret") == std::string::npos);
    }
}

TEST_CASE("a clock that is off, and a rate that is spent, are told by how much") {
    using std::chrono::seconds;
    CHECK(check_of_clock(std::nullopt).is == check::state::skipped);
    CHECK(check_of_clock(seconds(-2)).is == check::state::ok);
    CHECK(check_of_clock(seconds(30)).is == check::state::ok);
    CHECK(check_of_clock(seconds(31)).is == check::state::warning);
    CHECK(check_of_clock(seconds(31)).detail == "31 s ahead of the server's");
    CHECK(check_of_clock(seconds(-300)).is == check::state::warning);
    CHECK(check_of_clock(seconds(-301)).is == check::state::failed);
    CHECK(check_of_clock(seconds(-301)).detail == "301 s behind the server's");
    CHECK_FALSE(check_of_clock(seconds(301)).advice.empty());
    CHECK(check_of_rate(std::nullopt).is == check::state::ok);
    CHECK(check_of_rate(100).is == check::state::ok);
    CHECK(check_of_rate(99).is == check::state::warning);
    CHECK(check_of_rate(0).is == check::state::failed);

    std::vector<check> checks{{"clock", check::state::ok, "as it should", ""},
                              {"list", check::state::failed, "no\x1b", "do this"}};
    CHECK(has_failure(checks));
    CHECK(show(checks, output_style()) == "ok       clock         as it should\nFAILED   list      "
                                          "    no?\n                       -> do this\n");
    auto coloured = output_style();
    coloured.colours = true;
    CHECK(show(checks, coloured).starts_with("\x1b[32mok       \x1b[0mclock"));
    CHECK(show(checks, style_of(output_format::json)) ==
          "[{\"check\":\"clock\",\"state\":\"ok\",\"detail\":\"as it should\"},"
          "{\"check\":\"list\",\"state\":\"FAILED\",\"detail\":\"no\\u001b\",\"advice\":\"do "
          "this\"}]\n");
    checks.pop_back();
    CHECK_FALSE(has_failure(checks));
}

TEST_CASE("completions and the manual name each command and option") {
    CHECK_FALSE(completion_of("csh"));
    for (std::string const shell : {"bash", "zsh", "fish"}) {
        CAPTURE(shell);
        auto const script = completion_of(shell).value();
        for (auto const& c : all_commands())
            CHECK(script.find(c.name) != script.npos);
        for (auto const& o : all_options()) {
            CAPTURE(std::string(o.name));
            CHECK(script.find((shell == "fish" ? "-l " : "--") + std::string(o.name)) !=
                  script.npos);
        }
    }
    auto const page = manual_page();
    for (auto const& c : all_commands())
        CHECK(page.find(".Cm " + std::string(c.name) + '\n') != page.npos);
    for (auto const* heading :
         {"NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES"})
        CHECK(page.find(".Sh " + std::string(heading) + '\n') != page.npos);
}

} // namespace access_token_parts

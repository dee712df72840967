#include <cloudflare/access/intent.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <string>

namespace intent_tests {
namespace {

using namespace cloudflare::access;

std::string const tag = "0123456789abcdef0123456789abcdef";

TEST_CASE("a tag is known wherever it stands in a name, in either case") {
    std::string const upper = "0123456789ABCDEF0123456789ABCDEF";
    for (auto const& name :
         {tagged_name("ci", tag), "issue:" + tag, "x issue:" + tag, "ab issue:" + tag + "!",
          "Issue:" + upper + " ci", "copy of issue:" + upper}) {
        CAPTURE(name);
        CHECK(has_tag(name, tag));
        CHECK(has_any_tag(name));
    }
    CHECK(has_tag("only " + tag, tag));
    CHECK_FALSE(has_tag(tagged_name("ci", tag), std::string(32, '0')));
    CHECK_FALSE(has_tag("ci", tag));
    CHECK_FALSE(has_tag("ci", ""));
    CHECK(tagged_name("ci", tag) == "issue:" + tag + " ci");
}

TEST_CASE("of a name that was cut, ten digits are enough, where nothing else is in it") {
    CHECK(has_tag("issue:" + tag.substr(0, 10), tag));
    CHECK(has_any_tag("issue:" + tag.substr(0, 10)));
    CHECK(has_tag("issue:" + tag.substr(0, 31), tag));
    CHECK_FALSE(has_tag("issue:" + tag.substr(0, 9), tag));
    CHECK_FALSE(has_any_tag("issue:" + tag.substr(0, 9)));
    CHECK_FALSE(has_tag("issue:" + tag.substr(0, 9) + "0", tag));
    CHECK_FALSE(has_any_tag("x issue:" + tag.substr(0, 20)));
    CHECK_FALSE(has_any_tag("issue:" + tag.substr(0, 20) + " ci"));
    CHECK_FALSE(has_any_tag("issue:" + tag.substr(0, 31) + "g"));
    CHECK_FALSE(has_any_tag("issue:" + std::string(32, 'q')));
    CHECK_FALSE(has_any_tag("vessel" + tag)); // digits, but no mark
    CHECK_FALSE(has_any_tag("machine-17 " + tag));
    CHECK(has_any_tag("machine " + tag + " issue:" + tag));
    CHECK_FALSE(has_any_tag("ci"));
    CHECK_FALSE(has_any_tag(""));
}

TEST_CASE("a tag is in a name by all its digits, a cut one at the end of the mark alone") {
    CHECK(has_any_tag("issue:" + tag + " ci"));
    CHECK(has_any_tag("issue:" + tag));
    CHECK(has_any_tag("issue:issue:" + tag));
    CHECK(has_any_tag("issue:0000 issue:" + tag));
    CHECK_FALSE(has_any_tag("issue:" + tag.substr(0, 31) + " "));
    CHECK_FALSE(has_any_tag("issue:"));
    CHECK_FALSE(has_any_tag("issue-" + tag));
    CHECK_FALSE(has_tag("issue-" + tag.substr(0, 20), tag));
    CHECK_FALSE(has_tag("issue:" + tag.substr(1, 20), tag));
    CHECK_FALSE(has_tag("issue:" + tag.substr(0, 20) + " ci of a machine", tag));
    CHECK_FALSE(has_tag("issue:issue:issue:issue:issue:" + tag.substr(0, 10), tag));
    CHECK(has_tag("ISSUE:" + tag.substr(0, 20), tag));
    CHECK(has_tag("ISSUE:" + std::string("0123456789ABCDEF"), tag));
    CHECK(cloudflare::access::detail::ascii_lower('A') == 'a');
    CHECK(cloudflare::access::detail::ascii_lower('Z') == 'z');
    for (char const same : {'@', '[', 'a', 'z', '0', '\xc3'})
        CHECK(cloudflare::access::detail::ascii_lower(same) == same);
}

TEST_CASE("an intent is new as it is made: open, for an issue, of revision 1, and equal by value") {
    auto const account = account_scope::parse(std::string(32, 'a')).value();
    auto const opened = cloudflare::timestamp::parse("2026-11-24T00:00:00Z").value();
    intent const i(tag, account, "ci", opened, "note");
    CHECK(i.tag == tag);
    CHECK(i.scope == any_scope(account));
    CHECK(i.name == "ci");
    CHECK(i.opened_at == opened);
    CHECK(i.note == "note");
    CHECK(i.purpose == intent_purpose::issue);
    CHECK(i.state == intent_state::open);
    CHECK(i.version == 0);
    CHECK(i.revision == 1);
    CHECK(i.until == cloudflare::timestamp());
    auto later = i;
    later.revision = 2;
    CHECK(later != i);
}

TEST_CASE("an intent is printed in one line, each part where it is there, cut where it is long") {
    auto const printed = [](auto const& value) {
        std::ostringstream out;
        out << value;
        return out.str();
    };
    CHECK(printed(intent_purpose::issue) == "issue");
    CHECK(printed(intent_purpose::rotate) == "rotate");
    CHECK(printed(intent_state::open) == "open");
    CHECK(printed(intent_state::withdrawing) == "withdrawing");
    CHECK(printed(intent_state::lost) == "lost");
    CHECK(printed(intent_state::settled) == "settled");

    auto const account = account_scope::parse(std::string(32, 'a')).value();
    intent i("0f1e", account, "a\nname",
             cloudflare::timestamp::parse("2026-11-24T00:00:00Z").value());
    auto const scope = printed(i.scope);
    CHECK(printed(i) ==
          "intent 0f1e to issue \"a name\" for " + scope + ", open since 2026-11-24T00:00:00Z");
    i.state = intent_state::lost;
    i.purpose = intent_purpose::rotate;
    i.until = i.opened_at.plus(std::chrono::seconds(1));
    i.key = "k", i.token_id = "id-1", i.sink = "s", i.note = "n";
    CHECK(printed(i) == "intent 0f1e to rotate \"a name\" for " + scope +
                            ", lost since 2026-11-24T00:00:00Z, until 2026-11-24T00:00:01Z"
                            ", key k, token id-1, sink s, note n");
    auto const shown = [&](std::size_t more) {
        intent j(std::string(100 + more, 't'), account, std::string(200 + more, 'n'), i.opened_at);
        j.key = std::string(200 + more, 'k');
        return printed(j);
    };
    auto const cut = [&](std::string const& dots) {
        return "intent " + std::string(100, 't') + dots + " to issue \"" + std::string(200, 'n') +
               dots + "\" for " + scope + ", open since 2026-11-24T00:00:00Z, key " +
               std::string(200, 'k') + dots;
    };
    CHECK(shown(0) == cut(""));
    CHECK(shown(1) == cut("..."));
}

} // namespace
} // namespace intent_tests

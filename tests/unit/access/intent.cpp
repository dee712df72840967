#include <cloudflare/access/intent.hpp>

#include <doctest/doctest.h>

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

} // namespace
} // namespace intent_tests

// The lines of an intent log's file: by value.
#include <cloudflare/access/detail/intent_journal.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace intent_journal_tests {
namespace {

using namespace cloudflare;
using access::intent;
using access::intent_purpose;
using access::intent_state;
using access::detail::intent_journal;

std::string const format(access::detail::journal_format);

intent make(char digit) {
    intent i(std::string(32, digit), access::account_scope::parse(std::string(32, 'a')).value(),
             "ci", timestamp::parse("2026-11-24T00:00:00Z").value(), "note");
    i.key = "key";
    i.key += digit;
    return i;
}
std::string whole(std::string const& json) {
    return access::detail::crc32_text(json) + ' ' + json;
}
/// The line of an intent with a part of it replaced.
std::string line_with(std::string const& part, std::string const& by) {
    auto json = intent_journal::line_of(make('1')).substr(9);
    auto const at = json.find(part);
    REQUIRE(at != json.npos);
    return whole(json.replace(at, part.size(), by));
}
intent_journal journal_of(std::vector<std::string> const& lines) {
    intent_journal journal;
    for (auto const& line : lines)
        journal.apply(line);
    return journal;
}

TEST_CASE("a checksum is the usual CRC-32, in lowercase hexadecimal digits") {
    CHECK(access::detail::crc32_text("123456789") == "cbf43926");
    CHECK(access::detail::crc32_text("") == "00000000");
}

TEST_CASE("a line is whole if it has its checksum, a space and what that is of") {
    auto const good = whole("{}");
    CHECK(intent_journal::is_whole(good));
    CHECK(intent_journal::is_whole("00000000 ")); // of nothing
    auto tab = good;
    tab[8] = '\t';
    for (auto const& bad : {std::string(), good.substr(0, 8), good + " ", good.substr(1), tab})
        CHECK_FALSE(intent_journal::is_whole(bad));
    CHECK_FALSE(intent_journal::is_whole(std::string_view("00000000 ", 8)));
}

TEST_CASE("the first line of a file says its format, and does not change") {
    CHECK(format == "# cloudflare-access intents, format 1\n");
}

TEST_CASE("what a crash may leave of the format's line, and of another one") {
    for (auto const& text :
         {std::string(), format.substr(0, 1), format.substr(0, format.size() - 1),
          std::string(1, '\0'), std::string(4096, '\0')})
        CHECK(intent_journal::may_be_cut_format(text));
    for (auto const& text : {format + "x", std::string("x"), std::string(4097, '\0'),
                             std::string("\0x", 2), format.substr(1)})
        CHECK_FALSE(intent_journal::may_be_cut_format(text));

    for (auto const& end :
         {std::string(), std::string("0"), std::string("0a9f0a9f"), std::string("0a9f0a9f "),
          std::string("0a9f0a9f {"), std::string("0a9f0a9f {anything"), std::string(100, '\0')})
        CHECK(intent_journal::may_be_cut_line(end));
    for (auto const& end :
         {std::string("g"), std::string("q"), std::string("0A"), std::string("0a9f0a9g"),
          std::string("0a9f0a9fx"), std::string("0a9f0a9f["), std::string("0a9f0a9f ["),
          std::string("a note"), std::string("\0x", 2)})
        CHECK_FALSE(intent_journal::may_be_cut_line(end));
}

TEST_CASE("what is inserted, updated and erased is there, in the order of the inserts") {
    auto changed = make('1');
    changed.name = "changed";
    changed.key = "another";
    changed.revision = 2;
    auto const journal =
        journal_of({intent_journal::line_of(make('1')), intent_journal::line_of(make('2')),
                    intent_journal::line_of(make('3')), intent_journal::line_of(changed),
                    intent_journal::line_of_erased(make('2').tag),
                    intent_journal::line_of_erased(std::string(32, '9'))});
    auto const all = journal.all();
    REQUIRE(all.size() == 2);
    CHECK(all[0] == changed);
    CHECK(all[1] == make('3'));
    CHECK(journal.find(make('2').tag) == nullptr);
    REQUIRE(journal.find(changed.tag) != nullptr);
    CHECK(*journal.find(changed.tag) == changed);
    CHECK(journal.damaged() == 0);
    CHECK(journal.text() == format + intent_journal::line_of(changed) + '\n' +
                                intent_journal::line_of(make('3')) + '\n');
}

TEST_CASE("in the way of an insert is who has the tag, or holds the key") {
    auto settled = make('2');
    settled.state = intent_state::settled;
    auto journal =
        journal_of({intent_journal::line_of(make('1')), intent_journal::line_of(settled)});
    auto wanted = make('5');
    CHECK(journal.in_the_way_of(wanted) == nullptr);
    wanted.tag = make('1').tag;
    CHECK(*journal.in_the_way_of(wanted) == make('1'));
    wanted = make('5');
    wanted.key = "key2";
    CHECK(journal.in_the_way_of(wanted) == nullptr); // settled
    wanted.key = "key1";
    CHECK(*journal.in_the_way_of(wanted) == make('1'));
    auto other = wanted;
    other.purpose = intent_purpose::rotate;
    CHECK(journal.in_the_way_of(other) == nullptr);
    other = wanted;
    other.sink = "another";
    CHECK(journal.in_the_way_of(other) == nullptr);
    // Of several with one key, the one that holds it; and none once that is changed or erased.
    auto third = make('3');
    third.key = "key2";
    journal.apply(intent_journal::line_of(third));
    wanted.key = "key2";
    CHECK(*journal.in_the_way_of(wanted) == third);
    third.key = "key4";
    journal.apply(intent_journal::line_of(third));
    CHECK(journal.in_the_way_of(wanted) == nullptr);
    wanted.key = "key4";
    CHECK(*journal.in_the_way_of(wanted) == third);
    journal.apply(intent_journal::line_of_erased(third.tag));
    CHECK(journal.in_the_way_of(wanted) == nullptr);
    wanted.key.clear();
    CHECK(journal.in_the_way_of(wanted) == nullptr);
}

TEST_CASE("who else has a key holds it when another of that key is erased or changed") {
    auto settled = make('2'), held = make('3');
    settled.key = held.key = "key";
    settled.state = intent_state::settled;
    auto wanted = make('5');
    wanted.key = "key";
    auto const first = intent_journal::line_of(settled), second = intent_journal::line_of(held);
    auto moved = settled;
    moved.key = "another";
    for (auto const& end :
         {intent_journal::line_of_erased(settled.tag), intent_journal::line_of(moved), first}) {
        for (auto const& lines :
             {std::vector{first, second, end}, std::vector{second, first, end}}) {
            auto const journal = journal_of(lines);
            REQUIRE(journal.in_the_way_of(wanted) != nullptr);
            CHECK(*journal.in_the_way_of(wanted) == held);
        }
    }
}

TEST_CASE("an intent that was updated and then erased holds no key that it ever had") {
    for (std::string const& key : {std::string("key1"), std::string("another")}) {
        auto changed = make('1');
        changed.key = key;
        auto const journal =
            journal_of({intent_journal::line_of(make('1')), intent_journal::line_of(changed),
                        intent_journal::line_of_erased(changed.tag)});
        auto wanted = make('2');
        for (std::string const& asked : {std::string("key1"), std::string("another")}) {
            wanted.key = asked;
            CHECK(journal.in_the_way_of(wanted) == nullptr);
        }
    }
}

TEST_CASE("every state and purpose comes back, and either kind of scope") {
    for (auto const state : {intent_state::open, intent_state::withdrawing, intent_state::lost,
                             intent_state::settled}) {
        for (auto const purpose : {intent_purpose::issue, intent_purpose::rotate}) {
            for (bool const is_zone : {false, true}) {
                auto i = make('1');
                i.state = state;
                i.purpose = purpose;
                i.writer = "process";
                if (is_zone) i.scope = access::zone_scope::parse(std::string(32, 'b')).value();
                auto const all = journal_of({intent_journal::line_of(i)}).all();
                REQUIRE(all.size() == 1);
                CHECK(all[0] == i);
            }
        }
    }
}

TEST_CASE("a whole line that is not as this version writes it is kept, and is no intent") {
    struct {
        std::string part, by;
    } const cases[] = {{R"("state":0)", R"("state":4)"},
                       {R"("state":0)", R"("state":-1)"},

                       {R"("purpose":0)", R"("purpose":2)"},
                       {R"("purpose":0)", R"("purpose":-1)"},
                       {R"("scope":"account")", R"("scope":"user")"},
                       {R"("scope":"account",)", ""},
                       {std::string(32, 'a'), "a"},
                       {R"("name":"ci",)", ""},
                       {R"("at":"2026)", R"("at":"x026)"},
                       {R"("at":"2026-11-24T00:00:00Z",)", ""},
                       {R"("until":"1970)", R"("until":"x970)"},

                       {R"("open":")", R"("opened":")"}};
    for (auto const& c : cases) {
        CAPTURE(c.by);
        auto const line = line_with(c.part, c.by);
        auto const journal = journal_of({line});
        CHECK(journal.all().empty());
        CHECK(journal.damaged() == 0);
        CHECK(journal.text() == format + line + '\n');
    }
    auto const zone = line_with(R"("scope":"account")", R"("scope":"zone")");
    CHECK(journal_of({zone}).all().size() == 1);
    auto const early = line_with(R"(,"until":"1970-01-01T00:00:00Z")", "");
    CHECK(journal_of({early}).all().at(0).until == timestamp());
}

TEST_CASE(
    "a line with a member of another type than is written is damaged: it is kept, and no intent") {
    struct {
        std::string part, by;
    } const cases[] = {{R"("scope":"account")", R"("scope":1)"},
                       {R"("name":"ci")", R"("name":["ci"])"},
                       {R"("note":"note")", R"("note":1)"},
                       {R"("note":"note")", R"("note":null)"},
                       {R"("at":"2026-11-24T00:00:00Z")", R"("at":1779580800)"},
                       {R"("key":"key1")", R"("key":{"a":"key1"})"},
                       {R"("sink":"")", R"("sink":false)"},
                       {R"("token":"")", R"("token":0)"},
                       {R"("purpose":0)", R"("purpose":"0")"},
                       {R"("state":0)", R"("state":"settled")"},
                       {R"("state":0)", R"("state":0.5)"},
                       {R"("version":0)", R"("version":"7")"},
                       {R"("until":"1970-01-01T00:00:00Z")", R"("until":0)"},
                       {R"("writer":"")", R"("writer":[])"},
                       {R"("revision":1)", R"("revision":"1")"},
                       {R"("revision":1)", R"("revision":null)"},
                       {R"("id":")" + std::string(32, 'a') + '"', R"("id":1)"},
                       {R"("open":")" + std::string(32, '1') + '"', R"("open":1)"}};
    for (auto const& c : cases) {
        CAPTURE(c.by);
        auto const line = line_with(c.part, c.by);
        auto const journal = journal_of({intent_journal::line_of(make('2')), line});
        CHECK(journal.all() == std::vector{make('2')});
        CHECK(journal.damaged() == 1);
        CHECK(journal.text() == format + line + '\n' + intent_journal::line_of(make('2')) + '\n');
    }
    auto const tag = R"({"close":["))" + make('1').tag + R"("]})";
    for (std::string const& json :
         {std::string(R"({"close":1})"), tag, std::string(R"({"open":null})")}) {
        auto const journal = journal_of({intent_journal::line_of(make('1')), whole(json)});
        CHECK(journal.all() == std::vector{make('1')});
        CHECK(journal.damaged() == 1);
    }
    // What this version does not know may be of any type.
    auto const later = line_with(R"("note":"note")", R"("note":"note","later":[1,null])");
    auto const journal = journal_of({later, whole(R"({"later":1})"), whole("{}"), whole("[1]")});
    CHECK(journal.all() == std::vector{make('1')});
    CHECK(journal.damaged() == 0);
}

TEST_CASE("the states and purposes that are known are those that there are") {
    for (auto const& [part, last] : {std::pair("state", 3), std::pair("purpose", 1)})
        for (int n = -1; n <= last + 1; ++n) {
            auto const member = "\"" + std::string(part) + "\":";
            auto const journal = journal_of({line_with(member + '0', member + std::to_string(n))});
            CHECK(journal.all().size() == (n >= 0 && n <= last ? 1U : 0U));
            CHECK(journal.damaged() == 0);
        }
}

TEST_CASE("members that an early version did not write have the value of a new intent") {
    auto const early = R"({"open":")" + std::string(32, '1') + R"(","scope":"zone","id":")" +
                       std::string(32, 'b') + R"(","name":"ci","at":"2026-11-24T00:00:00Z"})";
    intent const expected(std::string(32, '1'),
                          access::zone_scope::parse(std::string(32, 'b')).value(), "ci",
                          timestamp::parse("2026-11-24T00:00:00Z").value());
    CHECK(journal_of({whole(early)}).all() == std::vector{expected});
}

TEST_CASE("damaged lines are counted and kept, zeros before a line apart from it") {
    auto const line = intent_journal::line_of(make('1'));
    auto const zeros = std::string(3, '\0');
    auto const journal = journal_of({"damaged", zeros + line, zeros, line.substr(1)});
    CHECK(journal.damaged() == 4);
    REQUIRE(journal.all().size() == 1);
    CHECK(journal.all()[0] == make('1'));
    CHECK(journal.text() ==
          format + "damaged\n" + zeros + '\n' + zeros + '\n' + line.substr(1) + '\n' + line + '\n');
}

TEST_CASE("bytes are counted: of all lines, and of those that are still of use") {
    auto const first = intent_journal::line_of(make('1')),
               second = intent_journal::line_of(make('2'));
    auto longer = make('1');
    longer.name = "a longer name";
    auto const update = intent_journal::line_of(longer);
    auto const erased = intent_journal::line_of_erased(make('2').tag);
    intent_journal journal;
    CHECK(journal.bytes() == 0);
    CHECK(journal.live_bytes() == 0);
    std::size_t all = 0;
    auto const apply = [&](std::string const& line, std::size_t live) {
        journal.apply(line);
        all += line.size() + 1;
        CHECK(journal.bytes() == all);
        CHECK(journal.live_bytes() == live);
    };
    apply(first, first.size() + 1);
    apply(second, first.size() + second.size() + 2);
    apply(update, update.size() + second.size() + 2);
    apply(erased, update.size() + 1);
    apply(erased, update.size() + 1);
    apply("damaged", update.size() + 9);
    apply(whole("{}"), update.size() + 9 + 12);
    CHECK(journal.text().size() == format.size() + journal.live_bytes());
}

} // namespace
} // namespace intent_journal_tests

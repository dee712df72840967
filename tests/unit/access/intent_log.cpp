// Who holds a key, and `memory_intent_log`: by value.
#include <cloudflare/access/intent_log.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace intent_log_tests {
namespace {

using namespace cloudflare;
using access::holds_key_of;
using access::intent;
using access::intent_purpose;
using access::intent_state;
using access::memory_intent_log;

intent make(char digit, std::string key) {
    intent i(std::string(32, digit), access::account_scope::parse(std::string(32, 'a')).value(),
             "ci");
    i.key = std::move(key);
    return i;
}

TEST_CASE("a key is held for one purpose, scope and sink, by an intent that is not settled") {
    auto const held = make('1', "key"), wanted = make('2', "key");
    CHECK(holds_key_of(held, wanted));
    auto lost = held, withdrawing = held, settled = held;
    lost.state = intent_state::lost;
    withdrawing.state = intent_state::withdrawing;
    settled.state = intent_state::settled;
    CHECK(holds_key_of(lost, wanted));
    CHECK(holds_key_of(withdrawing, wanted));
    CHECK_FALSE(holds_key_of(settled, wanted));
    CHECK(holds_key_of(held, settled)); // whatever state is asked for
    CHECK_FALSE(holds_key_of(make('1', "other"), wanted));
    CHECK_FALSE(holds_key_of(make('1', ""), wanted));
    CHECK_FALSE(holds_key_of(make('1', ""), make('2', "")));
    auto rotation = held, elsewhere = held, of_zone = held;
    rotation.purpose = intent_purpose::rotate;
    elsewhere.sink = "another";
    of_zone.scope = access::zone_scope::parse(std::string(32, 'a')).value();
    for (auto const& other : {rotation, elsewhere, of_zone}) {
        CHECK_FALSE(holds_key_of(other, wanted));
        CHECK_FALSE(holds_key_of(wanted, other));
        CHECK(holds_key_of(other, other));
    }
}

TEST_CASE("in memory: an insert gives who has the tag or the key, and writes nothing then") {
    memory_intent_log log;
    auto first = make('1', "one");
    first.revision = 7; // kept as it is
    CHECK_FALSE(log.insert(first).value().has_value());
    CHECK_FALSE(log.insert(make('2', "two")).value().has_value());
    CHECK(log.insert(make('2', "another")).value() == make('2', "two"));
    CHECK(log.insert(make('3', "one")).value() == first);
    CHECK_FALSE(log.insert(make('3', "three")).value().has_value());
    CHECK(log.list().value() == std::vector{first, make('2', "two"), make('3', "three")});
}

TEST_CASE("in memory: update and erase of another revision or tag are a conflict that says which") {
    memory_intent_log log;
    log.insert(make('1', "one")).value();
    log.insert(make('2', "two")).value();
    auto changed = make('2', "two");
    changed.note = "changed";
    log.update(changed).value();
    auto const held = [&] { return log.list().value().at(1); };
    auto expected = changed;
    expected.revision = 2;
    CHECK(held() == expected);
    auto const text = "intent " + changed.tag + ": written or erased by somebody else since";
    for (auto const revision : {1, 3}) {
        changed.revision = revision;
        CHECK(log.update(changed).error() == errc::conflict);
        CHECK(log.update(changed).error().details().explanation == text);
        CHECK(log.erase(changed).error() == errc::conflict);
        CHECK(log.erase(changed).error().details().explanation == text);
        CHECK(held() == expected);
    }
    CHECK(log.update(make('3', "three")).error() == errc::conflict);
    CHECK(log.erase(make('3', "three")).error() == errc::conflict);
    CHECK(log.list().value().size() == 2);
    log.erase(make('1', "one")).value();
    CHECK(log.list().value() == std::vector{expected});
    CHECK(log.erase(make('1', "one")).error() == errc::conflict);
}

} // namespace
} // namespace intent_log_tests

// The concepts of sinks, `memory_sink`, and how what is held is printed: by value.
#include <cloudflare/access/held_secret.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include "stored_token.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace secret_sink_tests {
namespace {

using namespace cloudflare;
using access::held_token;
using access::memory_sink;
using stored_tokens::token;

timestamp moment(int second) {
    return timestamp::parse("2026-11-24T00:00:00Z").value().plus(std::chrono::seconds(second));
}
access::intent wanting(std::string key, char tag = '1', std::string token_id = "") {
    access::intent i(std::string(32, tag),
                     access::account_scope::parse(std::string(32, 'a')).value(), "ci");
    i.key = std::move(key);
    i.token_id = std::move(token_id);
    return i;
}
std::string secret_in(memory_sink const& sink, std::string_view id) {
    auto const stored = sink.stored(id);
    return stored ? std::string(stored->client_secret.reveal()) : "none";
}
std::string printed(held_token const& h) {
    std::ostringstream out;
    out << h;
    return out.str();
}

struct no_list { // a sink for issues only
    result<void> prepare(access::intent const&);
    result<void> store(access::intent const&, access::issued_service_token const&);
    result<std::optional<held_token>> find(std::string_view);
    result<void> forget(std::string_view);
    result<void> rewrite(std::string_view, access::secret_change const&);
    result<std::optional<access::held_secret>> read(std::string_view);
};
struct list_alone {
    result<std::vector<held_token>> list();
    result<void> rewrite(std::string_view, access::secret_change const&);
    result<std::optional<access::held_secret>> read(std::string_view);
};
static_assert(access::secret_sink<no_list> && !access::listable_sink<no_list>);
static_assert(!access::rewritable_sink<no_list> && !access::readable_sink<no_list>);
static_assert(!access::secret_sink<list_alone> && !access::listable_sink<list_alone>);
static_assert(!access::rewritable_sink<list_alone> && !access::readable_sink<list_alone>);
static_assert(access::listable_sink<memory_sink> && !access::readable_sink<memory_sink>);

TEST_CASE("in memory: what is held has ids, version, time, tag and key") {
    int second = 0;
    memory_sink sink([&] { return moment(++second); });
    CHECK_FALSE(sink.find("one").value().has_value());
    CHECK(sink.list().value().empty());
    sink.store(wanting("one"), token("id-1", "first", 7)).value();
    sink.store(wanting("two", '2'), token("id-2", "second")).value();
    held_token const first{"id-1", "c.access", 7, moment(1), std::string(32, '1'), "one"},
        other{"id-2", "c.access", 0, moment(2), std::string(32, '2'), "two"};
    CHECK(sink.find("one").value() == first);
    CHECK(sink.find("two").value() == other);
    CHECK(sink.list().value() == std::vector{first, other});
    CHECK(secret_in(sink, "id-1") == "first");
    CHECK(secret_in(sink, "id-2") == "second");
    CHECK(secret_in(sink, "id") == "none");
    CHECK(held_token().version == 0);

    auto const before = timestamp(std::chrono::system_clock::now());
    memory_sink timed;
    timed.store(wanting("one"), token("id-1", "s3cret")).value();
    CHECK(timed.find("one").value()->since >= before);
    CHECK(timed.find("one").value()->since <= timestamp(std::chrono::system_clock::now()));
}

TEST_CASE("in memory: a key that holds another token refuses, and says which it holds") {
    memory_sink sink;
    CHECK(sink.prepare(wanting("one", '1', "id-1")).has_value());
    sink.store(wanting("one"), token("id-1", "first", 2)).value();
    CHECK(sink.prepare(wanting("one", '1', "id-1")).has_value());
    CHECK(sink.prepare(wanting("two", '1', "id-2")).has_value());
    auto const held = sink.prepare(wanting("one", '1', "id-2"));
    CHECK(held.error() == errc::sink_failed);
    CHECK(held.error().details().explanation == "the key holds the token id-1");
    CHECK(sink.prepare(wanting("one")).has_error());
    auto const refused = sink.store(wanting("one"), token("id-2", "second", 3));
    CHECK(refused.error() == errc::sink_failed);
    CHECK(refused.error().details().explanation == "the key holds the token id-1");
    CHECK(secret_in(sink, "id-1") == "first");
    CHECK(secret_in(sink, "id-2") == "none");
}

TEST_CASE("in memory: a lower version is refused, the same one is not; the tag stays") {
    memory_sink sink;
    sink.store(wanting("one"), token("id-1", "second", 2)).value();
    for (std::optional<std::int64_t> const earlier :
         {std::optional<std::int64_t>(1), std::optional<std::int64_t>()}) {
        auto const refused = sink.store(wanting("one"), token("id-1", "first", earlier));
        CHECK(refused.error() == errc::sink_failed);
        CHECK(refused.error().details().explanation == "a later secret of id-1 is held");
        CHECK(secret_in(sink, "id-1") == "second");
    }
    CHECK(sink.store(wanting("one"), token("id-1", "another", 2)).has_value());
    CHECK(secret_in(sink, "id-1") == "another");
    CHECK(sink.store(wanting("one", '9'), token("id-1", "third", 3)).has_value());
    CHECK(sink.find("one").value()->tag == std::string(32, '1'));
    CHECK(sink.find("one").value()->version == 3);
    sink.store(wanting("of one"), token("id-1", "first", 1)).value();
    CHECK(sink.store(wanting("of one"), token("id-1", "of no version")).has_error());

    sink.store(wanting("two"), token("id-2", "first")).value(); // of no known version
    CHECK(sink.store(wanting("two"), token("id-2", "another")).has_value());
    CHECK(sink.store(wanting("two"), token("id-2", "least", 0)).has_value());
    CHECK(sink.store(wanting("two"), token("id-2", "of a version", 1)).has_value());
}

TEST_CASE("in memory: forget takes out one token") {
    memory_sink sink;
    sink.store(wanting("one"), token("id-1", "first")).value();
    sink.store(wanting("two"), token("id-2", "second")).value();
    CHECK(sink.forget("id-3").has_value());
    CHECK(sink.list().value().size() == 2);
    CHECK(sink.forget("id-1").has_value());
    REQUIRE(sink.list().value().size() == 1);
    CHECK(sink.list().value()[0].token_id == "id-2");
}

TEST_CASE("in memory: a secret is written anew under every key of its token, and nothing else") {
    int second = 0;
    memory_sink sink([&] { return moment(++second); });
    sink.store(wanting("one"), token("id-1", "first", 1)).value();
    sink.store(wanting("three"), token("id-2", "second", 2)).value();
    sink.store(wanting("two"), token("id-2", "second", 2)).value();
    sink.store(wanting("zero"), token("id-3", "third", 3)).value();
    auto const before = sink.list().value();
    int asked = 0;
    CHECK(sink.rewrite("id-2",
                       [&](held_token const& held, secret const& old) {
                           ++asked;
                           CHECK(held.token_id == "id-2");
                           CHECK(old.reveal() == "second");
                           return result<secret>(secret(std::string_view("anew")));
                       })
              .has_value());
    CHECK(asked == 2);
    CHECK(secret_in(sink, "id-1") == "first");
    CHECK(secret_in(sink, "id-2") == "anew");
    CHECK(secret_in(sink, "id-3") == "third");
    CHECK(sink.list().value() == before);
    auto const refused = sink.rewrite("id-3", [](auto const&, auto const&) {
        return result<secret>(error(errc::secret_unreadable, "no key"));
    });
    CHECK(refused.error() == errc::secret_unreadable);
    CHECK(secret_in(sink, "id-3") == "third");
    CHECK(sink.rewrite("id-4",
                       [](auto const&, auto const&) {
                           return result<secret>(error(errc::secret_unreadable, "no key"));
                       })
              .has_value());
}

TEST_CASE("in memory: without an intent a token goes where it is, else under its id") {
    memory_sink sink;
    sink.store(wanting("one"), token("id-1", "first", 1)).value();
    sink.store(wanting("two"), token("id-2", "second", 1)).value();
    CHECK(sink.store(token("id-2", "anew", 2)).has_value());
    CHECK(sink.find("two").value()->version == 2);
    CHECK(sink.find("two").value()->tag == std::string(32, '1'));
    CHECK(secret_in(sink, "id-2") == "anew");
    CHECK(sink.list().value().size() == 2);
    CHECK(sink.store(token("id-3", "third")).has_value());
    CHECK(sink.find("id-3").value()->token_id == "id-3");
    CHECK(sink.find("id-3").value()->tag.empty());
    CHECK(sink.holds("id-3").value());
    CHECK(sink.holds("id-1").value());
    CHECK_FALSE(sink.holds("id-4").value());
}

TEST_CASE("what is held is printed in one line, each part cut where it is long") {
    held_token h{"id-1", "c.access"};
    h.key = "a\nkey";
    CHECK(printed(h) == "key a key: token id-1, client id c.access");
    h.version = 1;
    h.since = moment(0);
    h.tag = "not shown";
    CHECK(printed(h) == "key a key: token id-1, client id c.access, version 1, since "
                        "2026-11-24T00:00:00Z");
    held_token const of_200{std::string(100, 'y'), std::string(100, 'z'), 0, {}, "",
                            std::string(200, 'x')};
    CHECK(printed(of_200) ==
          "key " + of_200.key + ": token " + of_200.token_id + ", client id " + of_200.client_id);
    held_token const longer{of_200.token_id + 'y', of_200.client_id + 'z', 0, {}, "",
                            of_200.key + 'x'};
    CHECK(printed(longer) == "key " + of_200.key + "...: token " + of_200.token_id +
                                 "..., client id " + of_200.client_id + "...");
}

TEST_CASE("a held secret gives Access's headers, and is compared by what logs in") {
    access::held_secret held;
    held.token = {"id-1", "c.access"};
    held.client_secret = secret(std::string_view("s3cret"));
    auto const fields = held.headers().value();
    CHECK(fields.find("CF-Access-Client-Id") == "c.access");
    CHECK(fields.find("CF-Access-Client-Secret") == "s3cret");
    auto other = held;
    other.token.token_id = "id-2";
    CHECK(held.is_same_login(other));
    other.token.client_id = "d.access";
    CHECK_FALSE(held.is_same_login(other));
    CHECK(other.headers().value().find("CF-Access-Client-Id") == "d.access");
    other = held;
    other.client_secret = secret(std::string_view("another"));
    CHECK_FALSE(held.is_same_login(other));
    other.client_secret = secret();
    CHECK(other.headers().error() == errc::invalid_argument);
    CHECK(other.headers().error().details().explanation == "client secret: must not be empty");
}

} // namespace
} // namespace secret_sink_tests

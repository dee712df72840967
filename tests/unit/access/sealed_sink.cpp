#include <cloudflare/access/current_secret.hpp>
#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/sealed_sink.hpp>
#include <cloudflare/core/format.hpp>
#include <cloudflare/testing/sink_conformance.hpp>
#include <cloudflare/transport/blocking.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <openssl/err.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <utime.h>

namespace sealed_sink_tests {
namespace {

using namespace cloudflare;
using access::held_token;
using access::intent;
using access::issued_service_token;
using access::memory_sink;
using access::seal;
using access::sealed_sink;
using access::sealing_key;
using access::sealing_keys;
using access::unseal;
using testing::detail::intent_for;
using testing::detail::sample_token;

/// Bytes from `first` on.
sealing_key key_of(std::string id, int first = 0) {
    std::string bytes;
    for (int i = 0; i != 32; ++i)
        bytes += static_cast<char>(first + i);
    return sealing_key::make(std::move(id), secret(bytes)).value();
}
sealing_keys both_keys() {
    sealing_keys keys(key_of("new", 100));
    keys.add_older(key_of("old")).value();
    return keys;
}
held_token held_of(issued_service_token const& t) {
    held_token held;
    held.token_id = t.id;
    held.client_id = t.client_id;
    held.version = t.client_secret_version.value_or(0);
    return held;
}
held_token const sample = held_of(sample_token("id-1", 7));
std::string const plain = "broken-sample-of-a-secret";

std::string reason(result<secret> const& opened) {
    REQUIRE(opened.has_error());
    CHECK(opened.error() == errc::secret_unreadable);
    CHECK(opened.error().delivery() == delivery::not_sent);
    auto const line = opened.error().to_string();
    CHECK(line.find("broken") == line.npos);
    CHECK(line.find("id-1") != line.npos); // which secret
    return line;
}
bool has(std::string const& string, std::string_view part) {
    return string.find(part) != string.npos;
}

std::optional<std::string> opened_secret(sealing_keys const& keys, held_token const& held,
                                         std::string_view sealed) {
    auto const opened = unseal(keys, held, secret(sealed));
    if (!opened) return std::nullopt;
    return std::string(opened->reveal());
}
std::string line_in(std::string const& path) {
    auto const string = faults::read(path);
    return std::string(access::detail::value_in(string, access::detail::secret_line).value_or(""));
}

/// The kit, with each secret as a consumer reads it: found, and opened.
template <class Make, class Reopen, class Sealed>
void expect_all_passed(Make make, Reopen reopen, Sealed sealed, bool one_token = false) {
    testing::sink_subject subject;
    subject.make = make;
    subject.reopen = reopen;
    subject.one_token = one_token;
    subject.secret_of = [&](std::string_view key) -> std::optional<std::string> {
        auto const held = reopen()->find(key).value();
        if (!held) return std::nullopt;
        std::string const string = sealed(key, held->token_id);
        CHECK(string.starts_with("sealed:v1:k:"));
        return opened_secret(key_of("k"), *held, string);
    };
    for (auto const& o : testing::check_sink(subject)) {
        std::ostringstream string;
        string << o;
        CHECK_MESSAGE(o.failures.empty(), string.str());
    }
}

template <class Sink>
auto under_test(Sink sink) {
    using sealed = sealed_sink<Sink>;
    return std::make_unique<testing::blocking_sink_under_test<sealed>>(
        sealed(std::forward<Sink>(sink), sealing_keys(key_of("k"))));
}

} // namespace

TEST_CASE("what another implementation sealed opens") {
    // By Python's cryptography.hazmat, of the bytes 0 to 31, the nonce 100 to 111.
    secret const sealed("sealed:v1:2026-11:"
                        "ZGVmZ2hpamtsbW5vKmmxDRyHe-1fDy-Ev0gFm2-jK3nuD4EX0ynRTPn4bAbNXfpUzQW548w");
    held_token held;
    held.token_id = "id-1";
    held.client_id = "c.access";
    held.version = 7;
    CHECK(unseal(key_of("2026-11"), held, sealed).value() == secret(plain));
}

TEST_CASE("what was sealed opens, and is another string each time") {
    std::set<std::string> seen;
    for (auto const& string : {std::string(), std::string("x"), plain, std::string(65536, 'y'),
                               std::string("any \0 byte\n\xff", 12)}) {
        for (int i = 0; i != 2; ++i) {
            auto const sealed = seal(key_of("k"), sample, secret(string)).value();
            CHECK(seen.insert(std::string(sealed.reveal())).second);
            CHECK(unseal(key_of("k"), sample, sealed).value() == secret(string));
            CHECK(access::sealed_by(sealed.reveal()) == "k");
            CHECK(sealed.reveal().find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                                    "UVWXYZ0123456789-_:") == std::string::npos);
        }
    }
    CHECK(seal(key_of("k"), sample, secret(std::string(65537, 'y'))).error() ==
          errc::invalid_argument);
}

TEST_CASE("a sealed secret that was changed in any character does not open") {
    auto const sealed = std::string(seal(key_of("k"), sample, secret(plain)).value().reveal());
    for (std::size_t at = 0; at != sealed.size(); ++at)
        for (char const c : std::string("Aa0-_:=+/ \n\0", 12)) {
            auto changed = sealed;
            if (changed[at] == c) continue;
            changed[at] = c;
            reason(unseal(key_of("k"), sample, secret(changed)));
        }
    for (std::size_t at = 0; at != sealed.size(); ++at) {
        for (int bit = 0; bit != 8; ++bit) {
            auto changed = sealed;
            changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
            reason(unseal(key_of("k"), sample, secret(changed)));
        }
        reason(unseal(key_of("k"), sample, secret(sealed.substr(0, at)))); // cut
        reason(unseal(key_of("k"), sample, secret(sealed.substr(at + 1))));
    }
    for (auto const* more : {"A", "AAAA", "=", "\n", ":x"})
        reason(unseal(key_of("k"), sample, secret(sealed + more)));
}

TEST_CASE("an error says why a secret does not open") {
    auto const key = key_of("k");
    auto const sealed = seal(key, sample, secret(plain)).value();
    auto const with_data = [&](std::string const& data) {
        return reason(unseal(key, sample, secret("sealed:v1:k:" + data)));
    };
    CHECK(has(reason(unseal(key, sample, secret(plain))), "is not sealed"));
    CHECK(has(reason(unseal(key, sample, secret("sealed:v2:k:AAAA"))),
              "is sealed in another format than v1"));
    CHECK(has(reason(unseal(key, sample, secret("sealed:v1:AAAA"))), "names no key"));
    CHECK(has(reason(unseal(key, sample, secret("sealed:v1::AAAA"))), "names no key"));
    CHECK(has(reason(unseal(key_of("other"), sample, sealed)),
              "is sealed by the key k, which is none of those given"));
    CHECK(has(reason(unseal(key_of("k", 1), sample, sealed)), "another key of that id"));
    CHECK(has(with_data(std::string(80, '!')), "no base64url"));
    CHECK(has(with_data(std::string(36, 'A')), "cut short"));        // 27 bytes
    CHECK(has(with_data(std::string(38, 'A')), "cannot be opened")); // 28: all but the secret
    CHECK(has(with_data(""), "cut short"));
    CHECK(::ERR_peek_error() == 0); // nothing is left for who uses OpenSSL next
}

TEST_CASE("a sealed secret opens for its token, client id and version only") {
    auto const sealed = seal(key_of("k"), sample, secret(plain)).value();
    std::vector<held_token> others(5, sample);
    others[0].token_id = "id-10";
    others[1].client_id = "id-2.access";
    others[2].version = 8;
    others[3].version = 0;
    others[4].client_id = "";
    for (auto const& other : others)
        CHECK(has(reason(unseal(key_of("k"), other, sealed)), "another token"));
    auto one = sample, other = sample; // the same words, put together in another way
    one.token_id = "id-1 a", one.client_id = "b";
    other.token_id = "id-1", other.client_id = "a b";
    reason(unseal(key_of("k"), other, seal(key_of("k"), one, secret(plain)).value()));
    auto same = sample;
    same.key = "another key", same.tag = "another tag";
    same.since = *timestamp::parse("2020-01-01T00:00:00Z");
    CHECK(unseal(key_of("k"), same, sealed).has_value());
}

TEST_CASE("each store that ships passes every check with its secrets sealed") {
    faults::scratch s;
    int count = 0;
    auto const path = [&] { return s.path("sink " + std::to_string(count)); };

    auto const file = [&] { return under_test(access::file_sink(path())); };
    expect_all_passed([&] { return ++count, file(); }, file,
                      [&](auto, auto const&) { return line_in(path()); }, true);

    auto const directory = [&] { return under_test(access::directory_sink(path())); };
    auto const make_directory = [&] {
        ++count;
        std::filesystem::create_directory(path());
        return directory();
    };
    expect_all_passed(make_directory, directory, [&](auto, std::string const& id) -> std::string {
        for (auto const& entry : std::filesystem::directory_iterator(path())) {
            auto const string = faults::read(entry.path());
            if (access::detail::value_in(string, access::detail::id_line) == id)
                return line_in(entry.path());
        }
        return {};
    });

    std::unique_ptr<memory_sink> memory;
    auto const in_memory = [&] { return under_test<memory_sink&>(*memory); };
    auto const make_memory = [&] {
        memory = std::make_unique<memory_sink>();
        return in_memory();
    };
    expect_all_passed(make_memory, in_memory, [&](auto, std::string const& id) {
        return std::string(memory->stored(id)->client_secret.reveal());
    });
}

TEST_CASE("all but the secret goes through as it is") {
    faults::scratch const s;
    sealed_sink sink(access::file_sink(s.path()), sealing_keys(key_of("k")));
    sink.store(intent_for("key"), sample_token("id-1", 7)).value();
    CHECK_FALSE(has(faults::read(s.path()), plain));
    auto const held = sink.find("key").value().value();
    CHECK(held == access::file_sink(s.path()).find("key").value().value());
    CHECK(sink.list().value() == std::vector{held});
    CHECK(sink.inner().path() == s.path());
    CHECK(sink.holds("id-1").value());
    sink.store(sample_token("id-1", 8)).value();
    CHECK(line_in(s.path()).starts_with("sealed:v1:k:"));
    CHECK(sink.find("key").value()->version == 8);
    sink.forget("id-1").value();
    CHECK(sink.list().value().empty());
    static_assert(access::rewritable_sink<access::file_sink>);
    static_assert(access::listable_sink<sealed_sink<access::file_sink>>);
}

TEST_CASE("a consumer opens what is sealed in the file, through rotations and a change of keys") {
    faults::scratch const s;
    sealed_sink old_sink(access::file_sink(s.path()), sealing_keys(key_of("old")));
    old_sink.store(intent_for("key"), sample_token("id-1", 1)).value();
    auto const keys = both_keys();
    auto const open = [&](held_token const& held, secret const& sealed) {
        return unseal(keys, held, sealed);
    };
    access::current_secret current(s.path(), access::current_secret_options().open(open));
    CHECK(current.get()->client_secret == sample_token("id-1", 1).client_secret);
    sealed_sink sink(access::file_sink(s.path()), keys);
    sink.store(sample_token("id-1", 2)).value();
    CHECK(current.get()->client_secret == sample_token("id-1", 2).client_secret);
    auto const two = line_in(s.path());
    sink.store(sample_token("id-1", 3)).value();
    faults::write(s.path(), "CF_ACCESS_TOKEN_ID=id-1\nCF_ACCESS_CLIENT_ID=id-1.access\n"
                            "CF_ACCESS_CLIENT_SECRET_VERSION=3\nCF_ACCESS_CLIENT_SECRET=" +
                                two + "\n"); // put back from a backup
    access::current_secret other(s.path(), access::current_secret_options().open(open));
    CHECK(other.get().error() == errc::secret_unreadable);
}

TEST_CASE("without a key nothing is stored, and prepare tells before") {
    memory_sink memory;
    auto there = false;
    access::sealing_key_source const source = [&]() -> result<sealing_keys> {
        if (there) return sealing_keys(key_of("k"));
        return error(errc::secret_unreadable, "no key today");
    };
    sealed_sink<memory_sink&> sink(memory, source);
    auto const token = sample_token("id-1");
    CHECK(has(sink.prepare(intent_for("key")).error().to_string(), "no key today"));
    CHECK(has(sink.store(intent_for("key"), token).error().to_string(), "no key today"));
    CHECK(sink.reseal().error() == errc::secret_unreadable);
    CHECK(memory.list().value().empty());
    there = true;
    CHECK(sink.prepare(intent_for("key")).has_value());
    CHECK(sink.store(intent_for("key"), token).has_value());
}

TEST_CASE("reseal seals what an older key sealed and what was plain, and nothing else changes") {
    faults::scratch const s;
    auto const stored_with = [&](sealing_keys keys) {
        return sealed_sink(access::directory_sink(s.directory), std::move(keys));
    };
    access::directory_sink(s.directory).store(intent_for("plain"), sample_token("id-1", 1)).value();
    stored_with(key_of("old")).store(intent_for("old"), sample_token("id-2", 2)).value();
    stored_with(key_of("new", 100)).store(intent_for("new"), sample_token("id-3", 3)).value();
    auto unversioned = sample_token("id-4");
    unversioned.client_secret_version.reset();
    stored_with(key_of("old")).store(intent_for("unversioned"), unversioned).value();
    REQUIRE(::chmod(s.path("old").c_str(), 0640) == 0);
    faults::write(s.path("old"), faults::read(s.path("old")) + "OTHER=1\n");
    ::utimbuf const earlier{1'700'000'000, 1'700'000'000};
    for (auto const* name : {"plain", "old", "new", "unversioned"})
        REQUIRE(::utime(s.path(name).c_str(), &earlier) == 0);
    auto sink = stored_with(both_keys());
    auto const before = sink.list().value();
    auto const new_before = faults::read(s.path("new"));

    auto const done = sink.reseal().value();
    CHECK(done.sealed == 3);
    CHECK(done.unchanged == 1);
    CHECK(done.failed.empty());
    CHECK(sink.list().value() == before); // since when included
    CHECK(faults::read(s.path("new")) == new_before);
    CHECK(has(faults::read(s.path("old")), "\nOTHER=1\n"));
    struct ::stat status{};
    REQUIRE(::stat(s.path("old").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
    for (auto const& held : before) {
        CAPTURE(held.key);
        auto const version = held.version == 0 ? 1 : held.version;
        CHECK(opened_secret(key_of("new", 100), held, line_in(s.path(held.key))) ==
              plain + "-" + std::to_string(version));
    }
    CHECK(sink.reseal()->unchanged == 4);
    CHECK(s.entries() == 4);
}

TEST_CASE("a secret that reseal cannot open stays, and stops no other") {
    memory_sink memory;
    sealed_sink<memory_sink&>(memory, key_of("lost", 50))
        .store(intent_for("a"), sample_token("id-1"))
        .value();
    sealed_sink<memory_sink&>(memory, key_of("old"))
        .store(intent_for("b"), sample_token("id-2"))
        .value();
    auto damaged = sample_token("id-3");
    damaged.client_secret = secret("sealed:v1:new:AAAA");
    memory.store(intent_for("c"), damaged).value();
    auto const before = memory.stored("id-1")->client_secret;

    sealed_sink<memory_sink&> sink(memory, both_keys());
    auto const done = sink.reseal().value();
    CHECK(done.sealed == 1);
    REQUIRE(done.failed.size() == 2);
    CHECK(done.failed[0].token_id == "id-1");
    CHECK(done.failed[0].why == errc::secret_unreadable);
    CHECK(done.failed[1].token_id == "id-3");
    CHECK(memory.stored("id-1")->client_secret == before);
    CHECK(cloudflare::detail::print(done) == "1 sealed anew, 0 unchanged, 2 failed");
    auto const line = cloudflare::detail::print(done.failed[0]);
    CHECK(line == "token id-1: " + done.failed[0].why.to_string());
}

namespace {

/// A sink that is awaited, and does nothing before that.
struct awaited_sink {
    blocking<result<void>> prepare(intent const& i) { co_return sink.prepare(i); }
    blocking<result<void>> store(intent const& i, issued_service_token const& token) {
        co_return sink.store(i, token);
    }
    blocking<result<std::optional<held_token>>> find(std::string_view key) {
        co_return sink.find(key);
    }
    blocking<result<void>> forget(std::string_view id) { co_return sink.forget(id); }
    memory_sink sink{};
};

} // namespace

TEST_CASE("a sink that is awaited is sealed, too") {
    awaited_sink awaited;
    sealed_sink<awaited_sink&> sink(awaited, key_of("k"));
    static_assert(access::secret_sink<decltype(sink)>);
    static_assert(!access::listable_sink<decltype(sink)>);
    auto const i = intent_for("key");
    CHECK(sink.prepare(i).get().has_value());
    CHECK(sink.store(i, sample_token("id-1")).get().has_value());
    auto const held = sink.find("key").get().value().value();
    auto const kept = awaited.sink.stored("id-1")->client_secret;
    CHECK(unseal(key_of("k"), held, kept).value() == sample_token("id-1").client_secret);
    access::sealing_key_source const none = []() -> result<sealing_keys> {
        return error(errc::secret_unreadable, "no key today");
    };
    sealed_sink<awaited_sink&> keyless(awaited, none);
    CHECK(keyless.prepare(i).get().error() == errc::secret_unreadable);
    CHECK(keyless.store(i, sample_token("id-1")).get().error() == errc::secret_unreadable);
}

namespace {

/// Gives its secrets out; `between` runs after that, once.
struct giving_sink : memory_sink {
    std::function<void()> between{};

    result<std::optional<secret>> secret_of(std::string_view key) {
        auto const held = find(key).value();
        std::optional<secret> given;
        if (held) given = stored(held->token_id)->client_secret;
        if (between) std::exchange(between, nullptr)();
        return given;
    }
};
struct awaited_giving_sink : awaited_sink {
    template <class T>
    using task = blocking<T>;
    std::function<void()> between{};

    blocking<result<std::optional<secret>>> secret_of(std::string_view key) {
        auto const held = sink.find(key).value();
        std::optional<secret> given;
        if (held) given = sink.stored(held->token_id)->client_secret;
        if (between) std::exchange(between, nullptr)();
        co_return result<std::optional<secret>>(given);
    }
};

} // namespace

TEST_CASE("a sealed sink gives back what it has sealed, opened") {
    giving_sink inner;
    sealed_sink<giving_sink&> sink(inner, both_keys());
    CHECK_FALSE(sink.read("key").value().has_value());
    sink.store(intent_for("key"), sample_token("id-1", 1)).value();
    auto const held = sink.read("key").value().value();
    CHECK(held.token.token_id == "id-1");
    CHECK(held.client_secret == sample_token("id-1", 1).client_secret);
    CHECK(access::is_sealed(inner.secret_of("key").value().value().reveal()));

    // A rotation between its two looks: it looks again.
    inner.between = [&] { sink.store(intent_for("key"), sample_token("id-1", 2)).value(); };
    CHECK(sink.read("key").value().value().token.version == 2);

    sealed_sink<giving_sink&> another(inner, key_of("another", 50));
    CHECK(another.read("key").error() == errc::secret_unreadable);

    awaited_giving_sink awaited;
    sealed_sink<awaited_giving_sink&> awaited_sealed(awaited, both_keys());
    CHECK_FALSE(awaited_sealed.read("key").get().value().has_value());
    awaited_sealed.store(intent_for("key"), sample_token("id-2", 1)).get().value();
    CHECK(awaited_sealed.read("key").get().value().value().client_secret ==
          sample_token("id-2", 1).client_secret);
}

namespace {

/// A sink of which one function of reading fails, as often as it is called.
struct unreadable_sink : memory_sink {
    bool is_secret = false, is_find = false;
    int reads = 0;
    static error failed() { return {errc::sink_failed, "not mounted"}; }
    result<std::optional<secret>> secret_of(std::string_view key) {
        ++reads;
        if (is_secret) return failed();
        auto const held = memory_sink::find(key).value();
        if (!held) return std::optional<secret>();
        return std::optional<secret>(stored(held->token_id)->client_secret);
    }
    result<std::optional<held_token>> find(std::string_view key) const {
        if (is_find) return failed();
        return memory_sink::find(key);
    }
};
struct awaited_unreadable_sink : awaited_sink {
    template <class T>
    using task = blocking<T>;
    explicit awaited_unreadable_sink(unreadable_sink& s) : inner(s) {}
    blocking<result<void>> store(intent const& i, issued_service_token const& token) {
        co_return inner.store(i, token);
    }
    blocking<result<std::optional<secret>>> secret_of(std::string_view key) {
        co_return inner.secret_of(key);
    }
    blocking<result<std::optional<held_token>>> find(std::string_view key) {
        co_return inner.find(key);
    }
    unreadable_sink& inner;
};

} // namespace

TEST_CASE("whichever part of a reading fails: its error, whether the sink is awaited or not") {
    for (int part = 0; part != 4; ++part) {
        CAPTURE(part);
        unreadable_sink inner;
        bool is_keyless = false;
        access::sealing_key_source const source = [&]() -> result<sealing_keys> {
            if (is_keyless) return error(errc::limit_reached, "no key today");
            return sealing_keys(key_of("k"));
        };
        awaited_unreadable_sink awaited(inner);
        sealed_sink<unreadable_sink&> sink(inner, source);
        sealed_sink<awaited_unreadable_sink&> awaiting(awaited, source);
        sink.store(intent_for("key"), sample_token("id-1", 1)).value();
        if (part == 0) inner.is_secret = true;
        if (part == 1) inner.is_find = true;
        if (part == 2) is_keyless = true;
        auto const code = part == 2 ? errc::limit_reached : errc::sink_failed;
        auto const read = sink.read("key");
        CHECK(inner.reads == (part == 2 ? 2 : 1)); // once more where it does not open
        auto const also = awaiting.read("key").get();
        CHECK(inner.reads == (part == 2 ? 4 : 2));
        if (part == 3) {
            CHECK(read.value().value().client_secret == sample_token("id-1", 1).client_secret);
            CHECK(also.value().value().client_secret == sample_token("id-1", 1).client_secret);
            continue;
        }
        CHECK(read.error() == code);
        CHECK(also.error() == code);
    }
}

TEST_CASE("an awaited sink into which is stored between two looks is looked at again, once") {
    awaited_giving_sink inner;
    sealed_sink<awaited_giving_sink&> sink(inner, both_keys());
    sink.store(intent_for("key"), sample_token("id-1", 1)).get().value();
    inner.between = [&] { sink.store(intent_for("key"), sample_token("id-1", 2)).get().value(); };
    CHECK(sink.read("key").get().value().value().token.version == 2);
    sealed_sink<awaited_giving_sink&> another(inner, key_of("another", 50));
    CHECK(another.read("key").get().error() == errc::secret_unreadable);
}

TEST_CASE("a secret that is too large to be sealed is not stored") {
    memory_sink memory;
    sealed_sink<memory_sink&> sink(memory, key_of("k"));
    auto token = sample_token("id-1");
    token.client_secret = secret(std::string(65537, 's'));
    auto const e = sink.store(intent_for("key"), token).error();
    CHECK(e == errc::invalid_argument);
    CHECK(e.details().explanation == "secret: must not exceed 64 KiB");
    CHECK(sink.store(token).error() == errc::invalid_argument);
    CHECK(memory.list().value().empty());
    token.client_secret = secret(std::string(65536, 's'));
    CHECK(sink.store(intent_for("key"), token).has_value());
}

} // namespace sealed_sink_tests

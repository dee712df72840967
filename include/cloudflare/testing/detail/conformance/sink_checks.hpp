/// The checks of the conformance kit for sinks.
#pragma once

#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/testing/detail/conformance/store_trial.hpp>
#include <cloudflare/testing/sink_subject.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing::detail {

struct sink_check {
    char const* name;
    void (*run)(store_trial&, sink_subject const&);
};

inline constexpr std::string_view sample_secret = "broken-sample-of-a-secret-";

[[nodiscard]] inline access::intent intent_for(std::string key, std::string token_id = "") {
    auto i = sample_intent(1);
    i.key = std::move(key);
    i.token_id = std::move(token_id);
    return i;
}
/// @param version also the number of the secret
[[nodiscard]] inline access::issued_service_token sample_token(std::string id,
                                                               std::int64_t version = 1) {
    access::issued_service_token token;
    token.client_id = id + ".access";
    token.id = std::move(id);
    token.name = "ci \"1\"\n";
    token.client_secret = secret(std::string(sample_secret) + std::to_string(version));
    token.client_secret_version = version;
    return token;
}

/// A sink, and what is expected of it.
class tried_sink {
public:
    tried_sink(store_trial& t, sink_subject const& subject)
        : trial_(t), subject_(subject), sink_(subject.make()) {}
    sink_under_test* operator->() const { return sink_.get(); }
    void close() { sink_.reset(); }

    void store(std::string const& key, access::issued_service_token const& token) {
        trial_.expect_ok(sink_->store(intent_for(key), token), "store under " + key);
    }
    void expect_held(std::string_view key, access::issued_service_token const& token) {
        expect_held(*sink_, key, token);
    }
    void expect_held(sink_under_test& sink, std::string_view key,
                     access::issued_service_token const& token) {
        auto const found = sink.find(key);
        if (!trial_.expect_ok(found, "find")) return;
        if (!*found) return trial_.expect(false, "find gives nothing");
        trial_.expect((*found)->token_id == token.id, "find gives another token");
        trial_.expect((*found)->client_id == token.client_id, "find gives another client id");
        trial_.expect((*found)->version == token.client_secret_version.value_or(0),
                      "find gives version " + std::to_string((*found)->version));
        if (!subject_.secret_of) return;
        auto const kept = subject_.secret_of(key);
        trial_.expect(kept && *kept == token.client_secret.reveal(), "another secret is kept");
    }
    /// Expects that these keys are listed, in any order, each with what find gives.
    ///
    /// @return false: the sink cannot list
    bool expect_listed(std::vector<std::string> const& keys) { return expect_listed(*sink_, keys); }
    bool expect_listed(sink_under_test& sink, std::vector<std::string> const& keys) {
        auto const listed = sink.listed();
        if (!listed) return trial_.skip(), false;
        if (!trial_.expect_ok(*listed, "list")) return true;
        trial_.expect((*listed)->size() == keys.size(),
                      "list shows " + std::to_string((*listed)->size()) + " tokens of " +
                          std::to_string(keys.size()));
        for (auto const& key : keys)
            expect_listed_once(sink, **listed, key);
        return true;
    }
    void expect_nothing(std::string_view key) { expect_nothing(*sink_, key); }
    void expect_nothing(sink_under_test& sink, std::string_view key) {
        auto const found = sink.find(key);
        if (trial_.expect_ok(found, "find"))
            trial_.expect(!*found, "find gives a token where none is kept");
    }

private:
    void expect_listed_once(sink_under_test& sink, std::vector<access::held_token> const& listed,
                            std::string const& key) {
        auto const is_there = [&](access::held_token const& h) { return h.key == key; };
        auto const count = std::count_if(listed.begin(), listed.end(), is_there);
        if (count != 1)
            return trial_.expect(false,
                                 "list shows " + key + " " + std::to_string(count) + " times");
        auto const& shown = *std::find_if(listed.begin(), listed.end(), is_there);
        auto const found = sink.find(key);
        if (!trial_.expect_ok(found, "find") || !*found) return;
        trial_.expect(shown.token_id == (*found)->token_id, "list shows another token than find");
        trial_.expect(shown.client_id == (*found)->client_id, "list shows another client id");
        trial_.expect(shown.version == (*found)->version, "list shows another version");
        trial_.expect(shown.since == (*found)->since, "list shows another time");
    }

    store_trial& trial_;
    sink_subject const& subject_;
    std::unique_ptr<sink_under_test> sink_;
};

inline constexpr sink_check sink_checks[] = {
    {"a new sink holds nothing",
     [](store_trial& t, sink_subject const& s) { tried_sink(t, s).expect_nothing("key"); }},
    {"prepare of a new key is a success and leaves nothing that find shows",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         t.expect_ok(sink->prepare(intent_for("key")), "prepare");
         sink.expect_nothing("key");
     }},
    {"prepare says the same when it is asked again",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         t.expect_ok(sink->prepare(intent_for("key")), "prepare");
         t.expect_ok(sink->prepare(intent_for("key")), "prepare, again");
     }},
    {"a token that was stored is found, with id, client id and version",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         t.expect_ok(sink->prepare(intent_for("key")), "prepare");
         sink.store("key", sample_token("id-1", 7));
         sink.expect_held("key", sample_token("id-1", 7));
     }},
    {"a token is stored without prepare, too",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         sink.expect_held("key", sample_token("id-1"));
     }},
    {"a token whose version is not known is found with version 0",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         auto token = sample_token("id-1");
         token.client_secret_version.reset();
         sink.store("key", token);
         sink.expect_held("key", token);
     }},
    {"find tells since when, or that it does not know",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         auto const now = timestamp(std::chrono::system_clock::now());
         sink.store("key", sample_token("id-1"));
         auto const found = sink->find("key");
         if (!t.expect_ok(found, "find") || !*found) return;
         auto const since = (*found)->since;
         t.expect(since == timestamp() || (since > now.plus(-std::chrono::minutes(10)) &&
                                           since < now.plus(std::chrono::minutes(10))),
                  "find says " + since.to_string());
     }},
    {"a later secret of the token replaces the earlier one",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 1));
         sink.store("key", sample_token("id-1", 2));
         sink.expect_held("key", sample_token("id-1", 2));
     }},
    {"an earlier secret of the token is refused, and the later one stays",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 10));
         t.expect_refused(sink->store(intent_for("key"), sample_token("id-1", 9)), "store");
         sink.expect_held("key", sample_token("id-1", 10));
     }},
    {"the same secret stored again is a success",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 2));
         sink.store("key", sample_token("id-1", 2));
         sink.expect_held("key", sample_token("id-1", 2));
     }},
    {"a key that holds another token is refused by store, and that token stays",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         t.expect_refused(sink->store(intent_for("key"), sample_token("id-2", 9)), "store");
         sink.expect_held("key", sample_token("id-1"));
     }},
    {"a key that holds another token is refused by prepare",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         t.expect_refused(sink->prepare(intent_for("key")), "prepare for a new token");
         t.expect_refused(sink->prepare(intent_for("key", "id-2")), "prepare for another");
         sink.expect_held("key", sample_token("id-1"));
     }},
    {"a key that holds the intent's own token is not refused by prepare",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         t.expect_ok(sink->prepare(intent_for("key", "id-1")), "prepare");
         sink.expect_held("key", sample_token("id-1"));
     }},
    {"forget removes the token",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.expect_nothing("key");
     }},
    {"forget of a token that is not held succeeds and removes nothing",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.store("key", sample_token("id-10"));
         for (auto const* id : {"id-2", "id-1", "id-100", "", "key", "id-10.access"})
             t.expect_ok(sink->forget(id), "forget");
         sink.expect_held("key", sample_token("id-10"));
     }},
    {"forget twice is a success",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         t.expect_ok(sink->forget("id-1"), "forget");
         t.expect_ok(sink->forget("id-1"), "forget, again");
     }},
    {"the key of a forgotten token may be used again",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 5));
         t.expect_ok(sink->forget("id-1"), "forget");
         t.expect_ok(sink->prepare(intent_for("key")), "prepare");
         sink.store("key", sample_token("id-2", 1));
         sink.expect_held("key", sample_token("id-2", 1));
     }},
    {"a token that was forgotten may be stored again, with any version",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 5));
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.store("key", sample_token("id-1", 1));
         sink.expect_held("key", sample_token("id-1", 1));
     }},
    {"forget removes one token and no other",
     [](store_trial& t, sink_subject const& s) {
         if (s.one_token) return t.skip();
         tried_sink sink(t, s);
         sink.store("one", sample_token("id-1"));
         sink.store("two", sample_token("id-2"));
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.expect_nothing("one");
         sink.expect_held("two", sample_token("id-2"));
     }},
    {"each key has a token of its own",
     [](store_trial& t, sink_subject const& s) {
         if (s.one_token) return t.skip();
         tried_sink sink(t, s);
         for (int n = 0; n != 20; ++n)
             sink.store("key-" + std::to_string(n), sample_token("id-" + std::to_string(n)));
         for (int n = 0; n != 20; ++n)
             sink.expect_held("key-" + std::to_string(n), sample_token("id-" + std::to_string(n)));
         sink.expect_nothing("key-");
         sink.expect_nothing("key-20");
         sink.expect_nothing("ey-1");
     }},
    {"keys are distinguished byte for byte",
     [](store_trial& t, sink_subject const& s) {
         if (s.one_token) return t.skip();
         tried_sink sink(t, s);
         std::string const keys[] = {"a/b",
                                     "a b",
                                     "a%2Fb",
                                     "..",
                                     ".",
                                     "a'b",
                                     "a\"b",
                                     "a\nb",
                                     "a*",
                                     "\xc3\xbc",
                                     "a_b",
                                     "%",
                                     std::string(60, 'k')};
         int n = 0;
         for (auto const& key : keys)
             sink.store(key, sample_token("id-" + std::to_string(++n)));
         n = 0;
         for (auto const& key : keys)
             sink.expect_held(key, sample_token("id-" + std::to_string(++n)));
     }},
    {"list of an empty sink shows nothing, also after prepare",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         if (!sink.expect_listed({})) return;
         t.expect_ok(sink->prepare(intent_for("key")), "prepare");
         sink.expect_listed({});
     }},
    {"list shows a token under its key, as find does",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 7));
         sink.expect_listed({"key"});
     }},
    {"list shows a token once whose secret was replaced, with the later version",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 1));
         sink.store("key", sample_token("id-1", 2));
         sink.expect_listed({"key"});
     }},
    {"list shows no token that was forgotten",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1"));
         if (!sink.expect_listed({"key"})) return;
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.expect_listed({});
     }},
    {"each key is listed, with its own token",
     [](store_trial& t, sink_subject const& s) {
         if (s.one_token) return t.skip();
         tried_sink sink(t, s);
         std::vector<std::string> const keys{"a/b", "a b", "..", "a'b", "a\nb", "\xc3\xbc", "%"};
         int n = 0;
         for (auto const& key : keys) {
             ++n;
             sink.store(key, sample_token("id-" + std::to_string(n), n));
         }
         sink.expect_listed(keys);
     }},
    {"another process lists what was stored and forgotten, at once",
     [](store_trial& t, sink_subject const& s) {
         if (!s.reopen) return t.skip();
         tried_sink sink(t, s);
         auto const other = s.reopen();
         if (!sink.expect_listed(*other, {})) return;
         sink.store("key", sample_token("id-1"));
         sink.expect_listed(*other, {"key"});
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.expect_listed(*other, {});
     }},
    {"an error shows no secret",
     [](store_trial& t, sink_subject const& s) {
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 2));
         for (auto const& token : {sample_token("id-1", 1), sample_token("id-2", 1)}) {
             auto const refused = sink->store(intent_for("key"), token);
             if (refused) continue;
             auto const string =
                 refused.error().to_string() + refused.error().details().explanation;
             t.expect(string.find(sample_secret) == string.npos, "the error holds a secret");
         }
     }},
    {"another process sees what was stored, replaced and forgotten, at once",
     [](store_trial& t, sink_subject const& s) {
         if (!s.reopen) return t.skip();
         tried_sink sink(t, s);
         auto const other = s.reopen();
         sink.expect_nothing(*other, "key");
         sink.store("key", sample_token("id-1", 1));
         sink.expect_held(*other, "key", sample_token("id-1", 1));
         sink.store("key", sample_token("id-1", 2));
         sink.expect_held(*other, "key", sample_token("id-1", 2));
         t.expect_ok(sink->forget("id-1"), "forget");
         sink.expect_nothing(*other, "key");
     }},
    {"another process is refused an earlier secret, and a key that is taken",
     [](store_trial& t, sink_subject const& s) {
         if (!s.reopen) return t.skip();
         tried_sink sink(t, s);
         auto const other = s.reopen();
         sink.expect_nothing(*other, "key");
         sink.store("key", sample_token("id-1", 2));
         t.expect_refused(other->store(intent_for("key"), sample_token("id-1", 1)), "store");
         t.expect_refused(other->store(intent_for("key"), sample_token("id-2", 3)), "store");
         t.expect_refused(other->prepare(intent_for("key")), "prepare");
         sink.expect_held("key", sample_token("id-1", 2));
     }},
    {"what was stored is there after the sink was closed",
     [](store_trial& t, sink_subject const& s) {
         if (!s.reopen) return t.skip();
         tried_sink sink(t, s);
         sink.store("key", sample_token("id-1", 3));
         sink.close();
         auto const again = s.reopen();
         sink.expect_held(*again, "key", sample_token("id-1", 3));
     }},
    {"of threads that store tokens under one key at once, one succeeds, and its token is held",
     [](store_trial& t, sink_subject const& s) {
         if (!s.threads) return t.skip();
         tried_sink sink(t, s);
         std::atomic<int> stored = 0, last = 0;
         on_threads(8, [&](int n) {
             auto const token = sample_token("id-" + std::to_string(n));
             if (!sink->store(intent_for("key"), token)) return;
             ++stored;
             last = n;
         });
         t.expect(stored == 1, std::to_string(stored) + " of 8 succeed");
         sink.expect_held("key", sample_token("id-" + std::to_string(last)));
     }},
    {"of threads that store secrets of one token at once, the latest is held in the end",
     [](store_trial& t, sink_subject const& s) {
         if (!s.threads) return t.skip();
         tried_sink sink(t, s);
         on_threads(8, [&](int n) {
             static_cast<void>(sink->store(intent_for("key"), sample_token("id-1", 8 - n)));
         });
         sink.expect_held("key", sample_token("id-1", 8));
     }},
};

} // namespace cloudflare::inline v0::testing::detail

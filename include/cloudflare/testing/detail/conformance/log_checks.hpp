/// The checks of the conformance kit for intent logs.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/testing/detail/conformance/store_trial.hpp>
#include <cloudflare/testing/log_subject.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing::detail {

struct log_check {
    char const* name;
    void (*run)(store_trial&, log_subject const&);
};

/// A log with some intents in it.
class filled_log {
public:
    filled_log(store_trial& t, log_subject const& subject, int count = 0)
        : trial_(t), log_(subject.make()) {
        for (int n = 1; n <= count; ++n)
            insert(sample_intent(n));
    }
    log_under_test* operator->() const { return log_.get(); }
    void close() { log_.reset(); }

    /// Expects that the intent is inserted.
    void insert(access::intent const& i) { insert_into(*log_, i); }
    void insert_into(log_under_test& log, access::intent const& i) {
        auto const inserted = log.insert(i);
        if (trial_.expect_ok(inserted, "insert"))
            trial_.expect(!*inserted, "insert says that something is in the way");
    }
    /// Expects that this is in the intent's way.
    void expect_in_the_way(access::intent const& wanted, access::intent const& held) {
        expect_in_the_way(*log_, wanted, held);
    }
    void expect_in_the_way(log_under_test& log, access::intent const& wanted,
                           access::intent const& held) {
        auto const inserted = log.insert(wanted);
        if (!trial_.expect_ok(inserted, "insert")) return;
        trial_.expect(inserted->has_value(), "insert does not say what is in the way");
        if (*inserted) trial_.expect(**inserted == held, "insert gives another intent");
    }
    void expect_list(std::vector<access::intent> const& wanted) { expect_list(*log_, wanted); }
    void expect_list(log_under_test& log, std::vector<access::intent> const& wanted) {
        auto const all = log.list();
        if (trial_.expect_ok(all, "list"))
            trial_.expect(*all == wanted, "list gives " + std::to_string(all->size()) +
                                              " intents, or other ones, where " +
                                              std::to_string(wanted.size()) + " are expected");
    }
    [[nodiscard]] std::vector<access::intent> list() const {
        auto const all = log_->list();
        return all ? *all : std::vector<access::intent>();
    }

private:
    store_trial& trial_;
    std::unique_ptr<log_under_test> log_;
};

[[nodiscard]] inline access::intent updated(access::intent i) {
    i.name += " updated";
    return i;
}
[[nodiscard]] inline access::intent with_revision(access::intent i, std::int64_t revision) {
    i.revision = revision;
    return i;
}
[[nodiscard]] inline access::intent with_key(access::intent i, std::string key) {
    i.key = std::move(key);
    return i;
}
[[nodiscard]] inline access::intent with_state(access::intent i, access::intent_state state) {
    i.state = state;
    return i;
}
[[nodiscard]] inline access::intent with_note(access::intent i, std::string note) {
    i.note = std::move(note);
    return i;
}
/// Checks whether an intent in this state holds its key.
inline void expect_key(store_trial& t, log_subject const& s, access::intent_state state,
                       bool held) {
    filled_log log(t, s, 1);
    auto const moved = with_state(sample_intent(1), state);
    t.expect_ok(log->update(moved), "update");
    auto const second = with_key(sample_intent(2), sample_intent(1).key);
    if (held) {
        log.expect_in_the_way(second, with_revision(moved, 2));
    } else {
        log.insert(second);
    }
}

inline constexpr log_check log_checks[] = {
    {"a new log holds nothing",
     [](store_trial& t, log_subject const& s) { filled_log(t, s).expect_list({}); }},
    {"an intent that was inserted is listed",
     [](store_trial& t, log_subject const& s) {
         filled_log(t, s, 1).expect_list({sample_intent(1)});
     }},
    {"an intent is listed with the revision that it was inserted with",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s);
         log.insert(with_revision(sample_intent(1), 7));
         log.expect_list({with_revision(sample_intent(1), 7)});
     }},
    {"every member of an intent comes back",
     [](store_trial& t, log_subject const& s) {
         auto i = sample_intent(1);
         i.purpose = access::intent_purpose::rotate;
         i.scope = *access::zone_scope::parse(std::string(32, 'b'));
         i.key = "a key";
         i.sink = "a sink";
         i.token_id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
         i.version = 9'007'199'254'740'993; // a double cannot hold it
         i.state = access::intent_state::lost;
         i.until = *timestamp::parse("2027-01-01T00:00:00Z");
         filled_log log(t, s);
         log.insert(i);
         log.expect_list({i});
     }},
    {"every state of an intent comes back",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s);
         std::vector<access::intent> all;
         for (int n = 0; n <= static_cast<int>(access::intent_state::settled); ++n) {
             all.push_back(with_state(sample_intent(n), static_cast<access::intent_state>(n)));
             log.insert(all.back());
         }
         log.expect_list(all);
     }},
    {"strings come back byte for byte",
     [](store_trial& t, log_subject const& s) {
         auto const i = with_note(sample_intent(1), "\"quoted\" it's; a\\b\n\r\t{},:\x7f \xc3\xbc "
                                                    "\xf0\x9f\x94\x91 %s ");
         filled_log log(t, s);
         log.insert(i);
         log.expect_list({i});
     }},
    {"empty strings come back empty",
     [](store_trial& t, log_subject const& s) {
         access::intent const i(sample_intent(1).tag, sample_intent(1).scope, "");
         filled_log log(t, s);
         log.insert(i);
         log.expect_list({i});
     }},
    {"a long note comes back whole",
     [](store_trial& t, log_subject const& s) {
         auto const i = with_note(sample_intent(1), std::string(20'000, 'n'));
         filled_log log(t, s);
         log.insert(i);
         log.expect_list({i});
     }},
    {"moments come back to the second, from 1970 to 9999",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s);
         std::vector<access::intent> all;
         int n = 0;
         for (auto const* string : {"1970-01-01T00:00:00Z", "2026-11-24T23:59:59Z",
                                    "2262-04-12T00:00:00Z", "9999-12-31T23:59:59Z"}) {
             all.push_back(sample_intent(++n));
             all.back().opened_at = all.back().until = *timestamp::parse(string);
             log.insert(all.back());
         }
         log.expect_list(all);
     }},
    {"intents are listed in the order of their inserts",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s);
         for (int n : {3, 1, 2})
             log.insert(sample_intent(n));
         log.expect_list({sample_intent(3), sample_intent(1), sample_intent(2)});
     }},
    {"an update leaves the order as it is",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 3);
         t.expect_ok(log->update(sample_intent(1)), "update");
         log.expect_list({with_revision(sample_intent(1), 2), sample_intent(2), sample_intent(3)});
     }},
    {"intents of all scopes are listed",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         auto other = sample_intent(2);
         other.scope = *access::zone_scope::parse(std::string(32, 'c'));
         log.insert(other);
         log.expect_list({sample_intent(1), other});
     }},
    {"an insert of a tag that is there writes nothing and gives the intent that is",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         log.expect_in_the_way(with_key(updated(sample_intent(1)), "other key"), sample_intent(1));
         log.expect_list({sample_intent(1)});
     }},
    {"an insert of a key that is held writes nothing and gives the intent that holds it",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 2);
         log.expect_in_the_way(with_key(sample_intent(3), sample_intent(2).key), sample_intent(2));
         log.expect_list({sample_intent(1), sample_intent(2)});
     }},
    {"a key is held while its intent is being withdrawn",
     [](store_trial& t, log_subject const& s) {
         expect_key(t, s, access::intent_state::withdrawing, true);
     }},
    {"a key is held while its intent is lost",
     [](store_trial& t, log_subject const& s) {
         expect_key(t, s, access::intent_state::lost, true);
     }},
    {"a settled intent holds no key",
     [](store_trial& t, log_subject const& s) {
         expect_key(t, s, access::intent_state::settled, false);
     }},
    {"a key is held for one scope, one purpose and one sink",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         auto scope = with_key(sample_intent(2), sample_intent(1).key), purpose = scope,
              sink = scope;
         scope.scope = *access::zone_scope::parse(std::string(32, 'a'));
         purpose.tag = sample_intent(3).tag;
         purpose.purpose = access::intent_purpose::rotate;
         sink.tag = sample_intent(4).tag;
         sink.sink = "another";
         for (auto const* i : {&scope, &purpose, &sink})
             log.insert(*i);
         log.expect_list({sample_intent(1), scope, purpose, sink});
     }},
    {"an empty key holds nothing",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s);
         log.insert(with_key(sample_intent(1), ""));
         log.insert(with_key(sample_intent(2), ""));
     }},
    {"an update replaces the intent and raises its revision by one",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 2);
         t.expect_ok(log->update(updated(sample_intent(2))), "update");
         log.expect_list({sample_intent(1), with_revision(updated(sample_intent(2)), 2)});
         t.expect_ok(log->update(with_revision(sample_intent(2), 2)), "a second update");
         log.expect_list({sample_intent(1), with_revision(sample_intent(2), 3)});
     }},
    {"an update with an earlier revision is a conflict and writes nothing",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         t.expect_ok(log->update(sample_intent(1)), "update");
         t.expect_error(log->update(updated(sample_intent(1))), errc::conflict, "update");
         log.expect_list({with_revision(sample_intent(1), 2)});
     }},
    {"an update with a later revision is a conflict and writes nothing",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         t.expect_error(log->update(with_revision(updated(sample_intent(1)), 2)), errc::conflict,
                        "update");
         log.expect_list({sample_intent(1)});
     }},
    {"an update of an intent that is not there is a conflict and writes nothing",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         t.expect_error(log->update(sample_intent(2)), errc::conflict, "update");
         log.expect_list({sample_intent(1)});
     }},
    {"erase takes the intent out, and no other",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 3);
         t.expect_ok(log->erase(sample_intent(2)), "erase");
         log.expect_list({sample_intent(1), sample_intent(3)});
     }},
    {"erase with another revision is a conflict and takes nothing out",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         t.expect_ok(log->update(sample_intent(1)), "update");
         t.expect_error(log->erase(sample_intent(1)), errc::conflict, "erase");
         t.expect_error(log->erase(with_revision(sample_intent(1), 3)), errc::conflict, "erase");
         log.expect_list({with_revision(sample_intent(1), 2)});
     }},
    {"erase of an intent that is not there is a conflict",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         t.expect_error(log->erase(sample_intent(2)), errc::conflict, "erase");
         t.expect_ok(log->erase(sample_intent(1)), "erase");
         t.expect_error(log->erase(sample_intent(1)), errc::conflict, "erase, again");
     }},
    {"an intent that was erased frees its tag and its key",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1);
         t.expect_ok(log->erase(sample_intent(1)), "erase");
         log.insert(with_key(sample_intent(2), sample_intent(1).key));
         log.insert(with_key(sample_intent(1), "another"));
     }},
    {"a thousand intents are listed",
     [](store_trial& t, log_subject const& s) {
         filled_log log(t, s, 1000);
         std::vector<access::intent> all;
         for (int n = 1; n <= 1000; ++n)
             all.push_back(sample_intent(n));
         log.expect_list(all);
     }},
    {"another process sees what was inserted, updated and erased, at once",
     [](store_trial& t, log_subject const& s) {
         if (!s.reopen) return t.skip();
         filled_log log(t, s, 2);
         auto const other = s.reopen();
         log.expect_list(*other, {sample_intent(1), sample_intent(2)});
         t.expect_ok(log->update(sample_intent(1)), "update");
         t.expect_ok(log->erase(sample_intent(2)), "erase");
         log.insert(sample_intent(3));
         log.expect_list(*other, {with_revision(sample_intent(1), 2), sample_intent(3)});
     }},
    {"of two processes with one revision, one gets a conflict",
     [](store_trial& t, log_subject const& s) {
         if (!s.reopen) return t.skip();
         filled_log log(t, s, 1);
         auto const other = s.reopen();
         log.expect_list(*other, {sample_intent(1)});
         t.expect_ok(log->update(sample_intent(1)), "update");
         t.expect_error(other->update(updated(sample_intent(1))), errc::conflict, "update");
         t.expect_error(other->erase(sample_intent(1)), errc::conflict, "erase");
         log.expect_list({with_revision(sample_intent(1), 2)});
     }},
    {"a key that one process holds is held for another",
     [](store_trial& t, log_subject const& s) {
         if (!s.reopen) return t.skip();
         filled_log log(t, s);
         auto const other = s.reopen();
         log.expect_list(*other, {});
         log.insert(sample_intent(1));
         log.expect_in_the_way(*other, with_key(sample_intent(2), sample_intent(1).key),
                               sample_intent(1));
     }},
    {"what was written is there after the log was closed",
     [](store_trial& t, log_subject const& s) {
         if (!s.reopen) return t.skip();
         filled_log log(t, s, 2);
         t.expect_ok(log->update(sample_intent(1)), "update");
         t.expect_ok(log->erase(sample_intent(2)), "erase");
         log.close();
         auto const again = s.reopen();
         log.expect_list(*again, {with_revision(sample_intent(1), 2)});
     }},
    {"of threads that insert one key at once, one succeeds",
     [](store_trial& t, log_subject const& s) {
         if (!s.threads) return t.skip();
         filled_log log(t, s);
         std::atomic<int> inserted = 0;
         on_threads(8, [&](int n) {
             auto const done = log->insert(with_key(sample_intent(n), "one key"));
             inserted += done && !*done ? 1 : 0;
         });
         t.expect(inserted == 1, std::to_string(inserted) + " of 8 succeed");
         t.expect(log.list().size() == 1, "the log does not hold one intent");
     }},
    {"of threads that update one revision at once, one succeeds",
     [](store_trial& t, log_subject const& s) {
         if (!s.threads) return t.skip();
         filled_log log(t, s, 1);
         std::atomic<int> written = 0, conflicts = 0;
         on_threads(8, [&](int) {
             auto const done = log->update(updated(sample_intent(1)));
             written += done ? 1 : 0;
             conflicts += !done && done.error() == errc::conflict ? 1 : 0;
         });
         t.expect(written == 1 && conflicts == 7, std::to_string(written) + " of 8 succeed, " +
                                                      std::to_string(conflicts) +
                                                      " get a conflict");
         log.expect_list({with_revision(updated(sample_intent(1)), 2)});
     }},
    {"threads that insert at once lose none",
     [](store_trial& t, log_subject const& s) {
         if (!s.threads) return t.skip();
         filled_log log(t, s);
         on_threads(8, [&](int thread) {
             for (int n = 0; n != 10; ++n)
                 static_cast<void>(log->insert(sample_intent(thread * 10 + n)));
         });
         t.expect(log.list().size() == 80, std::to_string(log.list().size()) + " of 80 are listed");
     }},
};

} // namespace cloudflare::inline v0::testing::detail

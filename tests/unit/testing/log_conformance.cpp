// The kit passes the logs that ship, and names what is wrong with each of these, which have one
// defect each.
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/testing/log_conformance.hpp>

#include "../access/scratch.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace log_conformance_tests {
namespace {

using namespace cloudflare;
using access::intent;
using access::memory_intent_log;
using testing::log_under_test;

/// What several handles of one log share.
struct kept {
    memory_intent_log log;
    std::mutex mutex{};
};

/// A right log. A defect overrides a function.
struct right_log : log_under_test {
    explicit right_log(std::shared_ptr<kept> shared) : all(std::move(shared)) {}
    result<std::optional<intent>> insert(intent const& i) override { return all->log.insert(i); }
    result<void> update(intent const& i) override { return all->log.update(i); }
    result<void> erase(intent const& i) override { return all->log.erase(i); }
    result<std::vector<intent>> list() override { return all->log.list(); }

    [[nodiscard]] std::optional<intent> held(std::string const& tag) const {
        for (auto& i : all->log.list().value())
            if (i.tag == tag) return i;
        return std::nullopt;
    }
    std::shared_ptr<kept> all;
};

template <class Log>
std::set<std::string> failed_checks() {
    auto shared = std::make_shared<kept>();
    testing::log_subject const subject{.make =
                                           [&] {
                                               shared = std::make_shared<kept>();
                                               return std::make_unique<Log>(shared);
                                           },
                                       .reopen = [&] { return std::make_unique<Log>(shared); }};
    std::set<std::string> failed;
    for (auto const& o : testing::check_intent_log(subject))
        if (!o.failures.empty()) failed.insert(o.name);
    return failed;
}
/// All defects together fail every check.
std::set<std::string>& ever_failed() {
    static std::set<std::string> names;
    return names;
}
template <class Log>
void expect_failed(std::vector<std::string> const& names) {
    auto const failed = failed_checks<Log>();
    ever_failed().insert(failed.begin(), failed.end());
    for (auto const& name : names) {
        CAPTURE(name);
        CHECK(failed.contains(name));
    }
}

/// A log that changes an intent before it keeps it.
template <class Change>
struct changing : right_log {
    using right_log::right_log;
    result<std::optional<intent>> insert(intent const& i) override {
        auto other = i;
        Change()(other);
        return all->log.insert(other);
    }
};

} // namespace

TEST_CASE("the logs that ship pass every check") {
    faults::scratch s;
    int count = 0;
    auto const path = [&] { return s.path("log " + std::to_string(count)); };
    testing::log_subject const file{
        .make =
            [&] {
                ++count;
                return std::make_unique<testing::blocking_log_under_test<access::file_intent_log>>(
                    access::file_intent_log(path()));
            },
        .reopen =
            [&] {
                return std::make_unique<testing::blocking_log_under_test<access::file_intent_log>>(
                    access::file_intent_log(path()));
            }};
    auto const checks = testing::check_intent_log(file);
    CHECK(checks.size() >= 30);
    for (auto const& o : checks) {
        std::ostringstream string;
        string << o;
        CHECK_MESSAGE(o.passed(), string.str());
    }

    std::unique_ptr<memory_intent_log> memory;
    testing::log_subject const in_memory{
        .make =
            [&] {
                memory = std::make_unique<memory_intent_log>();
                return std::make_unique<testing::blocking_log_under_test<memory_intent_log&>>(
                    *memory);
            },
        .reopen =
            [&] {
                return std::make_unique<testing::blocking_log_under_test<memory_intent_log&>>(
                    *memory);
            }};
    for (auto const& o : testing::check_intent_log(in_memory)) {
        CAPTURE(o.name);
        CHECK(o.passed());
    }
    CHECK(failed_checks<right_log>().empty());
}

TEST_CASE("what the subject does not offer is skipped") {
    testing::log_subject const subject{
        .make = [] { return std::make_unique<right_log>(std::make_shared<kept>()); },
        .threads = false};
    int skipped = 0;
    for (auto const& o : testing::check_intent_log(subject))
        skipped += o.skipped ? 1 : 0;
    CHECK(skipped == 7);
    CHECK(testing::check_intent_log(subject, "a new log").size() == 1);
}

TEST_CASE("a log with one defect fails the checks that name it") {
    struct never_empty : right_log {
        using right_log::right_log;
        result<std::vector<intent>> list() override {
            auto found = right_log::list();
            if (found->empty()) found->push_back(testing::detail::sample_intent(99));
            return found;
        }
    };
    expect_failed<never_empty>({"a new log holds nothing"});

    struct forgetful : right_log {
        using right_log::right_log;
        result<std::optional<intent>> insert(intent const&) override {
            return std::optional<intent>();
        }
    };
    expect_failed<forgetful>(
        {"an intent that was inserted is listed", "threads that insert at once lose none",
         "what was written is there after the log was closed",
         "another process sees what was inserted, updated and erased, at once"});

    expect_failed<changing<decltype([](intent& i) { i.revision = 1; })>>(
        {"an intent is listed with the revision that it was inserted with"});
    expect_failed<changing<decltype([](intent& i) { i.version = 0; })>>(
        {"every member of an intent comes back"});
    expect_failed<changing<decltype([](intent& i) { i.key.clear(); })>>(
        {"every member of an intent comes back",
         "an insert of a key that is held writes nothing and gives the intent that holds it",
         "a key that one process holds is held for another",
         "of threads that insert one key at once, one succeeds",
         "a key is held while its intent is being withdrawn"});
    expect_failed<changing<decltype([](intent& i) { i.state = access::intent_state::open; })>>(
        {"every state of an intent comes back"});
    expect_failed<
        changing<decltype([](intent& i) { i.note = i.note.substr(0, i.note.find('\n')); })>>(
        {"strings come back byte for byte"});
    expect_failed<changing<decltype([](intent& i) {
        i.note.resize(std::min<std::size_t>(i.note.size(), 255));
    })>>({"a long note comes back whole"});
    expect_failed<changing<decltype([](intent& i) {
        if (i.note.empty()) i.note = "null";
    })>>({"empty strings come back empty"});
    expect_failed<changing<decltype([](intent& i) {
        if (i.opened_at > *timestamp::parse("2262-01-01T00:00:00Z")) i.opened_at = {};
    })>>({"moments come back to the second, from 1970 to 9999"});

    struct by_tag : right_log {
        using right_log::right_log;
        result<std::vector<intent>> list() override {
            auto found = right_log::list();
            std::sort(found->begin(), found->end(),
                      [](auto const& a, auto const& b) { return a.tag < b.tag; });
            return found;
        }
    };
    expect_failed<by_tag>({"intents are listed in the order of their inserts"});

    struct latest_last : right_log {
        using right_log::right_log;
        result<void> update(intent const& i) override {
            auto done = right_log::update(i);
            if (!done) return done;
            auto next = i;
            ++next.revision;
            static_cast<void>(erase(next));
            static_cast<void>(all->log.insert(next));
            return {};
        }
    };
    expect_failed<latest_last>({"an update leaves the order as it is"});

    struct one_scope : right_log {
        using right_log::right_log;
        result<std::vector<intent>> list() override {
            auto found = right_log::list();
            std::erase_if(*found, [](auto const& i) { return !i.scope.is_account(); });
            return found;
        }
    };
    expect_failed<one_scope>({"intents of all scopes are listed"});

    struct overwriting : right_log {
        using right_log::right_log;
        result<std::optional<intent>> insert(intent const& i) override {
            if (auto const old = held(i.tag)) static_cast<void>(erase(*old));
            return right_log::insert(i);
        }
    };
    expect_failed<overwriting>(
        {"an insert of a tag that is there writes nothing and gives the intent that is"});

    struct open_only : right_log {
        using right_log::right_log;
        result<std::optional<intent>> insert(intent const& i) override {
            auto found = right_log::insert(i);
            if (*found && (*found)->state != access::intent_state::open && (*found)->tag != i.tag)
                return std::optional<intent>();
            return found;
        }
    };
    expect_failed<open_only>({"a key is held while its intent is being withdrawn",
                              "a key is held while its intent is lost"});

    struct settled_too : right_log {
        using right_log::right_log;
        result<std::optional<intent>> insert(intent const& i) override {
            for (auto const& h : right_log::list().value())
                if (h.key == i.key && h.sink == i.sink && h.scope == i.scope &&
                    h.purpose == i.purpose)
                    return std::optional<intent>(h);
            return right_log::insert(i);
        }
    };
    expect_failed<settled_too>({"a settled intent holds no key", "an empty key holds nothing"});

    struct any_sink : right_log {
        using right_log::right_log;
        result<std::optional<intent>> insert(intent const& i) override {
            for (auto const& h : right_log::list().value())
                if (!i.key.empty() && h.key == i.key && h.state != access::intent_state::settled)
                    return std::optional<intent>(h);
            return right_log::insert(i);
        }
    };
    expect_failed<any_sink>({"a key is held for one scope, one purpose and one sink"});

    struct last_wins : right_log { // no compare-and-set
        using right_log::right_log;
        result<void> update(intent const& i) override {
            std::lock_guard const lock(all->mutex);
            auto const h = held(i.tag);
            if (!h) return static_cast<void>(all->log.insert(i)), result<void>();
            auto next = i;
            next.revision = h->revision;
            return all->log.update(next);
        }
        result<void> erase(intent const& i) override {
            auto const h = held(i.tag);
            if (!h) return {};
            return all->log.erase(*h);
        }
    };
    expect_failed<last_wins>(
        {"an update with an earlier revision is a conflict and writes nothing",
         "an update with a later revision is a conflict and writes nothing",
         "an update of an intent that is not there is a conflict and writes nothing",
         "erase with another revision is a conflict and takes nothing out",
         "erase of an intent that is not there is a conflict",
         "of two processes with one revision, one gets a conflict",
         "of threads that update one revision at once, one succeeds"});

    struct same_revision : right_log {
        using right_log::right_log;
        result<void> update(intent const& i) override {
            auto const done = right_log::update(i);
            if (!done) return done;
            auto next = i;
            ++next.revision;
            static_cast<void>(right_log::erase(next));
            return static_cast<void>(all->log.insert(i)), result<void>();
        }
    };
    expect_failed<same_revision>({"an update replaces the intent and raises its revision by one"});

    struct erases_all : right_log {
        using right_log::right_log;
        result<void> erase(intent const& i) override {
            auto const done = right_log::erase(i);
            if (!done) return done;
            for (auto const& h : right_log::list().value())
                static_cast<void>(right_log::erase(h));
            return {};
        }
    };
    expect_failed<erases_all>({"erase takes the intent out, and no other"});

    struct never_free : right_log { // an erased intent's tag and key stay taken
        using right_log::right_log;
        result<std::optional<intent>> insert(intent const& i) override {
            for (auto const& e : erased)
                if (e.tag == i.tag || access::holds_key_of(e, i)) return std::optional<intent>(e);
            return right_log::insert(i);
        }
        result<void> erase(intent const& i) override {
            auto done = right_log::erase(i);
            if (done) erased.push_back(i);
            return done;
        }
        std::vector<intent> erased{};
    };
    expect_failed<never_free>({"an intent that was erased frees its tag and its key"});

    struct one_page : right_log {
        using right_log::right_log;
        result<std::vector<intent>> list() override {
            auto found = right_log::list();
            if (found->size() > 100) found->resize(100, found->front());
            return found;
        }
    };
    expect_failed<one_page>({"a thousand intents are listed"});

    struct unlocked : right_log { // reads, and writes later
        using right_log::right_log;
        result<void> update(intent const& i) override {
            auto const h = held(i.tag);
            if (!h || h->revision != i.revision) return error(errc::conflict, "written since");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            std::lock_guard const lock(all->mutex);
            auto next = i;
            next.revision = held(i.tag)->revision;
            return all->log.update(next);
        }
    };
    expect_failed<unlocked>({"of threads that update one revision at once, one succeeds"});

    struct lagging : right_log { // each handle reads what was there when it was opened
        explicit lagging(std::shared_ptr<kept> shared)
            : right_log(std::move(shared)), first(right_log::list().value()) {}
        result<std::vector<intent>> list() override {
            return writes ? right_log::list() : result<std::vector<intent>>(first);
        }
        result<std::optional<intent>> insert(intent const& i) override {
            writes = true;
            return right_log::insert(i);
        }
        std::vector<intent> first;
        bool writes = false;
    };
    expect_failed<lagging>({"another process sees what was inserted, updated and erased, at once"});

    for (auto const& c : testing::detail::log_checks) {
        CAPTURE(c.name);
        CHECK(ever_failed().contains(c.name));
    }
}

} // namespace log_conformance_tests

// The kit passes the sinks that ship, and names what is wrong with each of these, which have one
// defect each.
#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/testing/sink_conformance.hpp>

#include "../access/scratch.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace sink_conformance_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::held_token;
using access::intent;
using access::issued_service_token;
using access::memory_sink;
using testing::sink_under_test;

using held = result<std::optional<held_token>>;
using tokens = result<std::vector<held_token>>;

/// What several handles of one sink share.
struct kept {
    memory_sink sink{};
    std::mutex mutex{};
    std::map<std::string, std::string> secrets{}; // by key
};

/// A right sink. A defect overrides a function.
struct right_sink : sink_under_test {
    explicit right_sink(std::shared_ptr<kept> shared) : all(std::move(shared)) {}
    result<void> prepare(intent const& i) override { return all->sink.prepare(i); }
    result<void> store(intent const& i, issued_service_token const& token) override {
        std::lock_guard const lock(all->mutex);
        auto const stored = all->sink.store(i, token);
        if (stored) all->secrets[i.key] = token.client_secret.reveal();
        return stored;
    }
    held find(std::string_view key) override { return all->sink.find(key); }
    result<void> forget(std::string_view token_id) override { return all->sink.forget(token_id); }
    std::optional<tokens> listed() override { return all->sink.list(); }

    std::shared_ptr<kept> all;
};

template <class Sink>
std::set<std::string> failed_checks() {
    auto shared = std::make_shared<kept>();
    testing::sink_subject const subject{
        .make =
            [&] {
                shared = std::make_shared<kept>();
                return std::make_unique<Sink>(shared);
            },
        .reopen = [&] { return std::make_unique<Sink>(shared); },
        .secret_of = [&](std::string_view key) -> std::optional<std::string> {
            auto const found = shared->secrets.find(std::string(key));
            if (found == shared->secrets.end()) return std::nullopt;
            return found->second;
        }};
    std::set<std::string> failed;
    for (auto const& o : testing::check_sink(subject))
        if (!o.failures.empty()) failed.insert(o.name);
    return failed;
}
/// All defects together fail every check.
std::set<std::string>& ever_failed() {
    static std::set<std::string> names;
    return names;
}
template <class Sink>
void expect_failed(std::vector<std::string> const& names) {
    auto const failed = failed_checks<Sink>();
    ever_failed().insert(failed.begin(), failed.end());
    for (auto const& name : names) {
        CAPTURE(name);
        CHECK(failed.contains(name));
    }
}

/// A sink that changes what it is given before it keeps it.
template <class Change>
struct changing : right_sink {
    using right_sink::right_sink;
    result<void> store(intent const& i, issued_service_token const& token) override {
        auto key = i;
        auto other = token;
        Change()(key, other);
        return right_sink::store(key, other);
    }
};

/// A sink that changes what it lists.
template <class Change>
struct listing : right_sink {
    using right_sink::right_sink;
    std::optional<tokens> listed() override {
        auto all_held = all->sink.list();
        for (auto& h : *all_held)
            Change()(h);
        return all_held;
    }
};

void expect_all_passed(testing::sink_subject const& subject) {
    for (auto const& o : testing::check_sink(subject)) {
        std::ostringstream string;
        string << o;
        CHECK_MESSAGE(o.failures.empty(), string.str());
        CHECK(o.skipped == (subject.one_token &&
                            (o.name.find("one token and") != o.name.npos ||
                             o.name.starts_with("each key") || o.name.starts_with("keys are"))));
    }
}

std::optional<std::string> secret_in(std::string const& path) {
    auto const string = faults::read(path);
    auto const secret = access::detail::value_in(string, access::detail::secret_line);
    if (!secret) return std::nullopt;
    return std::string(*secret);
}

} // namespace

TEST_CASE("the sinks that ship pass every check") {
    CHECK(std::size(testing::detail::sink_checks) >= 20);
    faults::scratch s;
    int count = 0;
    auto const path = [&] { return s.path("sink " + std::to_string(count)); };

    auto const file = [&] {
        return std::make_unique<testing::blocking_sink_under_test<access::file_sink>>(
            access::file_sink(path()));
    };
    expect_all_passed({.make = [&] { return ++count, file(); },
                       .reopen = file,
                       .secret_of = [&](std::string_view) { return secret_in(path()); },
                       .one_token = true});

    auto const directory = [&] {
        return std::make_unique<testing::blocking_sink_under_test<access::directory_sink>>(
            access::directory_sink(path()));
    };
    expect_all_passed({.make =
                           [&] {
                               ++count;
                               std::filesystem::create_directory(path());
                               return directory();
                           },
                       .reopen = directory});

    std::unique_ptr<memory_sink> memory;
    auto const in_memory = [&] {
        return std::make_unique<testing::blocking_sink_under_test<memory_sink&>>(*memory);
    };
    expect_all_passed({.make =
                           [&] {
                               memory = std::make_unique<memory_sink>();
                               return in_memory();
                           },
                       .reopen = in_memory});
    CHECK(failed_checks<right_sink>().empty());
}

TEST_CASE("what a sink's subject does not offer is skipped") {
    testing::sink_subject const subject{
        .make = [] { return std::make_unique<right_sink>(std::make_shared<kept>()); },
        .one_token = true,
        .threads = false};
    int skipped = 0;
    for (auto const& o : testing::check_sink(subject))
        skipped += o.skipped ? 1 : 0;
    CHECK(skipped == 10);
    CHECK(testing::check_sink(subject, "a new sink").size() == 1);

    struct no_lists : right_sink {
        using right_sink::right_sink;
        std::optional<tokens> listed() override { return std::nullopt; }
    };
    testing::sink_subject const plain{
        .make = [] { return std::make_unique<no_lists>(std::make_shared<kept>()); }};
    for (auto const& o : testing::check_sink(plain, "list"))
        CHECK(o.skipped);
}

TEST_CASE("a sink with one defect fails the checks that name it") {
    struct always_held : right_sink {
        using right_sink::right_sink;
        held find(std::string_view) override {
            return std::optional<held_token>({.token_id = "id-0", .client_id = {}});
        }
    };
    expect_failed<always_held>({"a new sink holds nothing"});

    struct prepares_too_much : right_sink {
        using right_sink::right_sink;
        result<void> prepare(intent const& i) override {
            return right_sink::store(i, testing::detail::sample_token("trial"));
        }
    };
    expect_failed<prepares_too_much>(
        {"prepare of a new key is a success and leaves nothing that find shows",
         "a key that holds the intent's own token is not refused by prepare"});

    struct prepares_once : right_sink {
        using right_sink::right_sink;
        result<void> prepare(intent const& i) override {
            if (!prepared.insert(i.key).second) return error(errc::sink_failed, "prepared");
            return right_sink::prepare(i);
        }
        std::set<std::string> prepared{};
    };
    expect_failed<prepares_once>({"prepare says the same when it is asked again"});

    struct forgetful : right_sink {
        using right_sink::right_sink;
        result<void> store(intent const&, issued_service_token const&) override { return {}; }
    };
    expect_failed<forgetful>({"a token that was stored is found, with id, client id and version",
                              "what was stored is there after the sink was closed"});

    struct needs_prepare : right_sink {
        using right_sink::right_sink;
        result<void> prepare(intent const& i) override {
            prepared = true;
            return right_sink::prepare(i);
        }
        result<void> store(intent const& i, issued_service_token const& token) override {
            if (!prepared) return error(errc::sink_failed, "not prepared");
            return right_sink::store(i, token);
        }
        bool prepared = false;
    };
    expect_failed<needs_prepare>({"a token is stored without prepare, too"});

    expect_failed<changing<decltype([](intent&, issued_service_token& t) {
        t.client_secret_version = t.client_secret_version.value_or(1);
    })>>({"a token whose version is not known is found with version 0"});
    expect_failed<changing<decltype([](intent&, issued_service_token& t) {
        t.client_secret_version.reset();
    })>>({"a token that was stored is found, with id, client id and version",
          "an earlier secret of the token is refused, and the later one stays"});
    expect_failed<changing<decltype([](intent&, issued_service_token& t) { t.client_id = t.id; })>>(
        {"a token that was stored is found, with id, client id and version"});
    expect_failed<changing<decltype([](intent&, issued_service_token& t) {
        t.client_secret = secret("another");
    })>>({"a later secret of the token replaces the earlier one",
          "the same secret stored again is a success"});
    expect_failed<
        changing<decltype([](intent& i, issued_service_token&) { i.key = i.key.substr(0, 3); })>>(
        {"each key has a token of its own"});
    expect_failed<changing<decltype([](intent& i, issued_service_token&) {
        if (i.key.find_first_of("/ '\"*%\n.\xc3") != i.key.npos) i.key = "_";
    })>>({"keys are distinguished byte for byte"});

    struct since_when : right_sink {
        using right_sink::right_sink;
        held find(std::string_view key) override {
            auto found = right_sink::find(key);
            if (found && *found) (*found)->since = *timestamp::parse("2020-01-01T00:00:00Z");
            return found;
        }
    };
    expect_failed<since_when>({"find tells since when, or that it does not know"});

    struct first_only : right_sink { // replaces nothing
        using right_sink::right_sink;
        result<void> store(intent const& i, issued_service_token const& token) override {
            if (find(i.key).value()) return error(errc::sink_failed, "held");
            return right_sink::store(i, token);
        }
    };
    expect_failed<first_only>({"a later secret of the token replaces the earlier one",
                               "the same secret stored again is a success"});

    struct last_wins : right_sink {
        using right_sink::right_sink;
        result<void> prepare(intent const&) override { return {}; }
        result<void> store(intent const& i, issued_service_token const& token) override {
            auto const there = find(i.key);
            if (there.value()) static_cast<void>(right_sink::forget((*there)->token_id));
            return right_sink::store(i, token);
        }
    };
    expect_failed<last_wins>(
        {"an earlier secret of the token is refused, and the later one stays",
         "a key that holds another token is refused by store, and that token stays",
         "a key that holds another token is refused by prepare",
         "another process is refused an earlier secret, and a key that is taken",
         "of threads that store tokens under one key at once, one succeeds, and its token is "
         "held"});

    struct own_refused : right_sink {
        using right_sink::right_sink;
        result<void> prepare(intent const& i) override {
            if (find(i.key).value()) return error(errc::sink_failed, "held");
            return {};
        }
    };
    expect_failed<own_refused>(
        {"a key that holds the intent's own token is not refused by prepare"});

    struct keeps_all : right_sink {
        using right_sink::right_sink;
        result<void> forget(std::string_view) override { return {}; }
    };
    expect_failed<keeps_all>({"forget removes the token", "forget removes one token and no other",
                              "the key of a forgotten token may be used again",
                              "a token that was forgotten may be stored again, with any version"});

    struct by_prefix : right_sink {
        using right_sink::right_sink;
        result<void> forget(std::string_view token_id) override {
            for (int n = 0; n != 20; ++n)
                if (auto const id = "id-" + std::to_string(n); id.starts_with(token_id))
                    static_cast<void>(right_sink::forget(id));
            return {};
        }
    };
    expect_failed<by_prefix>({"forget of a token that is not held succeeds and removes nothing"});

    struct not_there : right_sink {
        using right_sink::right_sink;
        result<void> forget(std::string_view token_id) override {
            if (!all->sink.holds(token_id).value()) return error(errc::sink_failed, "not held");
            return right_sink::forget(token_id);
        }
    };
    expect_failed<not_there>({"forget of a token that is not held succeeds and removes nothing",
                              "forget twice is a success"});

    struct talkative : right_sink {
        using right_sink::right_sink;
        result<void> store(intent const& i, issued_service_token const& token) override {
            if (right_sink::store(i, token)) return {};
            return error(errc::sink_failed,
                         "not stored: " + std::string(token.client_secret.reveal()));
        }
    };
    expect_failed<talkative>({"an error shows no secret"});

    struct lagging : right_sink { // shows to others what was there when they came
        using right_sink::right_sink;
        held find(std::string_view key) override {
            if (writes) return right_sink::find(key);
            auto const [at, fresh] = seen.try_emplace(std::string(key), right_sink::find(key));
            return at->second;
        }
        result<void> store(intent const& i, issued_service_token const& token) override {
            writes = true;
            return right_sink::store(i, token);
        }
        std::map<std::string, held> seen{};
        bool writes = false;
    };
    expect_failed<lagging>(
        {"another process sees what was stored, replaced and forgotten, at once"});

    struct lists_what_it_forgot : right_sink {
        using right_sink::right_sink;
        result<void> store(intent const& i, issued_service_token const& token) override {
            auto const stored = right_sink::store(i, token);
            if (auto const now = find(i.key).value(); stored && now) seen.push_back(*now);
            return stored;
        }
        std::optional<tokens> listed() override { return tokens(seen); }
        std::vector<held_token> seen{};
    };
    expect_failed<lists_what_it_forgot>(
        {"list shows a token once whose secret was replaced, with the later version",
         "list shows no token that was forgotten",
         "another process lists what was stored and forgotten, at once"});

    struct lists_prepared : right_sink {
        using right_sink::right_sink;
        result<void> prepare(intent const& i) override {
            is_prepared = true;
            return right_sink::prepare(i);
        }
        std::optional<tokens> listed() override {
            auto all_held = all->sink.list();
            if (is_prepared) all_held->emplace_back();
            return all_held;
        }
        bool is_prepared = false;
    };
    expect_failed<lists_prepared>({"list of an empty sink shows nothing, also after prepare"});

    // Each lists with one member wrong.
    expect_failed<listing<decltype([](held_token& h) { h.key = h.token_id; })>>(
        {"list shows a token under its key, as find does",
         "each key is listed, with its own token"});
    expect_failed<listing<decltype([](held_token& h) { h.token_id = h.key; })>>(
        {"list shows a token under its key, as find does"});
    expect_failed<listing<decltype([](held_token& h) { h.client_id.clear(); })>>(
        {"list shows a token under its key, as find does"});
    expect_failed<listing<decltype([](held_token& h) { h.version = 1; })>>(
        {"list shows a token under its key, as find does",
         "list shows a token once whose secret was replaced, with the later version"});
    expect_failed<listing<decltype([](held_token& h) { h.since = h.since.plus(1s); })>>(
        {"list shows a token under its key, as find does"});

    struct lists_one : right_sink {
        using right_sink::right_sink;
        std::optional<tokens> listed() override {
            auto all_held = all->sink.list();
            if (all_held->size() > 1) all_held->resize(1);
            return all_held;
        }
    };
    expect_failed<lists_one>({"each key is listed, with its own token"});

    struct cannot_list : right_sink {
        using right_sink::right_sink;
        std::optional<tokens> listed() override { return tokens(error(errc::sink_failed, "no")); }
    };
    expect_failed<cannot_list>({"list of an empty sink shows nothing, also after prepare"});

    struct unlocked : right_sink { // looks, and writes later
        using right_sink::right_sink;
        result<void> store(intent const& i, issued_service_token const& token) override {
            auto const there = find(i.key).value();
            if (there && (there->token_id != token.id ||
                          there->version > token.client_secret_version.value_or(0)))
                return error(errc::sink_failed, "held");
            std::this_thread::sleep_for(
                std::chrono::milliseconds(5 * token.client_secret_version.value_or(0)));
            std::this_thread::sleep_for(std::chrono::milliseconds(
                token.client_secret_version > 1 ? 80 - 10 * token.client_secret_version.value_or(0)
                                                : 90));
            std::lock_guard const lock(all->mutex);
            if (auto const now = right_sink::find(i.key).value())
                static_cast<void>(right_sink::forget(now->token_id));
            auto const stored = all->sink.store(i, token);
            if (stored) all->secrets[i.key] = token.client_secret.reveal();
            return stored;
        }
    };
    expect_failed<unlocked>(
        {"of threads that store tokens under one key at once, one succeeds, and its token is held",
         "of threads that store secrets of one token at once, the latest is held in the end"});

    for (auto const& c : testing::detail::sink_checks) {
        CAPTURE(c.name);
        CHECK(ever_failed().contains(c.name));
    }
}

} // namespace sink_conformance_tests

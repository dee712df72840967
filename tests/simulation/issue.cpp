// Simulates issues: each single fault and crash in turn, pairs of them, and random schedules of
// concurrent processes. Usage: simulate_issue [RANDOM_SCHEDULES [FIRST_SEED]]
#include "oracle.hpp"
#include "tally.hpp"
#include "world.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace simulation;

access::any_scope scope_of(bool account) {
    std::string const id(32, '7');
    return account ? access::any_scope(access::account_scope::parse(id).value())
                   : access::any_scope(access::zone_scope::parse(id).value());
}

/// Tokens that other people have in the scope: of the same name, and with the tag of an issue that
/// is not ours.
std::vector<stranger> add_strangers(world& w, access::any_scope const& where) {
    std::vector<stranger> all;
    for (std::string const& name :
         {std::string("ci"), access::tagged_name("ci", std::string(32, '9'))}) {
        auto const op = access::create_service_token(where, access::create_params(name));
        auto const r =
            cf::make_request(op, cf::api_token::make("stranger").value(), cf::client_options());
        static_cast<void>(w.box.handle(r.value(), w.wall()));
        auto const& t = w.box.tokens().back();
        all.push_back({t.id, t.name, t.secret});
    }
    return all;
}

/// Lets an hour and more pass.
void pass_time(world& w) {
    w.clock.at(w.clock.now() + 2h, [] {});
    w.clock.run();
}

/// Runs reconcile with a plan, as a process of its own.
void reconcile_once(world& w, access::any_scope const& where, plan p = {}) {
    process one(w, std::move(p));
    std::vector<task<void>> tasks;
    tasks.push_back(reconcile(one, where));
    run(w, tasks);
}

struct history {
    bool account = true;
    cf::testing::sandbox_switches switches{};
    std::uint64_t seed = 1;
    std::vector<plan> issuers{1};    ///< they run side by side
    std::vector<plan> reconcilers{}; ///< one after the other, while the issues are young, and later
    bool has_strangers = true;
    bool disabled = false; ///< the token is to be created disabled
};

/// Plays a history; gives what is wrong with it, and by reference what its first issuer did.
std::vector<std::string> play(history const& h, int* steps = nullptr, int* requests = nullptr) {
    world w(h.seed, h.switches);
    auto const where = scope_of(h.account);
    auto const strangers = h.has_strangers ? add_strangers(w, where) : std::vector<stranger>();

    std::deque<process> processes;
    std::vector<task<void>> tasks;
    for (auto const& p : h.issuers) {
        processes.emplace_back(w, p);
        auto params = access::create_params("ci");
        if (h.disabled) params.enabled(false);
        tasks.push_back(issue(processes.back(), where, std::move(params)));
    }
    for (auto const& p : h.reconcilers) {
        processes.emplace_back(w, p);
        tasks.push_back(reconcile(processes.back(), where));
    }
    run(w, tasks);
    if (steps != nullptr) *steps = processes.front().steps();
    if (requests != nullptr) *requests = processes.front().requests();
    check_ownership(w, strangers);
    check_successes(w);

    for (auto const& p : h.reconcilers) {
        pass_time(w);
        reconcile_once(w, where, p);
        check_ownership(w, strangers);
        check_successes(w);
    }
    pass_time(w);
    reconcile_once(w, where);
    check_ownership(w, strangers);
    check_successes(w);
    if (h.switches.read_permission) check_settled(w, strangers);
    check_silence(w);
    return w.complaints;
}

void tell(history const& h, tally& t, std::string const& what) {
    t.add(play(h), what, h.seed);
}

/// What the API may be like.
std::vector<cf::testing::sandbox_switches> kinds_of_api() {
    std::vector<cf::testing::sandbox_switches> kinds(7);
    kinds[1].rotate_raises_version = false;
    kinds[2].list_lag = 10s;
    kinds[3].shows_version_and_enabled = false;
    kinds[4].read_permission = false;
    kinds[5].rotate_refuses_disabled = true;
    kinds[6].token_limit = 2; // the strangers fill it
    return kinds;
}

/// Each fault of each request, each crash, each failure of sink and log, alone and in pairs.
void enumerate(tally& t) {
    int kind = 0;
    for (auto const& switches : kinds_of_api()) {
        ++kind;
        for (bool const account : {true, false}) {
            history const base{.account = account, .switches = switches, .disabled = kind == 6};
            auto const name = "kind " + std::to_string(kind) + (account ? ", account" : ", zone");
            tell(base, t, name);
            for (int request = 1; request <= 6; ++request) {
                for (auto const f : all_faults()) {
                    auto faulty = base;
                    faulty.issuers[0].requests[request] = f;
                    auto const label = name + ", request " + std::to_string(request) + " fate " +
                                       std::to_string(static_cast<int>(f));
                    tell(faulty, t, label);

                    int steps = 0, requests = 0;
                    static_cast<void>(play(faulty, &steps, &requests));
                    if (requests < request) continue;
                    for (int crash = 1; crash <= steps; ++crash) {
                        auto dying = faulty;
                        dying.issuers[0].crash_at_step = crash;
                        tell(dying, t, label + ", crash " + std::to_string(crash));
                    }
                    for (int other = request + 1; other <= 6; ++other)
                        for (auto const g : all_faults()) {
                            auto twice = faulty;
                            twice.issuers[0].requests[other] = g;
                            tell(twice, t,
                                 label + ", then request " + std::to_string(other) + " fate " +
                                     std::to_string(static_cast<int>(g)));
                        }
                    auto sinking = faulty;
                    sinking.issuers[0].sink_fails_at = 1;
                    tell(sinking, t, label + ", sink");
                    for (int write = 1; write <= 2; ++write) {
                        auto unlogged = faulty;
                        unlogged.issuers[0].log_fails_at = write;
                        tell(unlogged, t, label + ", log " + std::to_string(write));
                    }
                }
            }
            for (int request = 1; request <= 3; ++request)
                for (std::size_t left = 0; left <= 520; ++left) {
                    auto shortened = base;
                    if (request > 1) shortened.issuers[0].requests[1] = fate::lost_after;
                    shortened.issuers[0].cuts[request] = left;
                    tell(shortened, t,
                         name + ", request " + std::to_string(request) + " cut at " +
                             std::to_string(left));
                }
            int steps = 0;
            static_cast<void>(play(base, &steps));
            for (int crash = 1; crash <= steps; ++crash) {
                auto dying = base;
                dying.issuers[0].crash_at_step = crash;
                tell(dying, t, name + ", crash " + std::to_string(crash));
                for (int again = 1; again <= 40; ++again) {
                    dying.reconcilers = {plan{.crash_at_step = again}};
                    tell(dying, t,
                         name + ", crash " + std::to_string(crash) + ", reconcile crash " +
                             std::to_string(again));
                }
            }
        }
    }
}

history random_history(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    auto const kinds = kinds_of_api();
    history h{
        .account = random() % 2 == 0, .switches = kinds[random() % kinds.size()], .seed = seed};
    h.issuers.clear();
    for (auto n = 1 + random() % 3; n != 0; --n)
        h.issuers.push_back(random_plan(random, 4));
    for (auto n = random() % 3; n != 0; --n)
        h.reconcilers.push_back(random_plan(random, 4));
    h.has_strangers = random() % 4 != 0;
    h.disabled = random() % 4 == 0;
    return h;
}

} // namespace

int main(int argc, char** argv) {
    auto const schedules = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000ULL;
    auto const first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1ULL;
    tally enumerated, random;
    enumerate(enumerated);
    for (auto i = 0ULL; i != schedules; ++i)
        tell(random_history(first + i), random, "random");
    return finish(enumerated, random, first);
}

// Simulates rotations: each fault and crash in turn, pairs of them, and random schedules of
// concurrent rotations. In each history the secret that the sink holds must be accepted at every
// moment. Usage: simulate_rotation [RANDOM_SCHEDULES [FIRST_SEED]]
#include "rotation_faults.hpp"
#include "rotation_oracle.hpp"
#include "rotation_world.hpp"
#include "tally.hpp"

#include <cloudflare/access/rotation.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace simulation;

constexpr auto grace = 24h;

task<void> rotate(process& p, access::any_scope where, std::string id) {
    auto& w = p.in();
    try {
        sink s{p};
        access::rotation rotation(make_client(p), std::move(where), s,
                                  access::rotation_options().now_from([&w] { return w.wall(); }));
        auto pending = rotation.rotate(id, grace);
        auto const done = co_await std::move(pending);
        if (done) {
            w.issued_ids.push_back(done->token.id);
        } else {
            w.saw(done.error().to_string());
        }
    } catch (crashed const&) {
    }
}

struct history {
    bool account = true;
    cf::testing::sandbox_options switches{};
    std::uint64_t seed = 1;
    std::vector<plan> rotations{1}; ///< side by side
};

/// Complains where the secret in the sink is not accepted now.
void check_in_use(world& w, std::string const& id) {
    auto const held = w.sink.stored(id);
    if (!w.box.admits(held->client_id, held->client_secret.reveal(), w.wall()))
        w.complain("the secret in use is not accepted");
}

std::vector<std::string> play(history const& h, int* steps = nullptr, int* requests = nullptr) {
    world w(h.seed, h.switches);
    std::string const scope_id(32, '7');
    auto const where = h.account ? access::any_scope(access::account_scope::parse(scope_id).value())
                                 : access::any_scope(access::zone_scope::parse(scope_id).value());
    auto const op = access::create_service_token(where, access::create_params("ci"));
    auto const who = cf::api_token::make("simulated-credential").value();
    auto const r = cf::make_request(op, who, cf::client_options());
    auto const made =
        cf::decode<access::create_service_token>(w.box.handle(r.value(), w.wall())).value();
    w.secrets.insert(std::string(made.client_secret.reveal()));
    w.sink.store(made).value();

    std::deque<process> processes;
    std::vector<task<void>> tasks;
    for (auto const& p : h.rotations) {
        processes.emplace_back(w, p);
        tasks.push_back(rotate(processes.back(), where, made.id));
    }
    // At every moment of the next hour.
    for (auto moment = 0s; moment != 300s; moment += 1s)
        w.clock.at(w.clock.now() + moment, [&w, &made] { check_in_use(w, made.id); });
    run(w, tasks);
    check_in_use(w, made.id);
    if (steps != nullptr) *steps = processes.front().steps();
    if (requests != nullptr) *requests = processes.front().requests();

    // One that goes well later, when every grace period has ended, always succeeds.
    w.clock.at(w.clock.now() + 2 * grace, [] {});
    w.clock.run();
    w.issued_ids.clear();
    process last(w, plan());
    std::vector<task<void>> tasks_of_last;
    tasks_of_last.push_back(rotate(last, where, made.id));
    run(w, tasks_of_last);
    if (w.issued_ids.empty()) w.complain("a rotation without a fault did not succeed");
    check_in_use(w, made.id);
    check_successes(w);
    check_silence(w);
    return w.complaints;
}

void tell(history const& h, tally& t, std::string const& what) {
    t.add(play(h), what, h.seed);
}

std::vector<cf::testing::sandbox_options> kinds_of_api() {
    std::vector<cf::testing::sandbox_options> kinds(4);
    kinds[1].rotate_raises_version = false;
    kinds[2].lower_version_is_refused = false;
    kinds[3].shows_version_and_enabled = false; // for accounts: /rotate
    return kinds;
}

void enumerate(tally& t) {
    int kind = 0;
    for (auto const& switches : kinds_of_api()) {
        ++kind;
        for (bool const account : {true, false}) {
            if (!account && !switches.shows_version_and_enabled)
                continue; // no way to rotate safely
            history const base{.account = account, .switches = switches};
            auto const name = "kind " + std::to_string(kind) + (account ? ", account" : ", zone");
            tell(base, t, name);
            for (int request = 1; request <= 2; ++request)
                for (std::size_t left = 0; left <= 520; ++left) {
                    auto shortened = base;
                    shortened.rotations[0].cuts[request] = left;
                    tell(shortened, t,
                         name + ", request " + std::to_string(request) + " cut at " +
                             std::to_string(left));
                }
            for (int request = 1; request <= 6; ++request) {
                for (auto const f : all_faults()) {
                    auto faulty = base;
                    faulty.rotations[0].requests[request] = f;
                    auto const label = name + ", request " + std::to_string(request) + " fate " +
                                       std::to_string(static_cast<int>(f));
                    int steps = 0, requests = 0;
                    tell(faulty, t, label);
                    static_cast<void>(play(faulty, &steps, &requests));
                    if (requests < request) continue;
                    for (int crash = 1; crash <= steps; ++crash) {
                        auto dying = faulty;
                        dying.rotations[0].crash_at_step = crash;
                        tell(dying, t, label + ", crash " + std::to_string(crash));
                    }
                    for (int other = request + 1; other <= 6; ++other)
                        for (auto const g : all_faults()) {
                            auto twice = faulty;
                            twice.rotations[0].requests[other] = g;
                            tell(twice, t,
                                 label + ", then request " + std::to_string(other) + " fate " +
                                     std::to_string(static_cast<int>(g)));
                        }
                    auto sinking = faulty;
                    sinking.rotations[0].sink_fails_at = 1;
                    tell(sinking, t, label + ", sink");
                }
            }
        }
    }
}

history random_history(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    auto const kinds = kinds_of_api();
    history h{.switches = kinds[random() % 3], .seed = seed}; // two at once need the version
    h.account = random() % 2 == 0;
    h.rotations.clear();
    for (auto n = 1 + random() % 3; n != 0; --n)
        h.rotations.push_back(random_plan(random, 3));
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

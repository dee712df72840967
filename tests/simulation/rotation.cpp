// Simulates rotations and renewals with all their consumers: each single fault, freeze and crash in
// turn, pairs of them, and random schedules of processes and people on several hosts.
// Usage: simulate_rotation [RANDOM_SCHEDULES [FIRST_SEED [first | random]]], as simulate_issue.
#include "enumeration.hpp"
#include "rotation_oracle.hpp"
#include "rotation_seeds.hpp"
#include "tally.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace simulation;

struct token_plan {
    cf::token_duration duration = cf::token_duration::hours(8760);
    std::chrono::seconds age{72h};
    int host = 0;
};

struct history {
    kind what{};
    std::uint64_t seed = 1;
    int hosts = 1;
    int sinks = 1;
    bool account = true;
    std::chrono::seconds grace = 30h; ///< the least of all rotators
    std::vector<token_plan> tokens{1};
    std::vector<task_plan> tasks{1}; ///< they run side by side
    access::renewal_policy policy{};
    int people = 0;
    bool must_succeed = false; ///< every rotation, and change of a grace
};

/// Makes a token, and gives its secret to a sink.
void add_tended(world& w, consumers& c, token_plan const& plan, std::size_t number) {
    auto const op =
        access::create_service_token(w.scope, access::create_params("ci").duration(plan.duration));
    w.do_by_hand(op);
    auto const& made = w.box.tokens().back();
    access::issued_service_token token;
    token.id = made.id;
    token.client_id = made.client_id;
    token.name = made.name;
    token.client_secret = cf::secret(std::string(made.secret));
    if (w.what.switches.shows_version_and_enabled) token.client_secret_version = made.version;
    access::intent i(std::string(32, '5'), w.scope, "ci");
    i.key = "key " + std::to_string(number);
    i.token_id = made.id;
    auto const sink = w.sink_of(plan.host);
    static_cast<void>(w.sinks[static_cast<std::size_t>(sink)].store(i, token));
    tended t;
    t.key = i.key;
    t.id = made.id;
    t.client_id = made.client_id;
    t.sink = sink;
    t.duration = plan.duration;
    c.add(std::move(t));
}

void let_pass(world& w, std::chrono::seconds span) {
    w.clock.at(w.clock.now() + span, [] {});
    w.clock.run();
}

/// What holds of every rotation, whatever it met.
void check_bounds(world& w, consumers& c, history const& h, std::deque<process> const& processes) {
    for (std::size_t n = 0; n != h.tasks.size(); ++n) {
        auto const& task = h.tasks[n];
        auto const& p = processes[n];
        bool const changes = task.what == errand::extend || task.what == errand::end_grace;
        if (changes && h.must_succeed && !c.purposes[&p].has_succeeded)
            w.complain("a change of a grace failed for a fault that passes");
        if (task.what != errand::rotate) continue;
        auto const& s = h.what.switches;
        bool const is_plain = s.update_shows_secret && s.max_grace_of_rotation == 0s;
        bool const is_calm =
            is_plain && h.tasks.size() == 1 && h.people == 0 && task.faults.is_faultless();
        if (is_calm && p.requests() > 3)
            w.complain("a rotation without a fault took more requests than it needs");
        if (h.must_succeed && !c.purposes[&p].has_succeeded)
            w.complain("a rotation failed for a fault that passes");
        bool const was_told =
            task.faults.sink_broken_from != 0 && task.faults.sink_broken_from <= 3;
        if (was_told && c.purposes[&p].made >= 0)
            w.complain("a secret was made though the sink could not take it");
    }
}

/// Lets faults end, and time pass; renewers look.
void recover(world& w, consumers& c, history const& h) {
    w.faults_end = true;
    w.banned_until = {};
    auto policy = h.policy;
    let_pass(w, lease_span + 2min);
    auto const rounds = [&](int count, errand what) {
        policy.replace_lost(what == errand::renew_and_replace);
        for (int n = 0; n != count; ++n) {
            let_pass(w, policy.poll_interval());
            for (int host = 0; host != static_cast<int>(w.sinks.size()); ++host) {
                auto const latency = 20ms;
                process one(w, plan{.latency = latency, .host = host});
                task_plan look{.what = what, .looks = 1, .every = 1s, .policy = policy};
                if (what == errand::renew_and_replace) look.consumers_take = 1min;
                std::vector<task<void>> tasks;
                tasks.push_back(renew(one, c, look));
                run(w, tasks);
                c.purposes.erase(&one);
            }
            c.knock();
        }
    };
    auto const spans = [&](std::chrono::seconds span) {
        return static_cast<int>(span / policy.poll_interval()) + 1;
    };
    auto const old_enough = policy.rotate_after().value_or(0s) + policy.grace();
    rounds((std::min)(spans(old_enough), 12), errand::renew);
    check_tended(w, c, policy, h.account);
    rounds(3, errand::renew_and_replace);
    check_healed(w, c, h.account, w.wall().plus(-policy.poll_interval()));
}

/// Plays a history; gives what is wrong with it.
std::vector<std::string> play(history const& h) {
    world w(h.seed, h.what, h.hosts, h.sinks);
    if (!h.account) w.scope = access::zone_scope::parse(std::string(32, '7')).value();
    w.add_stranger("ci");
    consumers c(w, h.grace);
    c.refresh_before = h.policy.refresh_before();
    if (h.what.churns)
        for (int i = 0; i != 3; ++i)
            w.churned.push_back(w.add_token("churn"));
    // The oldest first, so that each is as old as it is to be when the processes start.
    std::vector<std::size_t> order;
    for (std::size_t n = 0; n != h.tokens.size(); ++n)
        order.push_back(n);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
        return std::pair(h.tokens[b].age, a) < std::pair(h.tokens[a].age, b);
    });
    for (std::size_t n = 0; n != order.size(); ++n) {
        auto const age = h.tokens[order[n]].age;
        auto const next = n + 1 == order.size() ? 0s : h.tokens[order[n + 1]].age;
        add_tended(w, c, h.tokens[order[n]], order[n]);
        let_pass(w, age - next);
    }
    std::sort(c.tokens.begin(), c.tokens.end(),
              [](auto const& a, auto const& b) { return a.key < b.key; });

    std::deque<process> processes;
    std::vector<task<void>> tasks;
    for (auto const& t : h.tasks) {
        processes.emplace_back(w, t.faults);
        bool const looks = t.what == errand::renew || t.what == errand::renew_and_replace;
        tasks.push_back(looks ? renew(processes.back(), c, t) : rotate(processes.back(), c, t));
    }
    std::mt19937_64 random(h.seed ^ 0x5bd1e995);
    for (int i = 0; i != h.people; ++i) {
        auto const when = std::chrono::milliseconds(random() % (i == 0 ? 400 : 200'000'000));
        auto const choice = random();
        w.clock.at(w.clock.now() + when, [&w, &c, choice] { meddle(w, c, choice); });
    }
    run(w, tasks);
    c.knock();
    check_bounds(w, c, h, processes);
    recover(w, c, h);
    check_always(w, c);
    if (shows_history()) show(w, c);
    return w.complaints;
}

bool ends_at_first = false; // complaint

void tell(history const& h, tally& t, std::string const& what) {
    static char const* const only = std::getenv("ONLY_HISTORY"); // part of what it is called
    if (only != nullptr && what.find(only) == what.npos) return;
    auto const wrong = play(h);
    static bool const names_all = std::getenv("NAME_WRONG") != nullptr;
    if (names_all && !wrong.empty())
        std::printf("%s, seed %llu [%s]: %s\n", what.c_str(),
                    static_cast<unsigned long long>(h.seed), h.what.name.c_str(), wrong[0].c_str());
    t.add(wrong, what, h.seed);
    if (!ends_at_first || t.wrong == 0) return;
    t.show();
    std::exit(1);
}

/// What the API may be like.
std::vector<kind> all_kinds() {
    std::vector<kind> kinds;
    auto const add = [&](char const* name) -> kind& {
        kinds.emplace_back().name = name;
        return kinds.back();
    };
    add("usual");
    add("old API").switches.shows_version_and_enabled = false;
    add("update shows no secret").switches.update_shows_secret = false;
    add("rotate keeps version").switches.rotate_raises_version = false;
    add("lower version ignored").switches.lower_version_is_refused = false;
    add("updates move expiry").switches.update_moves_expiry = true;
    add("refresh uses duration").switches.refresh_uses_duration = true;
    add("expiry not shown with secret").switches.shows_expiry_with_secret = false;
    add("masked secrets").switches.masks_secrets = true;
    add("lag").lag = 10s;
    auto& slow = add("long lag");
    slow.lag = 10min;
    slow.get_is_behind = true;
    add("no permission to read").switches.read_permission = false;
    add("no permission to list").may_list = false;
    add("pages of 1").page_size = 1;
    auto& pages = add("pages of 2 that shift");
    pages.page_size = 2;
    pages.churns = true;
    auto& same = add("page ignored");
    same.page_size = 2;
    same.switches.ignores_page = true;
    add("no counts").switches.has_result_info = false;
    add("end of a grace shown once").switches.shows_previous_expiry = false;
    add("short grace").switches.max_grace_of_rotation = 20h;
    add("sinks' clock slow").sink_offset = -25h;
    add("sinks' clock fast").sink_offset = 25h;
    return kinds;
}

access::renewal_policy policy_of(std::chrono::seconds grace) {
    return access::renewal_policy().rotate_after(2 * grace).grace(grace).poll_interval(grace / 3);
}

/// One process that rotates, or renews what is due.
history base_history(kind const& k, bool account, errand what) {
    history h{.what = k};
    h.account = account;
    h.what.latest = h.grace - 1h;
    h.policy = policy_of(h.grace);
    h.tasks[0].what = what;
    h.tasks[0].grace = h.grace;
    h.tasks[0].looks = 2;
    h.tasks[0].every = h.grace / 3;
    h.tasks[0].policy = h.policy;
    return h;
}

/// Whether no fault but one that lasts fails a rotation.
bool can_always_succeed(history const& h) {
    return h.tasks[0].what == errand::rotate && h.what.name == "usual" && h.account;
}

/// Whether a fault that strikes once is over before a rotation gives up.
bool passes(fate f) {
    return f == fate::refused || f == fate::lost_before || f == fate::error_before ||
           f == fate::busy || f == fate::limited;
}

/// Faults that come again and again.
void enumerate_lasting(tally& t, history const& base, std::string const& label) {
    if (base.what.switches.max_grace_of_rotation != 0s) return; // and none of them mends that
    auto const at = [](int n) { return " from " + std::to_string(n) + " on"; };
    for (int call = 1; call <= 6; ++call) {
        auto sinking = base;
        sinking.tasks[0].faults.sink_broken_from = call;
        tell(sinking, t, label + ", sink fails" + at(call));
        auto unlogged = base;
        unlogged.tasks[0].faults.log_broken_from = call;
        tell(unlogged, t, label + ", log fails" + at(call));
    }
    for (int request = 1; request <= 4; ++request)
        for (auto const f : all_faults()) {
            auto faulty = base;
            for (int n = 0; n != 6; ++n)
                faulty.tasks[0].faults.requests[request + n] = f;
            // The third is the one that rotates: it goes on when the client has given up.
            bool const does_nothing = f == fate::lost_before || f == fate::error_before;
            faulty.must_succeed = does_nothing && request == 3 && can_always_succeed(base);
            tell(faulty, t,
                 label + ", requests" + at(request) + " fate " +
                     std::to_string(static_cast<int>(f)));
        }
}

/// Each fault of each request, step and call of a store, alone and in pairs; first in the usual
/// world, where there are more of them.
void enumerate_task(tally& t, history const& base, std::string const& label, bool thorough) {
    tell(base, t, label);
    each_fault(thorough ? pair_limits{40, 5, 4} : pair_limits(),
               [&](plan const& faults, std::string const& what, first_fault const& first) {
                   auto faulty = base;
                   faulty.tasks[0].faults = faults;
                   faulty.must_succeed =
                       passes(first.request) && first.is_alone && can_always_succeed(base);
                   tell(faulty, t, label + what);
               });
    enumerate_lasting(t, base, label);
    for (int step = 1; step <= 24; ++step) {
        auto const at = ", step " + std::to_string(step);
        auto dying = base;
        dying.tasks[0].faults.crash_at_step = step;
        tell(dying, t, label + at + ", crash");
        auto stopping = base;
        stopping.tasks[0].faults.cancel_at_step = step;
        tell(stopping, t, label + at + ", cancel");
        for (auto const span :
             {std::chrono::seconds(11min), std::chrono::seconds(3h), std::chrono::seconds(80h)}) {
            auto sleeping = base;
            sleeping.tasks[0].faults.freezes[step] = span;
            sleeping.tasks[0].faults.suspends = step % 2 == 0;
            for (int n = 1; n <= 5; ++n) { // somebody looks meanwhile
                task_plan look = base.tasks[0];
                look.what = n == 4 ? errand::renew_and_replace : errand::renew;
                look.faults.starts_at = n * base.grace / 3;
                look.looks = 1;
                sleeping.tasks.push_back(look);
            }
            tell(sleeping, t, label + at + ", freeze");
            sleeping.tasks.resize(1); // somebody else rotates meanwhile
            auto other = base.tasks[0];
            other.faults.starts_at = span / 2;
            other.grace = 3 * base.grace;
            for (auto const second : {errand::rotate, errand::replace}) {
                other.what = second;
                sleeping.tasks.resize(1);
                sleeping.tasks.push_back(other);
                tell(sleeping, t, label + at + ", freeze, and another rotation");
            }
        }
        if (!thorough) continue;
        for (int again = 1; again <= 30; ++again) {
            auto twice = dying;
            twice.tasks.push_back(base.tasks[0]);
            twice.tasks[1].faults = plan{.crash_at_step = again, .starts_at = 20min};
            tell(twice, t, label + at + ", crash, and again at " + std::to_string(again));
        }
    }
    for (auto const offset : {-25h, -2h, 2h, 25h}) {
        auto wrong = base;
        wrong.tasks[0].faults.wall_offset = offset;
        wrong.tasks[0].faults.jumps[5] = -2 * offset;
        tell(wrong, t, label + ", clock wrong");
    }
    for (auto const second : {errand::rotate, errand::revoke, errand::renew}) // side by side
        for (int when = 0; when <= 6; ++when) {
            auto two = base;
            two.tasks.push_back(base.tasks[0]);
            two.tasks[1].what = second;
            two.tasks[1].grace = 3 * base.grace;
            two.tasks[0].faults.latency = 1s;
            two.tasks[1].faults.latency = std::chrono::milliseconds(700);
            two.tasks[1].faults.starts_at = std::chrono::seconds(when * when);
            tell(two, t, label + ", two at once");
            two.tasks[0].faults.starts_at = 0s;
            two.tasks[1].faults.starts_at = when * base.grace / 4;
            tell(two, t, label + ", one after the other");
        }
}

/// Each fault of a change of the grace that a rotation has left.
void enumerate_changes(tally& t, kind const& k, errand what) {
    auto base = base_history(k, true, errand::rotate);
    base.tasks.push_back(base.tasks[0]);
    base.tasks[1].what = what;
    base.tasks[1].grace = 3 * base.grace;
    base.tasks[1].faults.starts_at = 1h;
    base.must_succeed = true;
    auto const label =
        k.name + ", errand " + std::to_string(static_cast<int>(what)) + " after a rotation";
    tell(base, t, label);
    each_fault(pair_limits(),
               [&](plan const& faults, std::string const& fault, first_fault const& first) {
                   auto faulty = base;
                   faulty.tasks[1].faults = faults;
                   faulty.tasks[1].faults.starts_at = 1h;
                   faulty.must_succeed = first.is_alone && passes(first.request);
                   tell(faulty, t, label + fault);
               });
}

/// One process that is stopped at each of its steps, while others change the same token.
void enumerate_stopped(tally& t, kind const& k, errand first, bool is_lost) {
    using enum errand;
    for (auto const second : {rotate, revoke, replace, extend, end_grace, renew})
        for (auto const span : {std::chrono::seconds(40min), std::chrono::seconds(80h)})
            for (int step = 1; step <= 24; ++step) {
                auto h = base_history(k, true, first);
                h.tasks[0].faults.freezes[step] = span;
                h.tasks[0].faults.starts_at = 1h;
                auto other = h.tasks[0];
                other.what = second;
                other.faults = plan{.starts_at = 1h + span / 2};
                other.grace = (step % 2 == 0 ? 3 : 1) * h.grace;
                if (step % 3 == 0) other.faults.requests[3] = fate::error_before;
                if (step % 5 == 0) other.faults.requests[3] = fate::hours_late;
                h.tasks.push_back(other);
                auto loser = base_history(k, true, rotate).tasks[0];
                loser.faults.requests[3] = fate::lost_after;
                loser.faults.crash_at_step = 20;
                if (is_lost) h.tasks.push_back(loser);
                tell(h, t,
                     k.name + (is_lost ? ", lost" : "") + ", errand " +
                         std::to_string(static_cast<int>(first)) + " stopped at step " +
                         std::to_string(step) + ", and errand " +
                         std::to_string(static_cast<int>(second)));
            }
}

void enumerate(tally& t) {
    auto informed = base_history(kind(), true, errand::renew);
    informed.tasks[0].consumers_take = 1h;
    enumerate_task(t, informed, "usual, consumers known", false);
    auto const kinds = all_kinds();
    for (std::size_t n = 0; n != kinds.size(); ++n)
        for (bool const account : {true, false}) {
            if (!account && n > 2) continue;
            for (auto const what : {errand::rotate, errand::renew, errand::revoke}) {
                auto const label = kinds[n].name + (account ? "" : ", zone") + ", errand " +
                                   std::to_string(static_cast<int>(what));
                enumerate_task(t, base_history(kinds[n], account, what), label, false);
            }
        }
    for (auto const& k : kinds) {
        if (k.name != "usual" && k.name != "old API" && k.name != "end of a grace shown once")
            continue;
        for (auto const first :
             {errand::rotate, errand::revoke, errand::replace, errand::extend, errand::end_grace})
            for (bool const is_lost : {false, true})
                enumerate_stopped(t, k, first, is_lost);
        for (auto const change : {errand::extend, errand::end_grace})
            enumerate_changes(t, k, change);
    }
    for (auto const what : {errand::rotate, errand::renew})
        enumerate_task(t, base_history(kinds[0], true, what),
                       "usual, errand " + std::to_string(static_cast<int>(what)), true);
}

history random_history(std::uint64_t seed) {
    std::mt19937_64 random(seed * 0x9e3779b97f4a7c15);
    auto const below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    static auto const kinds = all_kinds();
    history h;
    h.what = below(2) == 0 ? kinds[0] : kinds[random() % kinds.size()];
    h.seed = seed;
    h.account = below(4) != 0;
    h.hosts = 1 + below(3);
    h.sinks = below(2) == 0 ? 1 : h.hosts;
    h.grace = below(2) == 0 ? 1h : 30h;
    h.what.latest = h.grace - 10min;
    h.policy = policy_of(h.grace * (1 + below(3)));
    h.policy.poll_interval(h.grace / 3);
    if (below(4) == 0) h.policy.refresh_before(10 * 24h);
    h.tokens.clear();
    for (auto n = 1 + below(3); n != 0; --n) {
        constexpr int hours[] = {72, 720, 8760, 8760};
        token_plan t;
        auto const life = hours[below(4)];
        t.duration =
            below(6) == 0 ? cf::token_duration::forever() : cf::token_duration::hours(life);
        t.age = std::chrono::hours(below(3) == 0 ? life - 1 - below(20) : below(life * 3 / 4));
        t.host = below(h.hosts);
        h.tokens.push_back(t);
    }
    auto const wrong = static_cast<unsigned>(random());
    int const rarity = 2 + below(5);
    h.tasks.clear();
    for (auto n = 1 + below(4); n != 0; --n) {
        task_plan t{.faults = random_plan(random, rarity, wrong)};
        t.faults.wall_offset = t.faults.wall_offset * 5 / 4;
        t.token = random() % h.tokens.size();
        t.faults.host = h.tokens[t.token].host;
        if (below(12) == 0) t.faults.sink_broken_from = 1 + below(10);
        if (below(12) == 0) t.faults.log_broken_from = 1 + below(10);
        constexpr errand errands[] = {
            errand::rotate,  errand::rotate, errand::rotate,           errand::revoke,
            errand::replace, errand::extend, errand::end_grace,        errand::renew,
            errand::renew,   errand::renew,  errand::renew_and_replace};
        t.what = errands[random() % std::size(errands)];
        t.grace = h.grace * (below(2) == 0 ? 1 : 24);
        t.is_by_id = below(3) == 0;
        t.looks = 1 + below(5);
        if (below(4) == 0) t.consumers_take = std::chrono::minutes(below(300));
        t.every = below(2) == 0 ? 0s : std::chrono::seconds(h.grace / 4);
        t.policy = h.policy;
        t.policy.replace_lost(t.what == errand::renew_and_replace);
        if (below(3) != 0)
            t.faults.starts_at = std::chrono::seconds(
                random() % static_cast<unsigned>(h.grace.count() * (1 + below(4))));
        h.tasks.push_back(std::move(t));
    }
    if (below(3) == 0) h.people = 1 + below(3);
    return h;
}

} // namespace

int main(int argc, char** argv) {
    auto const schedules = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000ULL;
    auto const first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1ULL;
    std::string_view const mode = argc > 3 ? argv[3] : "";
    tally enumerated, random;
    ends_at_first = mode == "first";
    if (mode != "random")
        for (auto const seed : rotation_seeds)
            tell(random_history(seed), enumerated, "random");
    if (mode != "random") enumerate(enumerated);
    for (auto i = 0ULL; i != schedules; ++i)
        tell(random_history(first + i), random, "random");
    return finish(enumerated, random, first);
}

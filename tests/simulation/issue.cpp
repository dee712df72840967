// Simulates issues: each single fault, freeze and crash in turn, pairs of them, and random schedules
// of processes on several hosts. Usage: simulate_issue [RANDOM_SCHEDULES [FIRST_SEED [first | random]]]
// `first` ends at the first complaint, `random` leaves the enumeration out.
#include "enumeration.hpp"
#include "oracle.hpp"
#include "tally.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace simulation;

struct issue_plan {
    plan faults{};
    std::string key{};
    std::string name = "ci";
};

struct history {
    kind what{};
    std::uint64_t seed = 1;
    int hosts = 1;
    int sinks = 1;
    std::vector<issue_plan> issues{1}; ///< they run side by side
    std::vector<plan> reconcilers{};   ///< beside them, or later
    bool disabled = false;             ///< the tokens are to be created disabled
    bool last_must_succeed = false;    ///< the last of the issues
    bool must_keep = false;            ///< what the sink held when its process died
    bool has_people = false;           ///< who rename, disable, delete and copy
    bool must_succeed = false;         ///< every issue, and in time
    bool must_end_clean = false;       ///< in success, or with nothing made and nothing open
    bool account = true;
};

/// Does one thing to a token that an issue made, or copies its name.
void meddle(world& w, std::uint64_t choice) {
    std::vector<std::string> ours;
    for (auto const& t : w.box.tokens())
        if (maker_of(w, t.id) != nullptr) ours.push_back(t.id);
    bool const cuts_tags = w.what.name_cut != 0 && w.what.name_cut < 38;
    if (ours.empty() || (cuts_tags && choice % 8 < 2)) return;
    auto& t = *w.box.find(ours[choice / 8 % ours.size()]);
    switch (choice % 8) {
    case 0: t.name += " (do not delete)"; break;
    case 1: t.name = "PLEASE KEEP: " + t.name; break;
    case 2: t.enabled = false; break;
    case 3: {
        auto const id = t.id; // what is in use is not deleted by people in this world, but by few
        w.touched.insert(id);
        w.issues[static_cast<std::size_t>(maker_number(w, id))].was_risky = true;
        w.remove_token(id);
        return;
    }
    case 4:
    case 5: {
        if (!access::has_any_tag(t.name)) return;
        auto const maker = maker_number(w, t.id);
        auto const& copy = *w.box.find(w.add_token(std::string(t.name)));
        w.copies.push_back({copy.id, copy.name, copy.secret, maker});
        w.issues[static_cast<std::size_t>(maker)].may_stray = true; // the copy may be taken for it
        return;
    }
    default: return;
    }
    w.touched.insert(t.id);
    w.note_change();
}

/// An old token of somebody's gets the name that an issue's token has.
void copy_name_to_old(world& w, std::string const& old_id) {
    auto* old = w.box.find(old_id);
    for (auto const& t : w.box.tokens()) {
        if (maker_of(w, t.id) == nullptr || !access::has_any_tag(t.name)) continue;
        old->name = t.name;
        w.note_change();
        w.copies.push_back({old->id, old->name, old->secret});
        return;
    }
}

/// What issues came to whose faults pass, or that met none.
void check_success(world& w, history const& h) {
    for (auto const& r : w.issues)
        if (!r.success)
            w.complain("an issue failed for a fault that passes: " +
                       (r.failure ? r.failure->to_string() : std::string("it did not end")));
    if (h.issues.size() != 1) return;
    auto const& r = w.issues[0];
    auto const first = h.issues[0].faults.requests.find(1);
    bool const is_shown = first != h.issues[0].faults.requests.end() &&
                          (first->second == fate::lost_after || first->second == fate::html);
    if (is_shown && h.issues[0].faults.requests.size() == 1 && r.made.size() != 1)
        w.complain("a token was created again though lists show the first");
    if (!h.issues[0].faults.is_faultless()) return;
    if (!h.what.witness && r.requests > (h.what.keep_tag ? 1 : 2))
        w.complain("an issue without a fault took more requests than it needs");
    if (h.reconcilers.empty() && !h.what.return_when_stored && !w.log.list().value().empty())
        w.complain("an issue without a fault leaves its intent");
}

/// What holds of every issue, whatever it met.
void check_bounds(world& w, history const& h) {
    for (auto const& r : w.issues) {
        if (r.took > issue_deadline + 150s) w.complain("an issue took longer than its deadline");
        bool const shows_nothing = !w.what.switches.read_permission;
        std::size_t const most = !w.what.may_list ? 1 : shows_nothing ? 2 : 6;
        if (r.made.size() > most && w.what.may_delete && !r.may_stray)
            w.complain("created again though no list proves that there is none");
        bool const is_clean = r.success || (r.failure && r.made.empty() &&
                                            r.failure->delivery() == cf::delivery::not_sent);
        if (h.must_end_clean && !is_clean) w.complain("a cancelled issue leaves something behind");
    }
    if (h.must_end_clean && !h.what.return_when_stored)
        for (auto const& i : w.log.list().value())
            if (i.state == access::intent_state::open)
                w.complain("a cancelled issue leaves its intent open");
}

/// Prints what there is in the end.
void show(world& w) {
    std::printf("kind: %s\n", w.what.name.c_str());
    for (auto const& text : w.printed)
        std::printf("  %s\n", text.c_str());
    for (auto const& r : w.issues) {
        std::printf("  issue key=%s sink=%d made=%zu died=%d %s\n", r.key.c_str(), r.sink,
                    r.made.size(), r.has_died,
                    r.success   ? r.success->c_str()
                    : r.failure ? r.failure->to_string().c_str()
                                : "-");
        for (auto const& id : r.made)
            std::printf("    made %s\n", id.c_str());
    }
    for (auto const& t : w.box.tokens())
        std::printf("  token %s v%d %s at %s\n", t.id.c_str(), int(t.version), t.name.c_str(),
                    t.created_at.to_string().c_str());
    for (auto const& i : w.log.list().value())
        std::printf("  intent %s state %d token %s opened %s until %s key %s sink %s\n",
                    i.tag.c_str(), int(i.state), i.token_id.c_str(),
                    i.opened_at.to_string().c_str(), i.until.to_string().c_str(), i.key.c_str(),
                    i.sink.c_str());
}

/// Plays a history; gives what is wrong with it.
std::vector<std::string> play(history const& h) {
    world w(h.seed, h.what, h.hosts, h.sinks);
    if (!h.account) w.scope = access::zone_scope::parse(std::string(32, '7')).value();
    if (h.what.has_strangers) {
        w.add_stranger("ci");
        w.add_stranger(access::tagged_name("ci", std::string(32, '9')));
    }
    auto const old = h.has_people ? w.add_token("old") : std::string();
    if (h.what.churns)
        for (int i = 0; i != 3; ++i)
            w.churned.push_back(w.add_token("churn"));
    w.clock.at(w.clock.now() + 72h, [] {}); // all that is older than any issue
    w.clock.run();

    std::deque<process> processes;
    std::vector<task<void>> tasks;
    for (auto const& i : h.issues) {
        auto& r = w.issues.emplace_back();
        r.key = i.key;
        r.name = i.name;
        r.sink = w.sink_of(i.faults.host);
        processes.emplace_back(w, i.faults, &r);
        tasks.push_back(issue(processes.back(), r, h.disabled));
    }
    for (auto const& p : h.reconcilers) {
        processes.emplace_back(w, p);
        tasks.push_back(reconcile(processes.back()));
    }
    if (h.has_people) {
        std::mt19937_64 random(h.seed ^ 0x5bd1e995);
        for (int i = 0; i != 3; ++i) {
            auto const when = std::chrono::milliseconds(random() % (i == 0 ? 400 : 200'000));
            auto const choice = random();
            w.clock.at(w.clock.now() + when, [&w, choice] { meddle(w, choice); });
        }
        if (random() % 2 == 0)
            w.clock.at(w.clock.now() + std::chrono::milliseconds(random() % 300),
                       [&w, &old] { copy_name_to_old(w, old); });
    }
    run(w, tasks);
    check_always(w);
    if (h.must_succeed) check_success(w, h);
    check_bounds(w, h);
    if (h.last_must_succeed && !w.issues.back().success)
        w.complain("an issue failed though what held its key was old");
    recover(w);
    check_end(w);
    for (auto const& r : w.issues)
        for (auto const& id : r.made)
            if (h.must_keep && r.held_at_death && !works(w, r.sink, id))
                w.complain("what a dead process had stored was withdrawn");
    if (shows_history()) show(w);
    return w.complaints;
}

bool ends_at_first = false; // complaint

void tell(history const& h, tally& t, std::string const& what) {
    t.add(play(h), what, h.seed);
    if (!ends_at_first || t.wrong == 0) return;
    t.show();
    std::exit(1);
}

/// What the API may be like, and what users may choose.
std::vector<kind> all_kinds() {
    std::vector<kind> kinds;
    auto const add = [&](char const* name) -> kind& {
        kinds.emplace_back().name = name;
        return kinds.back();
    };
    add("usual");
    add("keep_tag").keep_tag = true;
    add("return_when_stored").return_when_stored = true;
    add("witness").witness = true;
    add("no_window").no_window = true;
    add("no strangers").has_strangers = false;
    add("rotate keeps version").switches.rotate_raises_version = false;
    add("lag").lag = 10s;
    auto& slow = add("long lag");
    slow.lag = 10min;
    slow.get_lag = 5s;
    add("old API").switches.shows_version_and_enabled = false;
    auto& blind = add("witness that nobody shows");
    blind.switches.shows_version_and_enabled = false;
    blind.witness = true;
    add("no permission to read").switches.read_permission = false;
    add("no permission to list").may_list = false;
    add("no permission to delete").may_delete = false;
    add("disabled tokens").switches.rotate_refuses_disabled = true;
    add("limit").switches.token_limit = 3;
    add("pages of 1").page_size = 1;
    auto& pages = add("pages of 2 that shift");
    pages.page_size = 2;
    pages.churns = true;
    auto& three = add("pages of 3 that shift");
    three.page_size = 3;
    three.churns = true;
    auto& same = add("page ignored");
    same.page_size = 2;
    same.switches.ignores_page = true;
    add("no counts").switches.has_result_info = false;
    add("names cut at 64").name_cut = 64;
    add("names cut at 40").name_cut = 40;
    add("names cut at 20").name_cut = 20;
    add("names trimmed").name_trimmed = true;
    add("names folded").name_folded = true;
    return kinds;
}

/// Whether an issue succeeds in such a world once a single fault has passed.
bool can_always_succeed(kind const& k) {
    return k.is_settleable() && !k.no_window && !k.churns && k.switches.token_limit > 4 &&
           k.lag < 60s;
}

/// Histories that need more than one thing to go wrong in one way.
void enumerate_series(tally& t, history const& base, std::string const& label, bool succeeds) {
    for (auto const f : all_faults())
        for (auto const g : all_faults()) {
            auto twice = base;
            twice.issues[0].faults.creates = {{1, f}, {2, g}};
            tell(twice, t,
                 label + ", creates " + std::to_string(static_cast<int>(f)) + " and " +
                     std::to_string(static_cast<int>(g)));
        }
    for (auto const f : all_faults()) {
        auto always = base;
        for (int n = 1; n <= 9; ++n)
            always.issues[0].faults.creates[n] = f;
        tell(always, t, label + ", every create " + std::to_string(static_cast<int>(f)));
    }
    for (int request = 3; request <= 10; ++request) {
        auto lost = base;
        lost.issues[0].faults.creates = {{1, fate::lost_after}, {2, fate::hours_late}};
        lost.issues[0].faults.requests[request] = fate::lost_before;
        tell(lost, t, label + ", lost, lost, hours late");
    }
    for (auto const f : all_store_faults()) {
        auto broken = base; // each store, and not what asks the sink between
        for (int call = 2; call <= 8; call += 2)
            broken.issues[0].faults.sink[call] = f;
        broken.must_succeed = succeeds && (f == store_fate::keeps || f == store_fate::slow);
        tell(broken, t, label + ", every store " + std::to_string(static_cast<int>(f)));
        for (int call = 3; call <= 8; ++call)
            broken.issues[0].faults.sink[call] = f;
        broken.must_succeed = false;
        tell(broken, t, label + ", sink broken " + std::to_string(static_cast<int>(f)));
    }
    for (auto const when : {0ms, 20ms, 90ms, 5000ms}) {
        auto two = base;
        two.issues[0].key = "machine";
        two.issues.push_back(two.issues[0]);
        two.issues[1].faults.latency = 20ms + when / 100;
        two.issues[1].faults.starts_at = std::chrono::duration_cast<std::chrono::seconds>(when);
        two.must_succeed = succeeds;
        tell(two, t, label + ", two issues of one key");
    }
}

/// Each fault of each request and each call of a store, each freeze and each crash, alone and in
/// pairs; first in the usual world, where there are more of them.
void enumerate(tally& t) {
    auto const kinds = all_kinds();
    for (std::size_t n = 0; n != kinds.size(); ++n) {
        for (bool const account : {true, false}) {
            if (!account && n > 3) continue;
            auto const& k = kinds[n];
            history base{.what = k, .disabled = k.switches.rotate_refuses_disabled};
            base.account = account;
            bool const thorough = n == 0 && account;
            auto const label = k.name + (account ? "" : ", zone");
            auto const passes = [&](history h) {
                h.must_succeed = can_always_succeed(k);
                return h;
            };
            tell(passes(base), t, label);
            enumerate_series(t, base, label, can_always_succeed(k));
            each_fault(
                thorough ? pair_limits{60, 6, 4} : pair_limits(),
                [&](plan const& faults, std::string const& what, first_fault const& first) {
                    auto faulty = base;
                    faulty.issues[0].faults = faults;
                    bool const passing = first.request != fate::success_false &&
                                         first.request != fate::hours_late &&
                                         first.request != fate::rejected && first.sink_call != 1;
                    tell(passing && first.is_alone ? passes(faulty) : faulty, t, label + what);
                });
            for (int step = 1; step <= 24; ++step) {
                auto const at = ", step " + std::to_string(step);
                auto dying = base;
                dying.issues[0].faults.crash_at_step = step;
                dying.must_keep = k.lag == 0s;
                tell(dying, t, label + at + ", crash");
                auto elsewhere = dying; // another host with a sink of its own comes first
                elsewhere.hosts = elsewhere.sinks = 2;
                elsewhere.issues[0].faults.host = 1;
                elsewhere.reconcilers = {plan{.starts_at = 2h}};
                tell(elsewhere, t, label + at + ", crash on another host");
                auto asked_again = dying; // who asks again for the key gets one
                asked_again.issues[0].key = "machine";
                asked_again.issues.push_back(asked_again.issues[0]);
                asked_again.issues[1].faults = plan{.starts_at = 16min};
                asked_again.last_must_succeed = can_always_succeed(k);
                tell(asked_again, t, label + at + ", crash, and asked again");
                auto stopping = base;
                stopping.issues[0].faults.cancel_at_step = step;
                stopping.must_end_clean = can_always_succeed(k);
                tell(stopping, t, label + at + ", cancel");
                for (auto const span : {std::chrono::seconds(16min), std::chrono::seconds(3h),
                                        std::chrono::seconds(80h)})
                    for (auto const f : {fate::arrives, fate::error_before, fate::lost_after}) {
                        auto sleeping = base;
                        sleeping.issues[0].faults.freezes[step] = span;
                        sleeping.issues[0].faults.suspends = step % 2 == 0;
                        sleeping.issues[0].faults.requests[1] = f;
                        for (auto const when : {1h, 2h, 52h})
                            sleeping.reconcilers.push_back(plan{.starts_at = when});
                        tell(sleeping, t, label + at + ", freeze");
                    }
                // A reconciler that comes while an issue is under way leaves it alone, however slow
                // it is; one that sleeps for less than `presumed_absent_age` comes through.
                auto beside = base;
                beside.issues[0].faults.latency = 1s;
                beside.reconcilers = {plan{.starts_at = std::chrono::seconds(step / 3)}};
                tell(passes(beside), t, label + at + ", reconcile beside it");
                if (step <= 4) {
                    auto dozing = base;
                    dozing.issues[0].faults.freezes[step] = 30min;
                    dozing.issues[0].faults.suspends = true;
                    dozing.reconcilers = {plan{.starts_at = 20min}};
                    tell(passes(dozing), t, label + at + ", a doze");
                }
                for (int again = 1; thorough && again <= 40; ++again) {
                    dying.reconcilers = {plan{.crash_at_step = again, .starts_at = 2h},
                                         plan{.starts_at = 3h}};
                    tell(dying, t,
                         label + at + ", crash, reconcile crash " + std::to_string(again));
                }
            }
            for (int request = 1; thorough && request <= 3; ++request)
                for (std::size_t left = 0; left <= 520; left += request == 1 ? 1 : 7) {
                    auto shortened = base;
                    if (request > 1) shortened.issues[0].faults.requests[1] = fate::lost_after;
                    shortened.issues[0].faults.cuts[request] = left;
                    tell(shortened, t,
                         label + ", request " + std::to_string(request) + " cut at " +
                             std::to_string(left));
                }
        }
    }
}

history random_history(std::uint64_t seed) {
    std::mt19937_64 random(seed * 0x9e3779b97f4a7c15);
    auto const below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    static auto const kinds = all_kinds();
    history h;
    h.what = below(3) == 0 ? kinds[0] : kinds[random() % kinds.size()];
    h.seed = seed;
    h.account = below(4) != 0;
    h.hosts = 1 + below(3);
    h.sinks = below(2) == 0 ? 1 : h.hosts;
    auto const wrong = static_cast<unsigned>(random());
    int const rarity = 2 + below(5);
    h.issues.clear();
    for (auto n = 1 + below(3); n != 0; --n) {
        issue_plan i{.faults = random_plan(random, rarity, wrong)};
        i.faults.host = below(h.hosts);
        if (below(3) != 0) i.key = below(4) == 0 ? "other" : "machine";
        if (below(8) == 0) i.name = std::string(30, 'n') + " ";
        if (below(3) == 0) i.faults.starts_at = std::chrono::seconds(below(3) * below(3000));
        h.issues.push_back(std::move(i));
    }
    for (auto n = below(4); n != 0; --n) {
        auto p = random_plan(random, rarity + 1, wrong);
        p.host = below(h.hosts);
        constexpr std::chrono::seconds whens[] = {0s, 16min, 1h, 2h, 10h, 60h};
        p.starts_at = whens[random() % std::size(whens)] + std::chrono::seconds(below(900));
        h.reconcilers.push_back(std::move(p));
    }
    h.disabled = below(6) == 0;
    h.has_people = (wrong >> 6 & 3U) == 0;
    return h;
}

} // namespace

int main(int argc, char** argv) {
    auto const schedules = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000ULL;
    auto const first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1ULL;
    tally enumerated, random;
    std::string_view const mode = argc > 3 ? argv[3] : "";
    ends_at_first = mode == "first";
    if (mode != "random") enumerate(enumerated);
    for (auto i = 0ULL; i != schedules; ++i)
        tell(random_history(first + i), random, "random");
    return finish(enumerated, random, first);
}

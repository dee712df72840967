// Explores small worlds whole: every order in which processes and late requests take their turns, with up to so many
// faults, crashes and freezes at any turn. Time passes where all sleep, or are frozen: until they are chosen again.
//
// A history is a list of choices. It is played from its start, and each choice at its end is followed in turn, unless
// the state in which it ends was seen before: what the server, the sinks and the log hold, what is under way, and what
// each process has observed, for that is all on which its steps depend.
//
// Usage: explore_issue [FAULTS [FEWER [first]]]     (FEWER: faults in all worlds but the first three)
#include "small_world.hpp"

#include <cstdio>
#include <cstdlib>
#include <unordered_set>

namespace {

using namespace simulation;
using namespace simulation::small;

/// Who there is, and when each begins.
struct setting {
    std::string name;
    int faults;
    std::vector<std::chrono::minutes> issues{};
    std::vector<std::chrono::minutes> reconcilers{};
    std::string key{};
    kind what{};
};

/// One history, as far as it was played.
class history {
public:
    explicit history(setting const& what) : s_{.w{1, what.what, 1, 1}, .faults_left = what.faults} {
        auto& w = s_.w;
        if (what.what.has_strangers) {
            w.add_stranger("ci");
            w.add_stranger(access::tagged_name("ci", std::string(32, '9')));
        }
        jump(w.clock.now() + 72h);
        auto const begin = w.clock.now();
        for (auto const at : what.issues) {
            auto& r = w.issues.emplace_back();
            r.key = what.key;
            r.name = "ci";
            auto& a = add_actor(&r);
            s_.tasks.push_back(issue(a, s_, begin + at));
        }
        for (auto const at : what.reconcilers)
            s_.tasks.push_back(reconcile(add_actor(nullptr), s_, begin + at));
        for (auto& t : s_.tasks)
            t.start();
    }
    history(history const&) = delete;

    /// What may come next; nothing where all has ended.
    struct choice {
        std::size_t who; ///< an actor's number; behind them the late requests, then the end
        effect what = effect::none;
    };
    [[nodiscard]] std::vector<choice> choices() const {
        std::vector<choice> all;
        bool is_alive = false;
        for (auto const& a : s_.actors) {
            if (s_.tasks[a.number].done()) continue;
            is_alive = true;
            auto const freezes = frozen_by(a);
            if (freezes > s_.faults_left) continue;
            all.push_back({a.number});
            if (s_.faults_left == freezes) continue;
            if (a.next == turn_kind::request)
                for (auto const e : {effect::lost_before, effect::lost_after, effect::late})
                    all.push_back({a.number, e});
            if (a.next == turn_kind::store)
                for (auto const e : {effect::fails, effect::keeps})
                    all.push_back({a.number, e});
            if (a.next != turn_kind::sleep && a.next != turn_kind::start)
                all.push_back({a.number, effect::crash});
        }
        for (std::size_t n = 0; n != s_.late.size(); ++n)
            all.push_back({s_.actors.size() + n});
        if (!is_alive && !has_ended_) all.push_back({s_.actors.size() + s_.late.size()});
        return has_ended_ ? std::vector<choice>() : all;
    }

    void take(choice c, bool is_told) {
        if (c.who == s_.actors.size() + s_.late.size()) return end();
        if (c.who >= s_.actors.size()) {
            auto const at = s_.late.begin() + static_cast<std::ptrdiff_t>(c.who - s_.actors.size());
            auto const arriving = *at;
            s_.late.erase(at);
            if (is_told) std::printf("    late: %s\n", arriving.sent.target.c_str());
            static_cast<void>(s_.w.act(arriving.sent, arriving.issue));
            return;
        }
        auto& a = s_.actors[c.who];
        if (is_told)
            std::printf("    %s %zu %s %s\n", a.issue != nullptr ? "issue" : "reconciler", a.number,
                        a.before.c_str(), name_of(c.what));
        if (auto const freezes = frozen_by(a); freezes != 0) {
            s_.faults_left -= freezes;
            s_.has_fault = s_.is_troubled = true;
            for (auto& other : s_.actors)
                other.is_frozen = other.is_frozen || (&other != &a && other.is_due(a.wakes));
        }
        if (c.what != effect::none) {
            bool const passes = c.what != effect::crash && a.before != "prepare";
            s_.is_troubled = s_.has_fault || !passes;
            s_.has_fault = true;
            s_.last_fault = c.what;
            --s_.faults_left;
        }
        jump(a.wakes);
        a.is_frozen = false;
        a.chosen = c.what;
        a.waiting.resume();
    }

    /// The same for all histories that go on in the same way.
    [[nodiscard]] std::size_t state() const;

    [[nodiscard]] std::vector<std::string> const& complaints() const { return s_.w.complaints; }

private:
    actor& add_actor(record* r) {
        auto const n = s_.actors.size();
        return s_.actors.emplace_back(s_.w, n, r, n + 1);
    }
    /// How many processes freeze while this one waits for its turn.
    int frozen_by(actor const& a) const {
        if (a.wakes <= s_.w.clock.now()) return 0;
        return static_cast<int>(std::ranges::count_if(s_.actors, [&](actor const& other) {
            return &other != &a && !s_.tasks[other.number].done() && other.is_due(a.wakes);
        }));
    }
    void jump(cf::time_point to) {
        if (to <= s_.w.clock.now()) return;
        s_.w.clock.at(to, [] {});
        s_.w.clock.run();
    }
    /// Nothing is left, or made again, without need.
    void check_economy();
    void end();

    small_world s_;
    bool has_ended_ = false;
};

std::size_t history::state() const {
    auto const& w = s_.w;
    std::string all;
    auto const add = [&all](auto const&... parts) {
        auto const one = [&all](auto const& part) {
            if constexpr (std::is_convertible_v<decltype(part), std::string_view>)
                all += part;
            else
                all += std::to_string(part);
            all += '|';
        };
        (one(parts), ...);
    };
    add(w.clock.now().time_since_epoch().count(), s_.faults_left, s_.has_fault, s_.is_troubled,
        static_cast<int>(s_.last_fault), has_ended_, w.secrets.size());
    for (auto const& t : w.box.tokens())
        add(t.id, t.name, t.secret, t.version, t.enabled, t.created_at.to_string());
    auto const held = w.sinks[0].list();
    for (auto const& h : held.value())
        add(h.key, shown(h), h.since.to_string());
    add(shown(w.log.list().value()));
    for (auto const& r : w.issues) {
        add(r.ended, r.has_died, r.was_risky, r.held_at_death, r.success.value_or(""));
        if (r.failure) add(r.failure->to_string());
        for (auto const& id : r.made)
            add(id);
    }
    for (auto const& a : s_.actors)
        add(a.observed, a.bits, static_cast<int>(a.next), a.wakes.time_since_epoch().count(),
            s_.tasks[a.number].done(), a.is_frozen);
    for (auto const& l : s_.late)
        add(static_cast<int>(l.sent.method), l.sent.target, l.sent.body);
    for (auto const& id : w.stray)
        add(id);
    return std::hash<std::string>()(all);
}

void history::check_economy() {
    auto& w = s_.w;
    if (!s_.has_fault && !w.what.return_when_stored && !w.log.list().value().empty())
        w.complain("an issue without a fault leaves its intent");
    bool const is_shown = w.what.is_settleable() && s_.last_fault == effect::lost_after;
    for (auto const& r : w.issues)
        if (is_shown && !s_.is_troubled && r.made.size() > 1)
            w.complain("a token was created again though lists show the first");
}

void history::end() {
    has_ended_ = true;
    auto& w = s_.w;
    check_always(w);
    check_economy();
    w.faults_end = true;
    if (!s_.late.empty()) settle_after(w, 1h);
    for (auto const& l : s_.late)
        static_cast<void>(w.act(l.sent, l.issue));
    recover(w);
    check_end(w);
}

struct tally_of_states {
    std::size_t states = 0, transitions = 0, ends = 0, wrong = 0;

    void add(tally_of_states const& other) {
        states += other.states;
        transitions += other.transitions;
        ends += other.ends;
        wrong += other.wrong;
    }
    void show() const {
        std::printf("%zu states, %zu transitions, %zu ends, %zu wrong\n", states, transitions, ends,
                    wrong);
    }
};

/// A list of choices: which was taken, of how many.
struct branch {
    std::size_t taken, count;
};

void show(setting const& what, std::vector<branch> const& path,
          std::vector<std::string> const& complaints) {
    std::printf("  %s:\n", what.name.c_str());
    history h(what);
    for (auto const& b : path)
        h.take(h.choices()[b.taken], true);
    for (auto const& text : complaints)
        std::printf("    %s\n", text.c_str());
}

/// Follows every choice that leads to a state not seen before.
tally_of_states explore(setting const& what, bool ends_at_first) {
    tally_of_states sum;
    std::unordered_set<std::size_t> seen;
    std::vector<branch> path;
    for (;;) {
        history h(what);
        for (std::size_t depth = 0;; ++depth) {
            auto const choices = h.choices();
            if (depth == path.size()) {
                if (!seen.insert(h.state()).second) break;
                ++sum.states;
                if (choices.empty()) ++sum.ends;
                if (choices.empty()) break;
                path.push_back({0, choices.size()});
            }
            if (depth + 1 == path.size()) ++sum.transitions;
            h.take(choices[path[depth].taken], false);
        }
        if (!h.complaints().empty() && sum.wrong++ < 3) show(what, path, h.complaints());
        if (sum.wrong != 0 && ends_at_first) return sum;
        while (!path.empty() && path.back().taken + 1 == path.back().count)
            path.pop_back();
        if (path.empty()) return sum;
        ++path.back().taken;
    }
}

/// Users' choices and APIs, beside which an issue and a reconciler run.
std::vector<kind> all_kinds() {
    std::vector<kind> kinds;
    auto const add = [&](char const* name) -> kind& {
        kinds.emplace_back().name = name;
        return kinds.back();
    };
    add("return when stored").return_when_stored = true;
    add("no window").no_window = true;
    add("witness").witness = true;
    add("keep_tag").keep_tag = true;
    add("no strangers").has_strangers = false;
    add("no permission to read").switches.read_permission = false;
    add("no permission to list").may_list = false;
    add("no permission to delete").may_delete = false;
    add("old API").switches.shows_version_and_enabled = false;
    add("names in uppercase").name_folded = true;
    add("names of 20 bytes").name_cut = 20;
    return kinds;
}

std::vector<setting> all_settings(int faults, int fewer) {
    std::vector<setting> all = {
        {"an issue", faults, {0min}, {}},
        {"an issue and a reconciler", faults, {0min}, {16min}},
        {"an issue and a reconciler that comes late", faults, {0min}, {61min}},
        {"two issues of one key", fewer, {0min, 0min}, {}, "machine"},
        {"two issues of one key, the second late", fewer, {0min, 16min}, {}, "machine"},
    };
    for (auto const& k : all_kinds())
        all.push_back({k.name, fewer, {0min}, {61min}, "", k});
    return all;
}

} // namespace

int main(int argc, char** argv) {
    int const faults = argc > 1 ? std::atoi(argv[1]) : 2;
    int const fewer = argc > 2 ? std::atoi(argv[2]) : faults - 1;
    bool const ends_at_first = argc > 3 && std::string_view(argv[3]) == "first";
    tally_of_states all;
    for (auto const& what : all_settings(faults, fewer)) {
        auto const sum = explore(what, ends_at_first);
        std::printf("%s, up to %d faults: ", what.name.c_str(), what.faults);
        sum.show();
        all.add(sum);
        if (all.wrong != 0 && ends_at_first) return 1;
    }
    all.show();
    return all.wrong == 0 ? 0 : 1;
}

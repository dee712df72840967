// The consumers of secrets, all that there could be: each secret that a sink has shown is held until
// the promised grace after it was last there, and knocks at the server whenever anything has changed
// and whenever a time runs out. Each is let in, unless there is an excuse.
#pragma once

#include "actors.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

/// Why a process acts.
enum class errand {
    rotate,
    revoke,
    replace,
    extend,
    end_grace,
    renew,
    renew_and_replace
};

/// A token whose secret a sink holds.
struct tended {
    std::string key, id, client_id;
    int sink = 0;
    cf::token_duration duration = cf::token_duration::hours(8760);
    bool is_by_hand = false; ///< people rotated it, cut its grace, disabled or deleted it
    // What the server did last.
    cf::timestamp changed_at{};        ///< its secret, or the end of a grace
    cf::timestamp secret_at{};         ///< its secret
    cf::timestamp touched_at{};        ///< by people
    int rotations = 0;                 ///< by the product
    bool was_late = false;             ///< the request that rotated last acted late
    bool is_extended = false;          ///< the grace, on purpose, since then
    cf::timestamp extended_at{};       ///< the end of the grace was moved without a rotation
    process const* moved_by = nullptr; ///< who has changed the secret or the end of the grace last
    int revoked_below = 0;             ///< secrets with a lower number, as the product said
    // What the product said last.
    bool was_reported = false; ///< missing, disabled or expired
    bool has_failed = false;   ///< by the last look
    bool is_told_lost = false; ///< by it
    cf::timestamp looked_at{}; ///< when the last look began that came to an end for this token
    cf::timestamp well_at{};   ///< the same, of those in which nothing failed for it
};

/// One secret of a token.
struct shown_secret {
    std::string id, client_id, secret;
    int number = 0; ///< the token's first is 0
    bool was_in_sink = false;
    bool is_in_sink = false;
    std::optional<cf::timestamp> stored_at{};
    cf::timestamp must_work_until{};             ///< where it is in the sink no more
    std::optional<cf::timestamp> lost_until{};   ///< what was reported: the latest such time
    std::optional<cf::timestamp> excused_from{}; ///< by people, or on purpose
    process const* replaced_by = nullptr;        ///< whose store that was
    std::chrono::seconds slept_before{0};        ///< it, before that store
    int requests_before = 0;                     ///< of it
    int log_failures_before = 0;                 ///< the same
    bool was_told = false;                       ///< its caller, what has come of the grace
    bool is_dead = false;                        ///< it was refused, with an excuse that lasts
    bool was_told_lost = false;                  ///< though it was not in the sink yet

    void excuse_from(cf::timestamp t) { excused_from = (std::min)(excused_from.value_or(t), t); }
};

/// How long a process was stopped, in all.
[[nodiscard]] inline std::chrono::seconds slept(process const& p) {
    return std::chrono::ceil<std::chrono::seconds>(p.time_lost());
}

/// How long a rotation takes at most, and one call of it.
inline constexpr std::chrono::seconds rotation_deadline = 10min;
inline constexpr std::chrono::seconds call_deadline = 20s;

/// How long after a loss a look may still take it for a rotation under way.
inline constexpr std::chrono::seconds lease_span = 15min;

class consumers : public observer {
public:
    /// What a process that rotates has in mind.
    struct purpose {
        errand what = errand::rotate;
        std::chrono::seconds grace{0};
        cf::time_point begun{};     ///< by the steady clock of the process
        int made = -1;              ///< the number of the last secret that it had the server make
        bool has_succeeded = false; ///< its last rotation
        std::vector<shown_secret*> replaced{}; ///< by its stores
    };

    /// @param grace the least of all rotators
    consumers(world& w, std::chrono::seconds grace) : w_(w), grace_(grace), knocked_at_(w.wall()) {
        w.watcher = this;
    }

    std::vector<tended> tokens{};
    std::map<process const*, purpose> purposes{};
    std::chrono::seconds refresh_before{0};

    [[nodiscard]] tended* find(std::string_view id) {
        auto const found =
            std::find_if(tokens.begin(), tokens.end(), [&](auto const& t) { return t.id == id; });
        return found == tokens.end() ? nullptr : &*found;
    }
    /// A token whose first secret a sink has got.
    void add(tended t) {
        t.changed_at = t.secret_at = w_.wall();
        tokens.push_back(std::move(t));
        note_secrets();
        note_sinks();
    }
    /// The secret that the sink holds of a token.
    [[nodiscard]] shown_secret* in_sink(tended const& t) {
        auto const held = w_.sinks[static_cast<std::size_t>(t.sink)].stored(t.id);
        return held ? &secrets_.at(std::string(held->client_secret.reveal())) : nullptr;
    }
    /// The secret that the server has given last; none where it has no such token.
    [[nodiscard]] shown_secret* at_server(tended const& t) {
        auto const* there = w_.box.find(t.id);
        return there == nullptr ? nullptr : &secrets_.at(there->secret);
    }
    /// Whether nobody will ever store the secret that the server gave last, as far as leases tell.
    [[nodiscard]] bool is_lost(tended const& t) {
        auto const* current = at_server(t);
        return current != nullptr && !current->is_in_sink;
    }

    void before_change() override { knock(); }
    /// What a process asks for must be right when it asks.
    void before_send(cf::http::request const& sent, process const& sender) override {
        auto const found = purposes.find(&sender);
        if (found == purposes.end() || !rotates(sent)) return;
        auto const& why = found->second;
        if (why.what == errand::rotate &&
            sender.steady() > why.begun + rotation_deadline + call_deadline)
            w_.complain("a rotation goes on past its deadline");
        bool const gives_grace = why.what == errand::rotate || why.what == errand::renew;
        // A suspended process cannot tell how long it took.
        auto const unnoticed = sender.planned().suspends ? slept(sender) : 0s;
        auto const owed = w_.wall().plus(why.grace - call_deadline - unnoticed);
        if (gives_grace && end_asked_for(sent) < owed)
            w_.complain("a rotation asks for a shorter grace than it promises");
    }
    void after_store(process const& p) override {
        for (auto& t : tokens) {
            auto const* before = last_in_sink(t);
            auto const* now = in_sink(t);
            if (before == nullptr || now == nullptr || now->number >= before->number) continue;
            if (shows_versions()) w_.complain("an older secret was written over a newer one");
            t.is_by_hand = true; // without versions nobody can tell: see rotator's assumptions
        }
        auto const replaced = note_sinks();
        for (auto& t : tokens) {
            auto const* const now = in_sink(t);
            bool const was_told = now != nullptr && now->stored_at == w_.wall() &&
                                  now->was_told_lost && shows_versions();
            if (was_told && p.time_lost() == 0s)
                w_.complain("a secret was told as lost that was about to be stored");
        }
        // A suspended process cannot tell how long it took between the rotation and the store.
        for (auto* const s : replaced) {
            if (p.planned().suspends) s->must_work_until = s->must_work_until.plus(-slept(p));
            purposes[&p].replaced.push_back(s);
            if (w_.faults_end) continue;
            s->replaced_by = &p;
            s->slept_before = slept(p);
            s->requests_before = p.requests();
            s->log_failures_before = p.log_failures();
        }
        for (auto& t : tokens)
            tell("in sink: " + t.key + " secret " +
                 std::to_string(in_sink(t) ? in_sink(t)->number : -1));
        knock();
    }
    void after_request(cf::http::request const& sent, process const* sender,
                       cf::time_point sent_at) override {
        note_secrets();
        auto const path = std::string_view(sent.target).substr(0, sent.target.find('?'));
        for (auto& t : tokens)
            if (path.find(t.id) != path.npos) note_change(t, sent, sender, sent_at);
        knock();
    }

    void after_look(cf::http::request const& sent, process const* sender) override {
        auto const path = std::string_view(sent.target).substr(0, sent.target.find('?'));
        for (auto const& t : tokens) {
            bool const is_shown = path.ends_with(t.id) || path.ends_with("/service_tokens");
            auto const* const last = is_shown ? at_server(t) : nullptr;
            if (last != nullptr) seen_[{sender, t.id}] = last->number;
        }
    }

    /// All consumers try their secrets, at each moment since the last time.
    void knock() {
        auto const now = w_.wall();
        for (auto& [secret, s] : secrets_) {
            if (!s.was_in_sink || s.is_dead) continue;
            auto const end = s.is_in_sink ? now : (std::min)(now, s.must_work_until.plus(-1s));
            if (auto const refused = first_refusal(s, end)) judge(s, *refused);
        }
        knocked_at_ = now;
    }

    /// Whether the secret of that number has ever been in the sink.
    [[nodiscard]] bool was_stored(tended const& t, int number) const {
        return std::any_of(secrets_.begin(), secrets_.end(), [&](auto const& s) {
            return s.second.id == t.id && s.second.number == number && s.second.was_in_sink;
        });
    }
    /// Whether the token has another secret that works beside the last.
    [[nodiscard]] bool has_two(tended const& t) {
        auto const* const there = w_.box.find(t.id);
        return there != nullptr &&
               there->previous_expires_at.value_or(w_.wall()) > w_.wall().plus(2s);
    }
    /// A renewer asks whether all consumers have the secret that the sink holds. If so they knock by
    /// no other one any more.
    [[nodiscard]] bool all_have(process const& asks, std::string const& token_id,
                                std::chrono::seconds span) {
        auto const* const t = find(token_id);
        auto const* const s = t == nullptr ? nullptr : in_sink(*t);
        if (s == nullptr || !s->stored_at || s->stored_at->plus(span) > w_.wall()) return false;
        knock();
        for (auto& [secret, other] : secrets_)
            if (other.id == token_id && !other.is_in_sink) other.excuse_from(w_.wall());
        unneeded_.insert({&asks, token_id});
        return true;
    }
    void forget_unneeded(process const& p) {
        std::erase_if(unneeded_, [&](auto const& u) { return u.first == &p; });
    }
    /// Whether it said so of this token since then.
    bool take_unneeded(process const& p, std::string const& token_id) {
        return unneeded_.erase({&p, token_id}) != 0;
    }

    /// A process died. It could not mend a grace of which its sleep had used up some, or of which the
    /// server had given less than it was asked for.
    void note_death(process const& p) {
        for (auto* const s : purposes[&p].replaced) {
            auto const* const there = w_.box.find(s->id);
            bool const is_less = w_.what.switches.max_grace_of_rotation != 0s && there != nullptr &&
                                 there->previous_secret == s->secret && there->previous_expires_at;
            if (is_less)
                s->must_work_until = (std::min)(s->must_work_until, *there->previous_expires_at);
        }
        knock();
        for (auto* const s : purposes[&p].replaced)
            s->must_work_until = s->must_work_until.plus(-slept(p));
    }
    /// The product said that the token's secret in use works until then, and no longer.
    void note_lost(process const& p, tended& t, cf::timestamp until) {
        knock();
        auto const* const there = w_.box.find(t.id);
        auto* const last = at_server(t);
        if (last != nullptr && last->number <= seen_[{&p, t.id}] && p.time_lost() == 0s)
            last->was_told_lost = true;
        bool const is_news = p.time_lost() == 0s; // one that slept tells of the past
        if (!is_news && there != nullptr)
            until = (std::min)(until, there->previous_expires_at.value_or(until));
        auto* const s = in_sink(t);
        if (s == nullptr) return;
        s->lost_until = (std::max)(s->lost_until.value_or(until), until);
    }
    /// A process said that the secret before the one that it made works until then.
    void note_promise(process const& p, tended& t, cf::timestamp until) {
        knock();
        for (auto& [secret, s] : secrets_)
            if (s.id == t.id && s.was_in_sink && !s.is_in_sink && is_previous(t, s) &&
                s.number < purposes[&p].made &&
                s.must_work_until > w_.wall()) // whoever had it has read the sink since
                s.must_work_until = (std::max)(s.must_work_until, until);
    }
    /// Whether since then nobody but this process, which has not slept, has changed the secret or the
    /// end of the grace.
    [[nodiscard]] static bool is_alone(process const& p, tended const& t, cf::timestamp begun) {
        bool const is_mine = t.moved_by == &p || t.changed_at < begun;
        return is_mine && t.secret_at < begun && p.time_lost() == 0s;
    }
    /// A process said that it has moved the end of the grace, `begun` being when it was asked to.
    void note_moved(process const& p, tended& t, cf::timestamp end, cf::timestamp begun) {
        knock();
        auto const* const there = w_.box.find(t.id);
        if (there == nullptr || !is_alone(p, t, begun)) return;
        if (there->previous_expires_at.value_or(cf::timestamp()) != end)
            complain(t, "the end of a grace is not what was said", w_.wall());
        for (auto& [secret, s] : secrets_)
            if (is_previous(t, s) && s.was_in_sink && !s.is_in_sink &&
                s.must_work_until > w_.wall())
                s.must_work_until = (std::max)(s.must_work_until, end);
    }
    /// A process that slept before its store, so that some of the grace was used up, said until when
    /// the secret before works: it asked the server for more, and did not get it.
    void note_shortened(process const& p, tended const& t, cf::timestamp until) {
        for (auto* const s : purposes[&p].replaced) {
            if (s->id != t.id || s->replaced_by != &p) continue;
            s->was_told = true;
            // A server that gives less than it was asked for is mended by a look, if not at once.
            bool const is_less =
                w_.what.switches.max_grace_of_rotation != 0s && !p.planned().is_faultless();
            if (is_less && until < s->must_work_until) s->must_work_until = until;
            if (until < s->must_work_until && has_asked_for_more(*s))
                s->must_work_until = (std::max)(until, s->must_work_until.plus(-s->slept_before));
        }
    }
    /// The same of a process that took its store for failed, and so asked for no more.
    void note_unfinished(process const& p, tended const& t, cf::timestamp until) {
        for (auto* const s : purposes[&p].replaced)
            if (s->id == t.id && s->replaced_by == &p && until < s->must_work_until)
                s->must_work_until = (std::max)(until, s->must_work_until.plus(-s->slept_before));
    }
    /// Whether a secret is the one that lives on beside the last.
    [[nodiscard]] bool is_previous(tended const& t, shown_secret const& s) {
        auto const* there = w_.box.find(t.id);
        return there != nullptr && there->previous_secret == s.secret;
    }

    /// Whether the log has a promise that the token's previous secret works for longer.
    [[nodiscard]] bool is_promised(tended const& t) const {
        auto const all = w_.log.list().value();
        return std::any_of(all.begin(), all.end(), [&](access::intent const& i) {
            return i.token_id == t.id && i.state == access::intent_state::settled &&
                   i.until > w_.wall();
        });
    }

private:
    /// The number of the secret that works beside the last; above all if there is none.
    [[nodiscard]] int number_of_previous(cf::testing::sandbox_token const& there) const {
        auto const found = secrets_.find(there.previous_secret);
        return found == secrets_.end() ? (std::numeric_limits<int>::max)() : found->second.number;
    }
    /// Whether the process that replaced a secret has sent requests since.
    [[nodiscard]] static bool has_asked_for_more(shown_secret const& s) {
        return s.replaced_by != nullptr && s.replaced_by->requests() > s.requests_before;
    }
    /// Whether only the log could remember the end of its grace, and failed to, the lease of the
    /// process having been erased while that was stopped.
    [[nodiscard]] bool is_forgotten(shown_secret const& s) const {
        return s.replaced_by != nullptr && !w_.what.switches.shows_previous_expiry &&
               slept(*s.replaced_by) >= grace_ &&
               s.replaced_by->log_failures() > s.log_failures_before;
    }
    [[nodiscard]] static bool has_faulty_sink(process const& p) {
        return p.planned().sink_broken_from != 0 || !p.planned().sink.empty();
    }
    [[nodiscard]] std::optional<cf::timestamp> first_refusal(shown_secret const& s,
                                                             cf::timestamp end) {
        std::vector<cf::timestamp> moments{knocked_at_, end};
        if (auto const* t = w_.box.find(s.id)) {
            moments.push_back(t->expires_at);
            if (t->previous_expires_at) moments.push_back(*t->previous_expires_at);
        }
        std::sort(moments.begin(), moments.end());
        for (auto const m : moments)
            if (m >= knocked_at_ && m <= end && !w_.box.admits(s.client_id, s.secret, m)) return m;
        return std::nullopt;
    }

    void judge(shown_secret& s, cf::timestamp when) {
        auto& t = *find(s.id);
        auto const* there = w_.box.find(s.id);
        if (there == nullptr || !there->enabled) return; // by people: the product may not
        if (there->expires_at <= when) {
            bool const nobody_looked = t.well_at < there->expires_at.plus(-due_span(t));
            if (!t.was_reported && !nobody_looked)
                complain(t, "an expired token was not reported", when);
            return;
        }
        s.is_dead = true;
        if (is_excused(s, t, when)) return;
        if (s.lost_until)
            complain(t, "a lost token's secret in use died before the time that was named", when);
        else if (s.is_in_sink)
            complain(t, "a consumer was refused, and the sink has no other secret", when);
        else
            complain(t, "a consumer was refused within its grace", when);
    }
    /// Whether a secret of a live token may be refused from then on.
    [[nodiscard]] bool is_excused(shown_secret const& s, tended const& t, cf::timestamp when) {
        if (s.excused_from && when >= *s.excused_from) return true;
        if (s.lost_until && when >= *s.lost_until) return true;
        // The process that rotated is dead or asleep, and nobody came by who could have said so.
        auto const taken_at = (std::max)(t.changed_at, w_.leased_at[t.id]);
        bool const nobody_looked = t.looked_at < taken_at.plus(lease_span + 1min);
        bool const had_time = when.seconds() - t.changed_at.seconds() <= lease_span;
        if (is_lost(t) && nobody_looked && (!had_time || t.was_late)) return true;
        if (is_forgotten(s)) return true;
        // A process that slept before its store owes a longer grace, and may sleep again before it
        // gives that, or be refused.
        bool const sleeps = s.replaced_by != nullptr && s.replaced_by->time_lost() > s.slept_before;
        // Or before it mends that the server gave less than it was asked for.
        if (sleeps && w_.what.switches.max_grace_of_rotation != 0s) return true;
        // One that takes its store for failed asks for no more.
        bool const is_under_way = !s.was_told && s.replaced_by != nullptr &&
                                  (has_asked_for_more(s) || has_faulty_sink(*s.replaced_by));
        bool const owes = sleeps || is_under_way;
        return owes && when >= s.must_work_until.plus(-s.slept_before);
    }
    /// Whether a request makes another secret, if it arrives now.
    [[nodiscard]] bool rotates(cf::http::request const& sent) {
        if (sent.target.ends_with("/rotate")) return true;
        if (sent.body.find("client_secret_version") == sent.body.npos) return false;
        auto const* const there = w_.box.find(sent.target.substr(sent.target.rfind('/') + 1));
        auto const body = boost::json::parse(std::string_view(sent.body)).as_object();
        return there != nullptr && body.at("client_secret_version").as_int64() > there->version;
    }
    /// The end of a grace that a request asks for.
    [[nodiscard]] static cf::timestamp end_asked_for(cf::http::request const& sent) {
        auto const body = boost::json::parse(std::string_view(sent.body)).as_object();
        auto const* const end = body.if_contains("previous_client_secret_expires_at");
        if (end == nullptr) return {};
        return cf::timestamp::parse(std::string_view(end->as_string())).value();
    }
    /// Notes what is of use where a history is shown.
    void tell(std::string text) {
        if (shows_history()) w_.saw(std::move(text));
    }
    void complain(tended const& t, char const* what, cf::timestamp when) {
        w_.complain(std::string(what) + ": " + t.key + " at " + when.to_string());
    }
    /// How long before its end a token is refreshed.
    [[nodiscard]] std::chrono::seconds due_span(tended const& t) const {
        auto const life = t.duration.value();
        if (!life) return 0s;
        return (std::min)(refresh_before, std::chrono::floor<std::chrono::seconds>(*life) / 3);
    }

    void note_change(tended& t, cf::http::request const& sent, process const* sender,
                     cf::time_point sent_at) {
        auto const now = w_.wall();
        auto const* const there = w_.box.find(t.id);
        auto const end = there == nullptr ? std::nullopt : there->previous_expires_at;
        bool const is_by_hand = sender == nullptr;
        bool const was_rotated = there != nullptr && there->secret != last_[t.id].secret;
        bool const is_moved = there != nullptr && end != last_[t.id].end;
        auto const before = last_[t.id];
        if (there != nullptr) last_[t.id] = {there->secret, end, there->version};
        tell("at server: " + t.key + " version " + std::to_string(there ? there->version : 0) +
             ", secret before until " + (end ? end->to_string() : "-") +
             (is_by_hand ? ", by hand: " : ": ") + sent.body);
        if (was_rotated || is_moved) t.changed_at = now;
        if (was_rotated || is_moved) t.moved_by = sender;
        if (was_rotated) t.secret_at = now;
        bool const was_just_extended = t.extended_at.plus(w_.what.lag) >= now;
        if (is_moved && !was_rotated) t.extended_at = now;
        if (is_by_hand) return note_hand(t, was_rotated);
        auto const found = purposes.find(sender);
        if (found == purposes.end()) return;
        auto& why = found->second;
        if (sent.method == cf::http::method::delete_ ||
            sent.body.find("\"enabled\"") != sent.body.npos)
            w_.complain("the product deletes or disables a token");
        if (there == nullptr) return;
        if (was_rotated) ++t.rotations;
        auto const late = w_.clock.now() - sent_at;
        if (was_rotated) t.was_late = late > 60s;
        if (was_rotated) t.is_extended = false;
        auto const asleep = slept(*sender);
        bool const is_alone_awake = purposes.size() == 1 && asleep == 0s; // nobody could be ahead
        if (there->version > before.version + 1 && is_alone_awake)
            complain(t, "a rotation raises the version by more than one", now);
        if (was_rotated) why.made = secrets_.at(there->secret).number;
        // What a get shows of a grace must not be older than the grace's last change.
        if (was_rotated && w_.what.get_is_behind && was_just_extended) excuse_all_but_last(t, now);
        // Without versions each request rotates, also a late one and that of a process which slept.
        bool const is_past_lease = asleep + late > lease_span;
        bool const is_like_a_hand = !shows_versions() && (was_rotated || is_moved) && is_past_lease;
        t.is_by_hand = t.is_by_hand || is_like_a_hand;
        switch (why.what) {
        case errand::revoke: excuse_all_but_last(t, now); return;
        case errand::end_grace:
            t.is_by_hand = t.is_by_hand || !shows_versions();
            return excuse_all_but_last(t, end.value_or(now));
        case errand::extend:
            t.is_extended = t.is_extended || is_moved;
            // Without versions the end of the grace tells what a rotation under way has come to.
            t.is_by_hand = t.is_by_hand || !shows_versions();
            if (end && before.end && (*end < *before.end || !shows_versions()))
                excuse_all_but_last(t, *end);
            return;
        case errand::replace:
        case errand::renew_and_replace: {
            if (!was_rotated) break;
            auto const& replaced = secrets_.at(before.secret);
            bool const was_lost =
                !replaced.stored_at || *replaced.stored_at > time_of(sent_at).plus(-asleep);
            // Without versions a rotation whose process died after its store is told as lost.
            if (was_lost || !shows_versions()) return excuse_all_but_last(t, now);
            break;
        }
        default: break;
        }
        // A version that is too low protects no later grace where it is ignored, or none is shown.
        bool const is_outdated = late > 60s || (t.is_by_hand && asleep > 0s);
        bool const is_protected = shows_versions() && w_.what.switches.lower_version_is_refused;
        if (!is_protected && is_moved && !was_rotated && is_outdated)
            return excuse_all_but_last(t, end.value_or(now));
        bool const is_revived = is_moved && !was_rotated && end && *end > now && late <= 60s &&
                                asleep == 0s && shows_versions() &&
                                number_of_previous(*there) < t.revoked_below;
        if (is_revived) complain(t, "a renewal has a revoked secret accepted again", now);
        // Unless it was promised, and a request out of the past had cut it.
        bool const can_tell = shows_versions() && w_.what.switches.shows_previous_expiry &&
                              w_.what.lag == 0s && late <= 60s;
        bool const is_repeated = why.made == secrets_.at(there->secret).number || t.is_by_hand;
        // The client's clock is behind by the way of the response that told it, and of this request,
        // which may have been sent again after a fault.
        auto const known_at = time_of(sent_at - 2 * sender->planned().latency - call_deadline);
        bool const was_over = is_moved && !was_rotated && !is_repeated && end && *end > now &&
                              before.end && *before.end < known_at && asleep == 0s;
        if (was_over && can_tell && !is_promised(t))
            complain(t, "a grace that was over is extended, which nobody asked for", now);
        if (is_past_lease && is_moved && !was_rotated) t.is_extended = true;
        if (is_like_a_hand) return excuse_all_but_last(t, now);
        // A request that acts later than the least grace is beyond the promise, be it the network or the
        // process that slept.
        if (asleep + late >= grace_ && (was_rotated || is_moved))
            return excuse_all_but_last(t, end.value_or(now));
        // An earlier end that a late request sets: never less than it promised itself.
        auto const promised = time_of(sent_at).plus(why.grace - asleep).plus(-1s);
        bool const keeps = !w_.what.switches.max_grace.count();
        bool const is_old = late > 60s || asleep > 60s;
        if (is_old && end && before.end && *end < *before.end && *end >= promised)
            shorten_previous(t, *end);
        if (was_rotated && keeps && !w_.what.switches.max_grace_of_rotation.count() &&
            end.value_or(now) < promised)
            complain(t, "a rotation gives a shorter grace than was asked for", now);
    }
    void note_hand(tended& t, bool was_rotated) {
        t.is_by_hand = true;
        t.touched_at = w_.wall();
        auto const* const there = w_.box.find(t.id);
        if (there == nullptr) return;
        // Whatever lives on does so by their grace alone.
        auto const end = there->previous_expires_at.value_or(w_.wall());
        for (auto& [secret, s] : secrets_) {
            if (s.id != t.id || s.secret == there->secret) continue;
            bool const is_earlier = was_rotated || s.is_in_sink || is_previous(t, s);
            auto const from = is_previous(t, s) && shows_versions() ? end : w_.wall();
            if (is_earlier) s.excuse_from(from);
        }
    }
    /// A request out of the past has moved the end of the grace, until a look mends that.
    void shorten_previous(tended const& t, cf::timestamp end) {
        for (auto& [secret, s] : secrets_) {
            if (s.id != t.id || !is_previous(t, s)) continue;
            if (!s.is_in_sink) s.excused_from = end;
            if (s.is_in_sink && s.lost_until) s.lost_until = (std::min)(*s.lost_until, end);
        }
    }
    /// Whether the product can tell one secret from the next.
    [[nodiscard]] bool shows_versions() const { return w_.what.switches.shows_version_and_enabled; }
    void excuse_all_but_last(tended const& t, cf::timestamp from) {
        auto const* there = w_.box.find(t.id);
        for (auto& [secret, s] : secrets_)
            if (s.id == t.id && s.secret != there->secret) s.excuse_from(from);
    }
    [[nodiscard]] cf::timestamp time_of(cf::time_point t) const {
        return w_.wall().plus(-std::chrono::ceil<std::chrono::seconds>(w_.clock.now() - t));
    }

    [[nodiscard]] shown_secret const* last_in_sink(tended const& t) const {
        for (auto const& [secret, s] : secrets_)
            if (s.id == t.id && s.is_in_sink) return &s;
        return nullptr;
    }
    void note_secrets() {
        for (auto const& b : w_.box.tokens()) {
            auto* const t = find(b.id);
            if (t == nullptr || secrets_.contains(b.secret)) continue;
            shown_secret s{b.id, b.client_id, b.secret};
            s.number =
                static_cast<int>(std::count_if(secrets_.begin(), secrets_.end(),
                                               [&](auto const& o) { return o.second.id == b.id; }));
            secrets_.emplace(b.secret, std::move(s));
            if (s.number == 0) last_[b.id] = {b.secret, b.previous_expires_at, b.version};
        }
    }
    /// @return secrets that are not in the sink any more
    std::vector<shown_secret*> note_sinks() {
        std::vector<shown_secret*> replaced;
        auto const now = w_.wall();
        for (auto const& t : tokens) {
            auto* const held = in_sink(t);
            for (auto& [secret, s] : secrets_) {
                if (s.id != t.id) continue;
                bool const is_there = held == &s;
                if (s.is_in_sink && !is_there) {
                    s.must_work_until = now.plus(grace_);
                    replaced.push_back(&s);
                }
                if (is_there && !s.stored_at) s.stored_at = now;
                s.is_in_sink = is_there;
                s.was_in_sink = s.was_in_sink || is_there;
            }
        }
        return replaced;
    }

    world& w_;
    std::chrono::seconds grace_;
    cf::timestamp knocked_at_;
    std::map<std::string, shown_secret> secrets_{};
    struct state {
        std::string secret;                 ///< the last one
        std::optional<cf::timestamp> end{}; ///< of the grace of the one before
        std::int64_t version = 0;
    };
    std::set<std::pair<process const*, std::string>> unneeded_{}; ///< graces that nobody needs
    /// The number of the last secret when a process last looked at the token.
    std::map<std::pair<process const*, std::string>, int> seen_{};
    std::map<std::string, state> last_{}; ///< by the token's id
};

} // namespace simulation

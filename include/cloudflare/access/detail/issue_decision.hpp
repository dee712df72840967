/// The end of an issue: the token gets its name, and the log records that it is owned.
#pragma once

#include <cloudflare/access/detail/issue_withdrawal.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

inline constexpr int max_decisions = 6;

/// Records in the log that the token is owned: erases the intent, or settles it.
///
/// @return `errc::conflict` if it was given up meanwhile; after any other error that is not known
template <class Tools>
task_of<Tools, result<void>> decide_issue(Tools& tools, issue_flow& f, std::string id,
                                          bool erases) {
    auto span = std::chrono::milliseconds(100);
    for (int i = 1;; ++i, span *= 2) {
        auto pending = erases ? tools.try_erase(f.wanted) : settle_in_log(tools, f, id);
        auto const written = co_await std::move(pending);
        if (written) co_return result<void>();
        auto pending_look_up = tools.look_up(f.wanted.tag);
        auto const there = co_await std::move(pending_look_up);
        if (there && *there) {
            auto const& now = **there;
            if (now.state == intent_state::settled && now.token_id == id) {
                f.wanted = now; // by a reconciler that found the secret in the sink
                co_return result<void>();
            }
            if (now.state == intent_state::settled) co_return error(errc::conflict);
            auto current = f.wanted;
            current.revision = now.revision;
            current.opened_at = now.opened_at;
            if (now.state == intent_state::withdrawing) {
                // A reconciler that finds the secret in the sink may still keep the token: this
                // write makes that a conflict. If it fails, the next try is one, too: with the
                // revision of before, so that what was given up is not decided as a success.
                current.state = now.state;
                current.token_id = now.token_id;
                auto pending_update = tools.update(current);
                auto const yielded = co_await std::move(pending_update);
                if (yielded) f.wanted = current;
                if (yielded) co_return error(errc::conflict);
            } else {
                f.wanted = current;
            }
        } else if (there) {
            // Erased: by an earlier try of this loop whose error hid it, or by a reconciler at the
            // end of the watch. Nobody deletes the token any more, so whether it exists decides. A
            // write tells, because reads may lag behind.
            auto touching =
                tools.rename(id, tools.options().keeps_tag() ? f.params.name() : f.wanted.name);
            auto const alive = co_await std::move(touching);
            if (alive && *alive == presence::absent) co_return error(errc::conflict);
            if (alive) co_return result<void>();
        }
        if (i == max_decisions) co_return error(errc::intent_log_failed, written.error().details());
        auto pending_pause = tools.pause(span);
        co_await std::move(pending_pause);
    }
}

/// After the secret was stored: removes the tag from the name, and decides.
template <class Tools>
task_of<Tools, result<issued>> settle_issue(Tools& tools, issue_flow& f,
                                            issued_service_token token) {
    issued done(static_cast<service_token const&>(token));
    bool const names = f.is_tagged && !tools.options().keeps_tag();
    bool is_named = !names;
    if (names && !tools.options().returns_when_stored()) {
        auto pending = tools.rename(token.id, f.wanted.name);
        auto const named = co_await std::move(pending);
        if (named && *named == presence::absent) {
            auto pending_lose_token = lose_token(tools, f, token.id);
            auto const lost = co_await std::move(pending_lose_token);
            co_return lost;
        }
        is_named = named.has_value();
    }
    if (!is_named || tools.options().keeps_tag()) done.token.name = f.params.name();
    auto pending_decide_issue = decide_issue(tools, f, token.id, is_named && f.unresolved == 0);
    auto const decided = co_await std::move(pending_decide_issue);
    if (!decided && decided.error() == errc::conflict) {
        auto pending = lose_token(tools, f, token.id);
        auto const lost = co_await std::move(pending);
        co_return lost;
    }
    if (!decided)
        co_return with_delivery(
            decided.error(), delivery::accepted,
            "the secret is stored, but it is not known whether the token was withdrawn; " +
                stays_open(f));
    // If the intent is not in the log any more, the token was renamed before it was erased.
    if (!is_named && f.wanted.token_id.empty()) done.token.name = f.wanted.name;
    if (!is_named && !f.wanted.token_id.empty()) {
        done.intent_open = true;
        done.settled = f.wanted;
    }
    co_return done;
}

} // namespace cloudflare::inline v0::access::detail

/// Giving an issue up: its token is deleted, or its intent stays in the log.
#pragma once

#include <cloudflare/access/detail/issue_flow.hpp>

#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// Settles the intent with this token, or with none; it is watched if a late request may make
/// another one.
template <class Tools>
task_of<Tools, result<void>> settle_in_log(Tools& tools, issue_flow& f, std::string id) {
    auto changed = f.wanted;
    changed.state = intent_state::settled;
    changed.token_id = std::move(id);
    if (f.unresolved != 0 || f.sink_may_hold)
        changed.until = tools.now().plus(tools.options().watch());
    auto pending = tools.update(changed);
    auto const updated = co_await std::move(pending);
    if (updated) f.wanted = changed;
    co_return updated;
}

/// After a long stop of this process its intent may be settled or erased. It is logged again,
/// because a late request may make a token.
template <class Tools>
task_of<Tools, void> stay_named(Tools& tools, issue_flow& f) {
    auto pending = tools.look_up(f.wanted.tag);
    auto const there = co_await std::move(pending);
    if (!there || (*there && (*there)->state != intent_state::settled)) co_return;
    auto renamed = *there ? **there : f.wanted;
    renamed.until = tools.now().plus(tools.options().watch());
    if (*there) {
        auto pending_update = tools.update(renamed);
        auto const updated = co_await std::move(pending_update);
        static_cast<void>(updated); // whoever has written it since watches it
    } else {
        renamed.state = intent_state::settled;
        renamed.token_id.clear();
        renamed.revision = 1;
        auto pending_insert = tools.insert(renamed);
        auto const inserted = co_await std::move(pending_insert);
        static_cast<void>(inserted);
    }
}

/// Deletes the token. If the sink fails to forget it, the intent is watched, and a reconciler calls
/// `forget` again.
template <class Tools>
task_of<Tools, result<presence>> remove_and_forget(Tools& tools, issue_flow& f, std::string id) {
    auto pending = tools.remove(id);
    auto const removed = co_await std::move(pending);
    if (!removed) co_return removed.error();
    auto pending_forget = tools.forget(id);
    auto const forgotten = co_await std::move(pending_forget);
    if (!forgotten) f.sink_may_hold = true;
    co_return *removed;
}

/// After the token was deleted: erases the intent, or watches it if a late request may make
/// another.
template <class Tools>
task_of<Tools, void> close_without_token(Tools& tools, issue_flow& f) {
    auto closing =
        f.unresolved == 0 && !f.sink_may_hold ? tools.erase(f.wanted) : settle_in_log(tools, f, {});
    auto const closed = co_await std::move(closing);
    static_cast<void>(closed); // whoever has written it since settles it
}

/// After the sink failed to store the secret: deletes the token, which nobody owns.
template <class Tools>
task_of<Tools, error> withdraw_token(Tools& tools, issue_flow& f, std::string id, error why) {
    auto failed = why.with([&](error_details& d) { d.operation = "issue"; });
    if (why.delivery() == delivery::accepted) {
        auto pending = stay_named(tools, f);
        co_await std::move(pending);
        co_return with_delivery(failed, delivery::accepted, stays_open(f));
    }
    auto pending_remove_and_forget = remove_and_forget(tools, f, id);
    auto const removed = co_await std::move(pending_remove_and_forget);
    if (!removed) {
        auto pending = stay_named(tools, f);
        co_await std::move(pending);
    }
    if (!removed)
        co_return with_delivery(failed, delivery::accepted,
                                "the token was not withdrawn; " + stays_open(f));
    auto pending_close_without_token = close_without_token(tools, f);
    co_await std::move(pending_close_without_token);
    co_return with_delivery(failed, f.unresolved == 0 ? delivery::rejected : delivery::unknown,
                            "the token was withdrawn");
}

/// After somebody else has withdrawn the token, or is about to.
template <class Tools>
task_of<Tools, error> lose_token(Tools& tools, issue_flow& f, std::string id) {
    auto pending = remove_and_forget(tools, f, id);
    auto const removed = co_await std::move(pending);
    auto pending_closing = removed ? close_without_token(tools, f) : stay_named(tools, f);
    co_await std::move(pending_closing);
    bool const nothing_left = removed.has_value() && f.unresolved == 0;
    error_details details;
    details.operation = "issue";
    details.delivery = nothing_left ? delivery::rejected : delivery::unknown;
    details.explanation = "the token " + id +
                          " was withdrawn by a reconciler, because this process was stopped for "
                          "too long, or it was deleted by somebody";
    if (!nothing_left) details.explanation += "; " + stays_open(f);
    co_return error(errc::not_found, std::move(details));
}

/// For an account that is full: names the intents whose tokens could be withdrawn.
template <class Tools>
task_of<Tools, error> with_intents(Tools& tools, error why) {
    auto pending = tools.intents();
    auto const all = co_await std::move(pending);
    std::string tags;
    if (all)
        for (auto const& i : *all)
            if (i.scope == tools.scope() && i.state != intent_state::settled) tags += ' ' + i.tag;
    if (tags.empty()) co_return why;
    co_return why.with([&](error_details& d) {
        d.explanation = "open intents that reconcile may withdraw:" + tags;
    });
}

} // namespace cloudflare::inline v0::access::detail

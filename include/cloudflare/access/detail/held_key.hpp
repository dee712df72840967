/// Asking the sink before anything is sent: whether it holds the key, and can take a secret.
#pragma once

#include <cloudflare/access/detail/issue_flow.hpp>

#include <optional>
#include <utility>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline issued already_issued(issue_flow const& f, held_token const& held) {
    service_token token;
    token.id = held.token_id;
    token.client_id = held.client_id;
    token.name = f.wanted.name;
    if (held.version != 0) token.client_secret_version = held.version;
    issued done(std::move(token));
    done.already_held = true;
    return done;
}

/// Withdraws a token that the sink holds if its issue was given up: the issue's process was
/// stopped, and has stored the token later.
///
/// @return `presence::absent` if it was withdrawn
template <class Tools>
task_of<Tools, result<presence>> forget_given_up(Tools& tools, issue_flow& f, held_token held) {
    if (held.tag.empty() || held.tag == f.wanted.tag) co_return presence::there;
    auto pending = tools.look_up(held.tag);
    auto const i = co_await std::move(pending);
    if (!i) co_return i.error();
    bool const given_up = *i && (*i)->state != intent_state::open &&
                          ((*i)->state != intent_state::settled || (*i)->token_id != held.token_id);
    if (!given_up) co_return presence::there;
    auto pending_withdraw = tools.withdraw(held.token_id);
    auto const withdrawn = co_await std::move(pending_withdraw);
    if (!withdrawn) co_return withdrawn.error();
    co_return presence::absent;
}

/// The token if the sink holds the key; otherwise nothing, or an error if it cannot store a secret.
template <class Tools>
task_of<Tools, result<std::optional<issued>>> ask_sink(Tools& tools, issue_flow& f) {
    if (f.is_keyed) {
        auto pending = tools.find_held(f.wanted.key);
        auto held = co_await std::move(pending);
        if (!held) co_return held.error();
        bool is_alive = held->has_value();
        if (is_alive) {
            auto pending_forget_given_up = forget_given_up(tools, f, **held);
            auto const given_up = co_await std::move(pending_forget_given_up);
            if (!given_up) co_return given_up.error();
            is_alive = *given_up == presence::there;
        }
        if (is_alive) co_return std::optional<issued>(already_issued(f, **held));
    }
    auto pending_prepare = tools.prepare(f.wanted);
    auto const prepared = co_await std::move(pending_prepare);
    if (!prepared) co_return prepared.error();
    co_return std::optional<issued>();
}

} // namespace cloudflare::inline v0::access::detail

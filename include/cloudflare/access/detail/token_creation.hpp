/// Creating a token. A create is sent again only if there is proof that no token was made.
#pragma once

#include <cloudflare/access/detail/token_search.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

inline constexpr int max_creates = 5;

template <class Tools>
task_of<Tools, result<issued_service_token>> send_create(Tools& tools, issue_flow& f) {
    ++f.creates;
    auto const left = std::chrono::floor<std::chrono::milliseconds>(f.end - tools.steady_now());
    auto const& client = tools.client();
    return client.call(create_service_token(f.wanted.scope, f.params),
                       call_options().deadline(std::min(left, client.options().deadline())));
}

/// Notes whether lists show the version, too: then later issues need no tag.
template <class Tools>
task_of<Tools, void> try_witness(Tools& tools, issue_flow& f, service_token const& token) {
    auto pending = tools.list();
    auto const listed = co_await std::move(pending);
    if (!listed) co_return;
    for (auto const& t : listed->tokens)
        if (t.id == token.id && t.client_secret_version == token.client_secret_version)
            f.witness_is_shown->store(true);
}

/// Checks a create's response: it must show the mark, or the token could not be found again.
template <class Tools>
task_of<Tools, result<issued_service_token>> judge(Tools& tools, issue_flow& f,
                                                   result<issued_service_token> created) {
    if (!created) co_return created;
    auto& token = *created;
    if (token.client_id.empty() || token.name.empty()) {
        auto pending = tools.get(token.id);
        auto const shown = co_await std::move(pending);
        if (!shown)
            co_return shown.error().with([](error_details& d) { d.delivery = delivery::accepted; });
        static_cast<service_token&>(token) = *shown;
    }
    bool const by_version =
        f.wanted.version != 0 && token.client_secret_version == f.wanted.version;
    if (!by_version) f.witness_is_shown->store(false);
    if (by_version && f.is_tagged) {
        auto pending = try_witness(tools, f, token);
        co_await std::move(pending);
    }
    if (!f.is_tagged || has_tag(token.name, f.wanted.tag)) co_return created;
    auto pending_remove = tools.remove(token.id);
    auto const removed = co_await std::move(pending_remove);
    f.tag_is_cut = true;
    co_return error(errc::unexpected_response,
                    error_details{.explanation = "the server does not keep the tag in the "
                                                 "token's name; the token was " +
                                                 std::string(removed ? "" : "not ") + "withdrawn",
                                  .delivery = removed ? delivery::rejected : delivery::accepted});
}

/// Waits if a create was refused because of the rate, and the wait ends before the deadline.
template <class Tools>
task_of<Tools, bool> wait_for_rate(Tools& tools, issue_flow& f, error const& why) {
    auto const span = why.details().retry_after;
    if (why != errc::rate_limited || !is_certain(why) || !span ||
        tools.steady_now() + *span >= f.end)
        co_return false;
    auto pending = tools.pause(*span);
    co_await std::move(pending);
    co_return true;
}

/// The token and its secret. After a create with an unknown outcome another one is sent only with
/// proof that there is no token, and then the intent is watched.
template <class Tools>
task_of<Tools, result<issued_service_token>> obtain_token(Tools& tools, issue_flow& f,
                                                          result<issued_service_token> created) {
    for (;;) {
        auto pending = judge(tools, f, std::move(created));
        auto token = co_await std::move(pending);
        if (token) co_return token;
        auto const why = token.error();
        auto pending_wait_for_rate = wait_for_rate(tools, f, why);
        bool const waited = co_await std::move(pending_wait_for_rate);
        if (!waited && (is_certain(why) || f.tag_is_cut)) co_return why;
        if (!waited) {
            auto pending_resolve_create = resolve_create(tools, f, why);
            auto resolved = co_await std::move(pending_resolve_create);
            if (resolved && *resolved) co_return std::move(**resolved);
            if (!resolved) co_return resolved.error();
        }
        if (f.creates >= max_creates || is_late(tools, f))
            co_return with_delivery(why,
                                    f.unresolved == 0 ? delivery::rejected : delivery::unknown);
        auto pending_send_create = send_create(tools, f);
        created = co_await std::move(pending_send_create);
    }
}

} // namespace cloudflare::inline v0::access::detail

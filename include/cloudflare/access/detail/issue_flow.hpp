/// The state of one issue, and the errors of its steps.
#pragma once

#include <cloudflare/access/detail/recovery.hpp>
#include <cloudflare/access/issued.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// The task type of `Tools`, which is a `recovery` in all steps of an issue.
template <class Tools, class T>
using task_of = typename Tools::template task<T>;

/// Whether lists show the version that marks tokens. The issues of an issuer share it.
using shared_flag = std::shared_ptr<std::atomic<bool>>;

/// The state of one issue.
struct issue_flow {
    template <class Tools>
    issue_flow(Tools const& with, std::string callers_key, create_params wanted_params,
               shared_flag is_shown)
        : wanted(with.options().make_tag(), with.scope(), wanted_params.name(), with.now(),
                 with.options().note()),
          params(std::move(wanted_params)),
          end(with.steady_now() + with.options().deadline()),
          wall_end(with.options().now().plus(
              std::chrono::ceil<std::chrono::seconds>(with.options().deadline()))),
          is_keyed(!callers_key.empty()),
          witness_is_shown(std::move(is_shown)) {
        wanted.key = is_keyed ? std::move(callers_key) : wanted.tag;
        wanted.sink = with.options().sink_name();
        wanted.writer = wanted.tag;
        if (with.options().takes_version_as_witness()) {
            wanted.version = with.options().make_version();
            params.client_secret_version(wanted.version);
        }
        is_tagged = wanted.version == 0 || !witness_is_shown->load();
        if (is_tagged) params.name(tagged_name(wanted.name, wanted.tag));
    }

    intent wanted;
    create_params params;
    time_point end;     ///< by the steady clock: no create is sent after it
    timestamp wall_end; ///< by the wall clock, because the steady one may stop
    bool is_keyed;
    shared_flag witness_is_shown;
    bool is_tagged = true;
    int creates = 0;
    int blind_creates = 0; ///< after lists that showed nothing at all
    /// Creates that may have made a token, or may still make one, which no list has shown.
    int unresolved = 0;
    bool tag_is_cut = false;            ///< by the server, so that no list shows it
    bool sink_may_hold = false;         ///< the secret of a token that was deleted
    std::vector<std::string> deleted{}; ///< tokens of this issue, which a list may still show
};

/// Whether the issue's deadline has passed.
template <class Tools>
[[nodiscard]] bool is_late(Tools const& tools, issue_flow const& f) {
    return tools.steady_now() >= f.end || tools.options().now() >= f.wall_end;
}

/// Whether a listed token is one that this issue made and has not deleted.
[[nodiscard]] inline bool is_ours(issue_flow const& f, service_token const& t) {
    return is_marked(t, f.wanted) && !is_older(t, f.wanted) &&
           std::count(f.deleted.begin(), f.deleted.end(), t.id) == 0;
}

/// The error that ends an issue, whichever of its calls failed. `how` is the delivery of its
/// creates, so that the error is one of a create.
[[nodiscard]] inline error with_delivery(error const& e, delivery how, std::string more = {}) {
    return e.with([&](error_details& d) {
        d.delivery = how;
        d.idempotency = idempotency::at_most_once;
        if (more.empty()) return;
        d.explanation += (d.explanation.empty() ? "" : "; ") + more;
    });
}

/// Whether the request certainly had no effect at the server.
[[nodiscard]] inline bool is_certain(error const& e) noexcept {
    return e.delivery() == delivery::not_sent || e.delivery() == delivery::rejected;
}

[[nodiscard]] inline std::string stays_open(issue_flow const& f) {
    return "intent " + f.wanted.tag + " stays open: reconcile settles it";
}

} // namespace cloudflare::inline v0::access::detail

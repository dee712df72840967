// The tokens of machines: issued, rotated and revoked as asked, and renewed and settled beside.
#pragma once

#include "configuration.hpp"

#include <cloudflare/access/any_async_store.hpp>
#include <cloudflare/access/token_keeper.hpp>
#include <cloudflare/access/work_queue.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/prometheus_metrics.hpp>
#include <cloudflare/server/api_health.hpp>
#include <cloudflare/server/json_log.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio.hpp>

namespace asio = boost::asio;
namespace json = boost::json;
using cf::server::json_time;

using api_client = cf::client<cf::beast_transport>;

struct stores {
    cfa::any_async_sink secrets;
    cfa::any_async_log intents;
    bool are_shared; // by several servers
};

// What tells of the work.
struct telemetry {
    void operator()(cf::trace_event const& e) {
        metrics(e);
        api(e);
        log(e);
    }

    cf::server::json_log log{};
    cf::prometheus_metrics metrics{"issuing_server_"};
    cf::server::api_health api{};
};

class machines {
public:
    machines(configuration const& c, api_client client, stores& where, telemetry& seen)
        : client_(client),
          account_(required(cfa::account_scope::parse(c.account_id))),
          duration_(required(cf::token_duration::parse(c.token_duration))),
          intents_(where.intents),
          telemetry_(seen),
          keeper_(client, account_, where.secrets, where.intents, options(c, where.are_shared)),
          queue_(client.transport().get_executor(), c.concurrent_issues, c.queue) {}

    // The machine's token: the one it has, or else a new one. Where it rotates, the one it has gets a
    // new secret; that before is accepted during the grace.
    asio::awaitable<cf::result<cfa::kept_token>> token(std::string name, bool rotates) {
        auto held = co_await keeper_.held(name);
        if (!held) co_return held.error();
        if (*held && !rotates) co_return std::move(**held);
        auto const work = [&] {
            if (*held) return keeper_.rotate(name);
            return keeper_.issue(name, cfa::create_params(name).duration(duration_));
        };
        auto token = co_await queue_.run(work);
        co_return token;
    }

    // Revokes the machine's token and forgets its secret.
    asio::awaitable<cf::result<cfa::presence>> revoked(std::string name) {
        auto const revoke = [&] { return keeper_.revoke(name); };
        auto done = co_await queue_.run(revoke);
        co_return done;
    }

    // Settles what a dead process left, then looks after intents and tokens until `stop`.
    asio::awaitable<void> keep() {
        co_await asio::this_coro::throw_if_cancelled(false);
        auto const note_and_go_on = [this](cfa::keeper_round const& done) {
            note(done);
            return !is_stopping_;
        };
        co_await keeper_.run(note_and_go_on);
    }
    // What waits is cancelled; what is under way goes on.
    void stop() {
        is_stopping_ = true;
        queue_.cancel_waiting();
    }

    // The states of all machines, for the operator.
    [[nodiscard]] json::object status() const {
        json::array list;
        for (auto const& [name, e] : keeper_.states())
            list.push_back({{"name", name},
                            {"state", to_string(e.state)},
                            {"token_id", e.token_id},
                            {"client_id", e.client_id},
                            {"version", e.version},
                            {"expires_at", json_time(e.expires_at)},
                            {"next_action", to_string(e.next)},
                            {"next_at", json_time(e.next_at)}});
        return {{"checked_at", json_time(checked_at_)}, {"machines", std::move(list)}};
    }

    // Why tokens cannot be issued now; empty where they can. Looks at store and API at most every
    // five seconds, however often anybody asks.
    asio::awaitable<std::string> flaw() {
        if (auto const now = std::chrono::steady_clock::now(); now >= next_probe_) {
            next_probe_ = now + seconds(5);
            co_await probe();
        }
        if (!store_flaw_.empty()) co_return "store: " + store_flaw_;
        if (auto const why = telemetry_.api.flaw(); !why.empty()) co_return "API: " + why;
        co_return keeper_.is_ready() ? "" : "starting";
    }

    // Sets the gauges that change all the time.
    void measure() {
        auto const connections = client_.transport().connections();
        std::map<std::string, double> states;
        for (auto const& [name, e] : keeper_.states())
            ++states[std::string(to_string(e.state))];
        telemetry_.metrics.set("tokens", "state", states);
        telemetry_.metrics.set("queue_depth", static_cast<double>(queue_.waiting()));
        telemetry_.metrics.set("connections", "state",
                               {{"idle", static_cast<double>(connections.idle)},
                                {"waiting", static_cast<double>(connections.waiting)}});
    }

private:
    // The API is asked where nothing else has reached it for a while, and `telemetry_.api` sees the response.
    asio::awaitable<void> probe() {
        auto const all = co_await intents_.list();
        store_flaw_ = all ? "" : all.error().code().message();
        if (!telemetry_.api.is_stale()) co_return;
        cfa::service_tokens const tokens(client_, account_);
        auto pending =
            tokens.list(cfa::list_params().per_page(1), cf::call_options().deadline(seconds(5)));
        static_cast<void>(co_await std::move(pending));
    }

    static cfa::keeper_options options(configuration const& c, bool are_shared) {
        cfa::renewal_policy p;
        p.grace(seconds(c.grace_seconds)).refresh_before(seconds(c.refresh_before_seconds));
        if (c.rotate_after_seconds.value() != 0) p.rotate_after(seconds(c.rotate_after_seconds));
        p.replace_lost(c.replace_lost);
        cfa::keeper_options o;
        o.deadline(seconds(c.request_seconds)).interval(seconds(c.reconcile_seconds));
        return o.policy(p).shared(are_shared);
    }

    void note(cfa::keeper_round const& round) {
        telemetry_.log(round);
        if (auto const& done = round.settled) {
            telemetry_.metrics.set("strays", static_cast<double>(done->strays.size()));
            telemetry_.metrics.set("intents", "state",
                                   {{"open", static_cast<double>(done->left_open.size())},
                                    {"watched", static_cast<double>(done->watched.size())}});
        }
        if (round.renewed && *round.renewed) checked_at_ = std::chrono::system_clock::now();
    }

    api_client client_;
    cfa::account_scope account_;
    cf::token_duration duration_;
    cfa::any_async_log& intents_;
    telemetry& telemetry_;
    cfa::token_keeper<api_client, cfa::any_async_sink, cfa::any_async_log> keeper_;
    cf::work_queue queue_;
    bool is_stopping_ = false;
    std::chrono::steady_clock::time_point next_probe_{};
    std::string store_flaw_{};
    std::optional<cf::timestamp> checked_at_{};
};

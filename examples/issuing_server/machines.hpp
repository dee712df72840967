// The tokens of machines: issued, rotated and revoked as asked, and renewed and settled beside.
#pragma once

#include "api_trace.hpp"
#include "configuration.hpp"

#include <cloudflare/access/any_async_store.hpp>
#include <cloudflare/access/token_keeper.hpp>
#include <cloudflare/access/work_queue.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio.hpp>

namespace asio = boost::asio;

using api_client = cf::client<cf::beast_transport>;

struct stores {
    cfa::any_async_sink secrets;
    cfa::any_async_log intents;
    bool are_shared; // by several servers
};

class machines {
public:
    template <class T>
    using task = asio::awaitable<T>;
    using token_task = task<cf::result<cfa::kept_token>>;

    machines(configuration const& c, api_client client, stores& where,
             cf::prometheus_metrics& numbers, api_trace const& api)
        : client_(client),
          account_(cfa::account_scope::parse(c.account_id).value()),
          duration_(cf::token_duration::parse(c.token_duration).value()),
          intents_(where.intents),
          numbers_(numbers),
          api_(api),
          keeper_(client, account_, where.secrets, where.intents, options(c, where.are_shared)),
          queue_(client.transport().get_executor(),
                 static_cast<std::size_t>(c.concurrent_issues.value),
                 static_cast<std::size_t>(c.queue.value)) {}

    // The machine's token: the one it has, or else a new one.
    token_task token(std::string name) {
        auto held = co_await keeper_.held(name);
        if (!held) co_return held.error();
        if (*held) co_return std::move(**held);
        auto const issue = [&] {
            cfa::create_params params(name);
            params.duration(duration_);
            return keeper_.issue(name, std::move(params));
        };
        auto issued = co_await queue_.run(issue);
        co_return issued;
    }

    // The same with a new secret, where it has one; that before is accepted during the grace.
    token_task rotated(std::string name) {
        auto const held = co_await keeper_.held(name);
        if (!held) co_return held.error();
        auto const rotate = [&] { return keeper_.rotate(name); };
        auto pending = *held ? queue_.run(rotate) : token(name);
        auto token = co_await std::move(pending);
        co_return token;
    }

    // Revokes the machine's token and forgets its secret.
    task<cf::result<cfa::presence>> revoked(std::string name) {
        auto const revoke = [&] { return keeper_.revoke(name); };
        auto done = co_await queue_.run(revoke);
        co_return done;
    }

    // Settles what a dead process left, then looks after intents and tokens until `stop`.
    task<void> keep() {
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
        auto const time = [](std::optional<cf::timestamp> const& t) {
            return t ? json::value(t->to_string()) : json::value();
        };
        json::array list;
        for (auto const& [name, e] : keeper_.states())
            list.push_back({{"name", name},
                            {"state", to_string(e.state)},
                            {"token_id", e.token_id},
                            {"client_id", e.client_id},
                            {"version", e.version},
                            {"expires_at", time(e.expires_at)},
                            {"next_action", to_string(e.next)},
                            {"next_at", time(e.next_at)}});
        return {{"checked_at", time(checked_at_)}, {"machines", std::move(list)}};
    }

    // Why tokens cannot be issued now; empty where they can. Looks at store and API at most every
    // five seconds, however often anybody asks.
    task<std::string> flaw() {
        if (is_stopping_) co_return "stopping";
        if (auto const now = std::chrono::steady_clock::now(); now >= next_probe_) {
            next_probe_ = now + seconds(5);
            co_await probe();
        }
        if (!store_flaw_.empty()) co_return "store: " + store_flaw_;
        if (auto const why = api_.flaw(); !why.empty()) co_return "API: " + why;
        co_return keeper_.is_ready() ? "" : "starting";
    }

    // Sets the gauges that change all the time.
    void measure() {
        auto const connections = client_.transport().connections();
        std::map<std::string, double> states;
        for (auto const& [name, e] : keeper_.states())
            ++states[std::string(to_string(e.state))];
        numbers_.set("tokens", "state", states);
        numbers_.set("queue_depth", static_cast<double>(queue_.waiting()));
        numbers_.set("connections", "state",
                     {{"idle", static_cast<double>(connections.idle)},
                      {"waiting", static_cast<double>(connections.waiting)}});
    }

private:
    // The API is asked where nothing else has reached it for a while; `api_trace` sees the response.
    task<void> probe() {
        auto const all = co_await intents_.list();
        store_flaw_ = all ? "" : all.error().code().message();
        if (!api_.is_stale()) co_return;
        cfa::service_tokens const tokens(client_, account_);
        auto pending =
            tokens.list(cfa::list_params().per_page(1), cf::call_options().deadline(seconds(5)));
        auto const listed = co_await std::move(pending);
        static_cast<void>(listed);
    }

    static cfa::keeper_options options(configuration const& c, bool are_shared) {
        cfa::renewal_policy p;
        p.grace(seconds(c.grace_seconds)).refresh_before(seconds(c.refresh_before_seconds));
        if (c.rotate_after_seconds != 0) p.rotate_after(seconds(c.rotate_after_seconds));
        p.replace_lost(c.replace_lost);
        cfa::keeper_options o;
        o.deadline(seconds(c.request_seconds)).interval(seconds(c.reconcile_seconds));
        return o.policy(p).shared(are_shared);
    }

    // Log and gauges tell of a round.
    void note(cfa::keeper_round const& round) {
        if (auto const& done = round.settled) {
            numbers_.set("strays", static_cast<double>(done->strays.size()));
            numbers_.set("intents", "state",
                         {{"open", static_cast<double>(done->left_open.size())},
                          {"watched", static_cast<double>(done->watched.size())}});
            if (!done->kept.empty() || !done->withdrawn.empty())
                log_line("settle",
                         {{"kept", done->kept.size()}, {"withdrawn", done->withdrawn.size()}});
            for (auto const& f : done->failed)
                log_line("settle",
                         {{"intent", f.i.tag}, {"name", f.i.name}, {"error", f.why.to_string()}});
        } else {
            log_line("settle", {{"error", done.error().to_string()}});
        }
        if (!round.renewed) return;
        auto const& done = *round.renewed;
        if (!done) return log_line("renew", {{"error", done.error().to_string()}});
        checked_at_ = cf::timestamp(std::chrono::system_clock::now());
        for (auto const& e : done->tokens)
            if (e.rotated || e.refreshed || e.failure)
                log_line("renew", {{"name", e.key},
                                   {"rotated", e.rotated},
                                   {"refreshed", e.refreshed},
                                   {"error", e.failure ? e.failure->to_string() : ""}});
    }

    api_client client_;
    cfa::account_scope account_;
    cf::token_duration duration_;
    cfa::any_async_log& intents_;
    cf::prometheus_metrics& numbers_;
    api_trace const& api_;
    cfa::token_keeper<api_client, cfa::any_async_sink, cfa::any_async_log> keeper_;
    cf::work_queue queue_;
    bool is_stopping_ = false;
    std::chrono::steady_clock::time_point next_probe_{};
    std::string store_flaw_{};
    std::optional<cf::timestamp> checked_at_{};
};

// The tokens of machines: issued, rotated and revoked as asked, and renewed and settled beside.
#pragma once

#include "api_trace.hpp"
#include "configuration.hpp"
#include "metrics.hpp"
#include "places.hpp"

#include <cloudflare/access/any_async_store.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/access/renewer.hpp>
#include <cloudflare/access/rotator.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>

using api_client = cloudflare::client<cloudflare::beast_transport>;

struct stores {
    cloudflare::access::any_async_sink secrets;
    cloudflare::access::any_async_log intents;
    bool are_shared; // by several servers
};

struct machine_token {
    cloudflare::access::held_secret held;
    std::optional<cloudflare::timestamp> expires_at; // nothing: not known yet
    bool is_new = false;
};

class machines {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;
    using token_task = task<cloudflare::result<machine_token>>;

    machines(configuration const& c, api_client client, stores& where, metrics& numbers,
             api_trace const& api);

    // The machine's token: the one it has, or else a new one.
    token_task token(std::string name);
    // The same with a new secret, where it has one; that before is accepted during the grace.
    token_task rotated(std::string name);
    // Revokes the machine's token and forgets its secret; false where there is none.
    task<cloudflare::result<bool>> removed(std::string name);

    // Settles what a dead process left, then looks after intents and tokens until `stop`.
    task<void> keep();
    // What waits is cancelled; what is under way goes on.
    void stop();

    // The states of all machines as of the last look, for the operator.
    [[nodiscard]] boost::json::object status() const;
    // Why tokens cannot be issued now; empty where they can.
    [[nodiscard]] std::string flaw() const;
    // Sets the gauges that change all the time.
    void measure();

private:
    using sink = cloudflare::access::any_async_sink;
    using log = cloudflare::access::any_async_log;
    using entry = cloudflare::access::renewal_report::entry;
    using reconciler = cloudflare::access::reconciler<api_client, sink, log>;

    token_task told(std::string name, cloudflare::access::service_token now, bool is_new);
    task<bool> settle_what_was_left();
    task<void> look();
    task<void> probe();
    void take(cloudflare::access::renewal_report report);

    configuration const& settings_;
    api_client client_;
    sink& secrets_;
    log& intents_;
    metrics& numbers_;
    api_trace const& api_;
    cloudflare::access::account_scope account_;
    cloudflare::access::renewal_policy policy_;
    cloudflare::access::issuer<api_client, sink, log> issuer_;
    cloudflare::access::rotator<api_client, sink, log> rotator_;
    cloudflare::access::renewer<api_client, sink, log> renewer_;
    reconciler reconciler_;
    reconciler reconciler_at_start_;
    places places_;
    boost::asio::steady_timer timer_;
    bool is_settled_, is_stopping_ = false;
    std::string store_flaw_ = "not asked yet";
    std::optional<cloudflare::timestamp> looked_at_{};
    std::map<std::string, entry> known_{}; // by name
    std::set<std::string> changed_{},
        busy_{}; // since the last look began; being rotated or removed
};

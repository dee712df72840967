// doctor: what of the way to the API works, and what to do about what does not.
#include "command.hpp"
#include "health.hpp"
#include "next_command.hpp"
#include "output.hpp"

#include <cloudflare/access/file_intent_log.hpp>

#include <openssl/x509.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cf = cloudflare;
using check_state = check::state;

namespace {

// What the responses told.
struct observed {
    int http_status = 0; // of the last response; 0: none came
    std::optional<std::int64_t> remaining{};
};

std::string advice_on_setting(std::string const& part) {
    if (part == "credentials")
        return "make an API token with the permission Access: Service Tokens Edit "
               "(dash.cloudflare.com/profile/api-tokens), then export CLOUDFLARE_API_TOKEN";
    if (part == "scope") return "export CLOUDFLARE_ACCOUNT_ID, or give --account or --zone";
    if (part == "proxy") return "correct or unset https_proxy";
    return "correct --base-url or CLOUDFLARE_BASE_URL";
}

std::string rule_of(cf::error const& e) {
    auto const& rule = e.details().explanation;
    return e == cf::errc::invalid_argument && !rule.empty() ? rule : e.to_string();
}

check check_of_setting(options const& o, std::string const& part, std::string good) {
    for (auto const& fault : o.faults)
        if (fault.part == part)
            return {part, check_state::failed, rule_of(fault.why), advice_on_setting(part)};
    return {part, check_state::ok, std::move(good)};
}

std::string address_of_proxy(options const& o) {
    bool const is_used = o.proxy && o.proxy->serves(o.client.base_url().origin());
    return is_used ? o.proxy->address().host() + ':' + std::to_string(o.proxy->address().port())
                   : "none for this host";
}

// The certificates that servers are checked by.
check check_of_ca(options const& o) {
    if (o.client.base_url().origin().is_secure() == false)
        return {"CA", check_state::skipped, "http needs none"};
    if (!o.ca_file.empty()) {
        std::ifstream file(o.ca_file);
        std::string const text(std::istreambuf_iterator<char>(file), {});
        bool const has_any =
            text.find("-----BEGIN ") != text.npos && text.find("CERTIFICATE-----") != text.npos;
        if (has_any) return {"CA", check_state::ok, o.ca_file};
        return {"CA", check_state::failed,
                o.ca_file + (file.is_open() ? ": holds no certificate in PEM" : ": cannot be read"),
                "correct --ca-file, or leave it out to trust the system's"};
    }
    std::error_code failed;
    for (auto const& [variable, path] :
         {std::pair(::X509_get_default_cert_file_env(), ::X509_get_default_cert_file()),
          std::pair(::X509_get_default_cert_dir_env(), ::X509_get_default_cert_dir())}) {
        char const* const named = std::getenv(variable);
        std::filesystem::path const place(named != nullptr ? named : path);
        bool const is_full = std::filesystem::is_directory(place, failed)
                                 ? !std::filesystem::is_empty(place, failed)
                                 : std::filesystem::exists(place, failed);
        if (is_full) return {"CA", check_state::ok, "the system's: " + place.string()};
    }
    return {"CA", check_state::failed, "the system has no certificates",
            "install them: apt install ca-certificates, or give --ca-file"};
}

std::string advice_on(cf::error const& e) {
    switch (static_cast<cf::errc>(e.code().value())) {
    case cf::errc::resolve_failed: return "look at the name in --base-url, and at the name server";
    case cf::errc::connect_failed:
    case cf::errc::deadline_exceeded:
    case cf::errc::connection_lost:
        return "look at the network and the firewall; where only a proxy leads out, set "
               "https_proxy";
    case cf::errc::proxy_refused: return "look at the proxy's user, password and rules";
    case cf::errc::tls_failed:
        return "where the network puts its own certificate in between, give it by --ca-file";
    case cf::errc::unauthorized:
    case cf::errc::forbidden:
        return "give the API token the permission Access: Service Tokens Edit (of this account or "
               "zone), and see that it has not expired";
    case cf::errc::no_route: return "look at the account's or zone's id";
    case cf::errc::access_not_enabled: return "enable Zero Trust for the account in the dashboard";
    case cf::errc::rate_limited: return "wait five minutes";
    default: return "try again later; --verbose shows the requests";
    }
}

// Asks as a command would, but once only and not for long.
api_client probing_client(api_client const& client, options const& o,
                          std::shared_ptr<observed> seen) {
    auto settings = o.client;
    auto const told = settings.trace();
    settings
        .deadline(
            std::min<std::chrono::milliseconds>(settings.deadline(), std::chrono::seconds(10)))
        .retry(cf::retry_policy().max_attempts(1).attempt_timeout(settings.deadline()))
        .trace([seen, told](cf::trace_event const& e) {
            seen->http_status = e.http_status;
            if (e.limit) seen->remaining = e.limit->remaining;
            told(e);
        });
    return api_client(client.transport(), *o.credentials, settings);
}

// No token has it: 122 random bits.
std::string id_of_no_token() {
    std::random_device random;
    std::string id = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
    for (char& c : id)
        if (c == 'x') c = "0123456789abcdef"[random() % 16];
    return id;
}

check check_of_list(cf::result<cf::access::token_listing> const& listed) {
    if (!listed)
        return {"list", check_state::failed, listed.error().to_string(), advice_on(listed.error())};
    if (!listed->tokens.empty())
        return {"list", check_state::ok,
                std::to_string(listed->tokens.size()) +
                    (listed->tokens.size() == 1 ? " token" : " tokens")};
    return {"list", check_state::warning,
            "no token: there is none, or these credentials may not see them",
            "where there should be some: the permission is Access: Service Tokens Read or Edit"};
}

check check_of_write(cf::error const& e) {
    if (e == cf::errc::not_found)
        return {"write", check_state::ok, "permitted (nothing was changed)"};
    if (e == cf::condition::unauthorized)
        return {"write", check_state::failed, e.to_string(), advice_on(e)};
    return {"write", check_state::warning, "not known: " + e.to_string(), advice_on(e)};
}

check check_of_intents(options const& o) {
    cf::access::file_intent_log const log(o.intents_file);
    auto const all = log.list();
    if (!all)
        return {"intents", check_state::failed, all.error().to_string(),
                "correct --intents, or the rights of its directory"};
    auto const open = std::count_if(all->begin(), all->end(), [](auto const& i) {
        return i.state != cf::access::intent_state::settled;
    });
    auto const detail = std::to_string(open) + " open in " + o.intents_file;
    if (open == 0) return {"intents", check_state::ok, detail};
    return {"intents", check_state::warning, detail,
            "settle what died: " + to_type(o, "reconcile")};
}

std::optional<std::chrono::seconds> clock_ahead(api_client const& client) {
    auto const server = client.server_time();
    if (!server) return std::nullopt;
    auto const own = cf::timestamp(std::chrono::system_clock::now());
    return own.seconds() - server->seconds();
}

// What needs the network: reachability, then what the API says.
awaitable<std::vector<check>> ask(api_client client, options const& o) {
    auto const seen = std::make_shared<observed>();
    auto const probe = probing_client(client, o, seen);
    service_tokens const tokens(probe, *o.scope);
    auto listing = tokens.list_whole();
    auto const listed = co_await std::move(listing);
    std::vector<check> checks;
    if (seen->http_status == 0) {
        auto const& e = listed.error();
        checks.push_back({"reachable", check_state::failed, e.to_string(), advice_on(e)});
        for (char const* const name : {"list", "write", "clock", "rate"})
            checks.push_back({name, check_state::skipped, "the API is not reached"});
        co_return checks;
    }
    checks.push_back({"reachable", check_state::ok, o.client.base_url().origin().authority()});
    bool const has_settings = std::none_of(o.faults.begin(), o.faults.end(), [](auto const& f) {
        return f.part == "credentials" || f.part == "scope";
    });
    if (has_settings) {
        checks.push_back(check_of_list(listed));
        auto removing = tokens.remove(id_of_no_token());
        auto const removed = co_await std::move(removing);
        checks.push_back(
            removed ? check{"write", check_state::warning, "the API deletes what is not there"}
                    : check_of_write(removed.error()));
    } else {
        for (char const* const name : {"list", "write"})
            checks.push_back(
                {name, check_state::skipped, "needs credentials and an account or zone"});
    }
    checks.push_back(check_of_clock(clock_ahead(probe)));
    checks.push_back(check_of_rate(seen->remaining));
    co_return checks;
}

} // namespace

task doctor(api_client client, options const& o) {
    std::vector<check> checks;
    checks.push_back(check_of_setting(o, "credentials", "found"));
    auto const scope =
        std::string(o.scope->is_account() ? "account " : "zone ").append(o.scope->id());
    checks.push_back(check_of_setting(o, "scope", scope));
    checks.push_back(check_of_setting(o, "base URL", o.client.base_url().origin().authority()));
    checks.push_back(check_of_setting(o, "proxy", address_of_proxy(o)));
    checks.push_back(check_of_ca(o));
    bool const has_address = std::none_of(o.faults.begin(), o.faults.end(), [](auto const& f) {
        return f.part == "base URL" || f.part == "proxy";
    });
    if (has_address && checks.back().is != check_state::failed) {
        auto asking = ask(client, o);
        auto const found = co_await std::move(asking);
        checks.insert(checks.end(), found.begin(), found.end());
    } else {
        checks.push_back({"reachable", check_state::skipped, "the address is not certain"});
    }
    checks.push_back(check_of_intents(o));
    auto const printed = print(show(checks, o.output));
    co_return printed != done ? printed : has_failure(checks) ? refused : done;
}

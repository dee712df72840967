#include "connection.hpp"

#include "command_line.hpp"
#include "output.hpp"

#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace cf = cloudflare;

namespace {

cf::result<cf::credentials> find_credentials(settings const& from) {
    auto const path = from.given("credentials-file");
    if (!path) {
        auto found = cf::credentials_from_environment();
        if (found) return std::move(*found);
        if (found.error() != cf::errc::missing_credentials) return found.error();
        for (char const* const old : {"CF_API_TOKEN", "CF_API_KEY"})
            if (environment(old))
                return cf::error(cf::errc::missing_credentials,
                                 "set CLOUDFLARE_API_TOKEN, or CLOUDFLARE_EMAIL and "
                                 "CLOUDFLARE_API_KEY; " +
                                     std::string(old) + " is set, an old name that is not read");
        return found.error();
    }
    std::ifstream file(*path);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open())
        return cf::error(cf::errc::missing_credentials, *path + ": cannot be read");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    auto token = cf::api_token::make(text);
    cf::wipe(text);
    if (!token) return token.error();
    return cf::credentials(std::move(*token));
}

// A number, one or more.
cf::result<std::optional<unsigned>> find_count(settings const& from, char const* option) {
    auto const text = from.find(option);
    if (!text) return std::optional<unsigned>();
    unsigned count = 0;
    auto const [end, failed] = std::from_chars(text->data(), text->data() + text->size(), count);
    if (failed != std::errc() || end != text->data() + text->size() || count == 0)
        return usage("--" + std::string(option) + " must be a number, 1 or more");
    return std::optional(count);
}

cf::trace_hook hook_of(options const& o) {
    return [is_verbose = o.verbose, is_quiet = o.quiet](cf::trace_event const& e) {
        std::ostringstream line;
        line << e;
        if (is_verbose) tell(line.str());
        for (auto const& note : *e.messages)
            if (!is_quiet) tell("note: " + cf::redact(note.message));
    };
}

cf::result<cf::client_options> find_client_options(settings const& from) {
    cf::client_options client;
    client.user_agent("access-token/" + std::string(cf::version));
    if (auto const text = from.find("base-url", "CLOUDFLARE_BASE_URL")) {
        auto const url = cf::base_url::parse(*text);
        if (!url) return url.error();
        client.base_url(*url);
    }
    client.allow_insecure_http(from.has("allow-insecure-http"));
    auto const& where = client.base_url().origin();
    if (!where.is_secure() && !where.is_loopback() && !client.allow_insecure_http())
        return usage(
            "base URL: must be https, because http would send the credentials unencrypted to " +
            where.host() + "; --allow-insecure-http allows it");
    auto const deadline = find_count(from, "deadline");
    if (!deadline) return deadline.error();
    if (*deadline) {
        std::chrono::seconds const span(**deadline);
        client.deadline(span).retry(cf::retry_policy().attempt_timeout(span));
    }
    auto const attempts = find_count(from, "attempts");
    if (!attempts) return attempts.error();
    if (*attempts) client.retry(cf::retry_policy(client.retry()).max_attempts(**attempts));
    return client;
}

} // namespace

cf::result<cf::access::any_scope> find_scope(settings const& from) {
    bool const account_given = from.has("account");
    bool const zone_given = from.has("zone");
    if (account_given && zone_given) return usage("--account and --zone exclude each other");
    auto const account = from.find("account", "CLOUDFLARE_ACCOUNT_ID");
    auto const zone = from.find("zone", "CLOUDFLARE_ZONE_ID");
    if (zone && (zone_given || (!account_given && !account))) {
        auto const checked = cf::access::zone_scope::parse(*zone);
        if (!checked) return checked.error();
        return cf::access::any_scope(*checked);
    }
    if (!account)
        return usage("whose tokens? give --account or --zone, or set CLOUDFLARE_ACCOUNT_ID");
    auto const checked = cf::access::account_scope::parse(*account);
    if (!checked) return checked.error();
    return cf::access::any_scope(*checked);
}

cf::result<void> add_connection(options& o, settings const& from) {
    auto const scope = find_scope(from);
    if (!scope) return scope.error();
    auto const client = find_client_options(from);
    if (!client) return client.error();
    auto const credentials = find_credentials(from);
    if (!credentials) return credentials.error();
    auto const proxy = cf::proxy_from_environment();
    if (!proxy) return proxy.error();
    if (*proxy && (*proxy)->unusable() && (*proxy)->serves(client->base_url().origin()))
        return *(*proxy)->unusable();
    o.scope = *scope;
    o.client = *client;
    o.client.trace(hook_of(o));
    o.credentials = *credentials;
    o.proxy = *proxy;
    return {};
}

#include "connection.hpp"

#include "command_line.hpp"
#include "output.hpp"

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/core/wipe.hpp>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace cf = cloudflare;

namespace {

cf::result<cf::credentials> token_of(cf::wiped_string text, std::string const& from) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    if (text.empty()) return cf::error(cf::errc::missing_credentials, from + ": is empty");
    auto token = cf::api_token::make(std::string_view(text));
    if (!token) return token.error();
    return cf::credentials(std::move(*token));
}

cf::result<cf::credentials> credentials_of_file(std::string const& path) {
    auto const opened = cf::access::file::open(path, O_RDONLY, cf::errc::missing_credentials);
    cf::wiped_string text;
    if (!opened || !opened->read(text))
        return cf::error(cf::errc::missing_credentials, path + ": cannot be read");
    return token_of(std::move(text), path);
}

// What the command prints; its errors go to stderr.
cf::result<cf::credentials> credentials_of_command(std::string const& command) {
    std::cout.flush();
    auto* const pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr)
        return cf::error(cf::errc::missing_credentials, command + ": cannot be run");
    cf::wiped_string text;
    ::setvbuf(pipe, nullptr, _IONBF, 0); // no copy of the secret stays behind
    for (int c = 0; text.size() < 4096 && (c = ::fgetc(pipe)) != EOF;)
        text += static_cast<char>(c);
    if (::pclose(pipe) != 0) return cf::error(cf::errc::missing_credentials, command + ": failed");
    return token_of(std::move(text), command);
}

using find_setting = std::optional<std::string> (settings::*)(char const*) const;

// Takes the credentials of the file or the command that one source of settings names.
//
// @return false where it names neither
cf::result<bool> take_credentials(options& o, settings const& from, find_setting find) {
    auto const file = (from.*find)("credentials-file");
    auto const command = (from.*find)("credentials-command");
    if (file && command)
        return usage("--credentials-file and --credentials-command exclude each other");
    if (!file && !command) return false;
    auto const found = file ? credentials_of_file(*file) : credentials_of_command(*command);
    if (!found) return found.error();
    o.credentials = *found;
    return true;
}

// The environment's; an old name of a variable is named.
cf::error no_credentials(cf::error const& e) {
    for (char const* const old : {"CF_API_TOKEN", "CF_API_KEY"})
        if (environment(old))
            return {cf::errc::missing_credentials,
                    "set CLOUDFLARE_API_TOKEN, or CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY; " +
                        std::string(old) + " is set, an old name that is not read"};
    return e;
}

cf::result<void> add_credentials(options& o, settings const& from) {
    auto const given = take_credentials(o, from, &settings::given);
    if (!given) return given.error();
    if (*given) return {};
    auto const found = cf::credentials_from_environment();
    if (found) {
        o.credentials = *found;
        return {};
    }
    if (found.error() != cf::errc::missing_credentials) return found.error();
    auto const in_profile = take_credentials(o, from, &settings::in_profile);
    if (!in_profile) return in_profile.error();
    if (*in_profile) return {};
    if (!o.is_dry_run) return no_credentials(found.error());
    o.credentials = cf::credentials(cf::api_token::make("none").value()); // not sent
    return {};
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

cf::result<void> add_client_options(options& o, settings const& from) {
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
    o.client = std::move(client);
    o.client.trace(hook_of(o));
    return {};
}

cf::result<void> add_proxy(options& o, settings const&) {
    auto const proxy = cf::proxy_from_environment();
    if (!proxy) return proxy.error();
    if (*proxy && (*proxy)->unusable() && (*proxy)->serves(o.client.base_url().origin()))
        return *(*proxy)->unusable();
    o.proxy = *proxy;
    return {};
}

cf::result<void> add_scope(options& o, settings const& from) {
    auto const scope = find_scope(from);
    if (!scope) return scope.error();
    o.scope = *scope;
    return {};
}

} // namespace

cf::result<cf::access::any_scope> find_scope(settings const& from) {
    if (from.has("account") && from.has("zone"))
        return usage("--account and --zone exclude each other");
    // Of one source either counts; a source that names one hides what comes after it.
    std::optional<std::string> const found[][2] = {
        {from.given("account"), from.given("zone")},
        {environment("CLOUDFLARE_ACCOUNT_ID"), environment("CLOUDFLARE_ZONE_ID")},
        {from.in_profile("account"), from.in_profile("zone")}};
    for (auto const& [account, zone] : found) {
        if (account) {
            auto const checked = cf::access::account_scope::parse(*account);
            if (!checked) return checked.error();
            return cf::access::any_scope(*checked);
        }
        if (zone) {
            auto const checked = cf::access::zone_scope::parse(*zone);
            if (!checked) return checked.error();
            return cf::access::any_scope(*checked);
        }
    }
    return usage("whose tokens? give --account or --zone, or set CLOUDFLARE_ACCOUNT_ID");
}

cf::result<void> add_connection(options& o, settings const& from) {
    struct part {
        char const* name;
        cf::result<void> (*add)(options& o, settings const& from);
    };
    for (auto const& [name, add] :
         {part{"scope", add_scope}, part{"base URL", add_client_options},
          part{"credentials", add_credentials}, part{"proxy", add_proxy}}) {
        auto const ok = add(o, from);
        if (ok) continue;
        if (o.command != "doctor")
            return ok.error().with([](auto& details) {
                details.explanation += "; to see what is wrong: access-token doctor";
            });
        o.faults.push_back({name, ok.error()});
    }
    return {};
}

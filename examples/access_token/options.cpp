#include "options.hpp"

#include "command_line.hpp"
#include "output.hpp"
#include "token_file.hpp"

#include <cloudflare/access/rotation_options.hpp>

#include <boost/program_options/variables_map.hpp>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace cf = cloudflare;
namespace po = boost::program_options;

namespace {

// A variable of the environment; one that is empty counts as not set.
std::optional<std::string> environment(char const* variable) {
    char const* const value = std::getenv(variable);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

// The option of that name, else the environment's variable, else nothing.
std::optional<std::string> setting(po::variables_map const& given, char const* option,
                                   char const* variable) {
    if (given.count(option) != 0) return given[option].as<std::string>();
    return environment(variable);
}

cf::result<cf::credentials> find_credentials(po::variables_map const& given) {
    if (given.count("credentials-file") == 0) return cf::credentials_from_environment();
    auto const path = given["credentials-file"].as<std::string>();
    std::ifstream file(path);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open()) return cf::error(cf::errc::missing_credentials, path + ": cannot be read");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    auto token = cf::api_token::make(text);
    cf::wipe(text);
    if (!token) return token.error();
    return cf::credentials(std::move(*token));
}

cf::result<cf::access::any_scope> find_scope(po::variables_map const& given) {
    bool const account_given = given.count("account") != 0;
    bool const zone_given = given.count("zone") != 0;
    if (account_given && zone_given) return usage("--account and --zone exclude each other");
    auto const account = setting(given, "account", "CLOUDFLARE_ACCOUNT_ID");
    auto const zone = setting(given, "zone", "CLOUDFLARE_ZONE_ID");
    if (zone && (zone_given || (!account_given && !account))) {
        auto const checked = cf::access::zone_scope::parse(*zone);
        if (!checked) return checked.error();
        return cf::access::any_scope(*checked);
    }
    if (!account) return usage("whose tokens? give --account or --zone");
    auto const checked = cf::access::account_scope::parse(*account);
    if (!checked) return checked.error();
    return cf::access::any_scope(*checked);
}

// A number, one or more.
cf::result<std::optional<unsigned>> find_count(po::variables_map const& given, char const* option) {
    if (given.count(option) == 0) return std::optional<unsigned>();
    auto const text = given[option].as<std::string>();
    unsigned count = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (failed != std::errc() || end != text.data() + text.size() || count == 0)
        return usage("--" + std::string(option) + " must be a number, 1 or more");
    return std::optional(count);
}

cf::result<cf::client_options> find_client_options(po::variables_map const& given) {
    cf::client_options client;
    client.user_agent("access-token/" + std::string(cf::version));
    if (auto const text = setting(given, "base-url", "CLOUDFLARE_BASE_URL")) {
        auto const url = cf::base_url::parse(*text);
        if (!url) return url.error();
        client.base_url(*url);
    }
    client.allow_insecure_http(given.count("allow-insecure-http") != 0);
    auto const& where = client.base_url().origin();
    if (!where.is_secure() && !where.is_loopback() && !client.allow_insecure_http())
        return usage(
            "base URL: must be https, for http would send the credentials unencrypted to " +
            where.host() + "; --allow-insecure-http allows it");
    auto const deadline = find_count(given, "deadline");
    if (!deadline) return deadline.error();
    if (*deadline) {
        std::chrono::seconds const span(**deadline);
        client.deadline(span).retry(cf::retry_policy().attempt_timeout(span));
    }
    auto const attempts = find_count(given, "attempts");
    if (!attempts) return attempts.error();
    if (*attempts) client.retry(cf::retry_policy(client.retry()).max_attempts(**attempts));
    bool const verbose = given.count("verbose") != 0;
    client.trace([verbose](cf::trace_event const& e) {
        std::ostringstream line;
        line << e;
        if (verbose) tell(line.str());
        for (auto const& note : *e.messages)
            tell("note: " + cf::redact(note.message));
    });
    return client;
}

cf::result<std::optional<cf::token_duration>> find_duration(po::variables_map const& given,
                                                            char const* option) {
    if (given.count(option) == 0) return std::optional<cf::token_duration>();
    auto const parsed = cf::token_duration::parse(given[option].as<std::string>());
    if (!parsed)
        return usage("--" + std::string(option) + ": " + parsed.error().details().explanation);
    return std::optional(*parsed);
}

// A length of time that may be zero.
cf::result<void> find_age(po::variables_map const& given, char const* option,
                          std::optional<std::chrono::seconds>& age) {
    if (given.count(option) == 0) return {};
    if (given[option].as<std::string>() == "0s") {
        age = std::chrono::seconds(0);
        return {};
    }
    auto const parsed = find_duration(given, option);
    if (!parsed) return parsed.error();
    if ((*parsed)->is_forever()) return usage("--" + std::string(option) + " must end");
    age = std::chrono::ceil<std::chrono::seconds>(*(*parsed)->value());
    return {};
}

// A directory that the environment names. A relative one is ignored, as the XDG Base Directory Specification wants it.
std::optional<std::filesystem::path> directory(char const* variable) {
    auto const value = environment(variable);
    if (!value || !value->starts_with('/')) return std::nullopt;
    return std::filesystem::path(*value);
}

// The log of intents; its directory is made where it is the usual one.
cf::result<std::string> find_intents_file(po::variables_map const& given) {
    if (given.count("intents") != 0) return given["intents"].as<std::string>();
    auto base = directory("XDG_STATE_HOME");
    if (!base) {
        base = directory("HOME");
        if (!base) return usage("where are intents kept? give --intents");
        *base /= ".local/state";
    }
    auto const own = *base / "access-token";
    std::error_code failed;
    std::filesystem::create_directories(own, failed);
    if (failed) return usage("cannot make " + own.string() + ": " + failed.message());
    return (own / "intents").string();
}

// What a command needs to reach the API.
cf::result<void> add_connection(options& o, po::variables_map const& given) {
    auto const scope = find_scope(given);
    if (!scope) return scope.error();
    auto const settings = find_client_options(given);
    if (!settings) return settings.error();
    auto const credentials = find_credentials(given);
    if (!credentials) return credentials.error();
    auto const proxy = cf::proxy_from_environment();
    if (!proxy) return proxy.error();
    if (*proxy && (*proxy)->unusable() && (*proxy)->serves(settings->base_url().origin()))
        return *(*proxy)->unusable();
    o.scope = *scope;
    o.client = *settings;
    o.credentials = *credentials;
    o.proxy = *proxy;
    return {};
}

// Intents of all scopes are shown, unless one is given.
cf::result<void> add_scope_of_intents(options& o, po::variables_map const& given) {
    if (given.count("account") == 0 && given.count("zone") == 0) return {};
    auto const scope = find_scope(given);
    if (!scope) return scope.error();
    o.scope = *scope;
    return {};
}

bool uses_intents(std::string const& command) {
    return command == "issue" || command == "ensure" || command == "reconcile" ||
           command == "intents" || command == "rotate" || command == "renew" || command == "status";
}

// Of a raw file no command can go on.
cf::result<void> check_secret_format(options const& o) {
    if (!o.wanted_format) return {};
    if (o.secret_file.empty() && o.secret_dir.empty())
        return usage("--secret-format needs a --secret-file");
    if (o.format() == secret_format::raw && o.command != "create" && o.command != "rotate")
        return usage("--secret-format raw: " + o.command +
                     " must find the token in the file; a raw one does not name it");
    return {};
}

// A grace that a consumer could miss is no grace.
cf::result<void> check_grace(options const& o) {
    auto const least = cf::access::rotation_options().min_grace();
    if (!o.grace || *o.grace >= least) return {};
    if (o.command == "renew") return usage("--grace must be at least 5m");
    if (o.grace->count() == 0) return {};
    return usage("--grace must be at least 5m, or 0s: then the secret in use dies at once");
}

// Options that a command must have, and those that exclude each other.
cf::result<void> check_together(options const& o) {
    bool const needs_file = o.command == "issue" || o.command == "ensure";
    bool const needs_either = o.command == "renew" || o.command == "status";
    if (needs_file && o.secret_file.empty()) return usage(o.command + " needs a --secret-file");
    if (needs_either && o.secret_file.empty() == o.secret_dir.empty())
        return usage(o.command + " needs either a --secret-file or a --secret-dir");
    if (!o.secret_dir.empty() && !o.argument.empty())
        return usage("an ID and --secret-dir exclude each other: all its tokens are renewed");
    if (auto const ok = check_secret_format(o); !ok) return ok;
    if (auto const ok = check_grace(o); !ok) return ok;
    if (!o.status_file.empty() && !o.watch) return usage("--status-file needs --watch");
    for (auto const* other : {&o.secret_file, &o.intents_file})
        if (!o.status_file.empty() && whole_path(o.status_file) == whole_path(*other))
            return usage("--status-file must be a file of its own");
    if (!o.intents_file.empty() && whole_path(o.secret_file) == whole_path(o.intents_file))
        return usage("--secret-file and --intents must be two files");
    if (o.deletes_strays && !o.shows_strays) return usage("--delete needs --strays");
    if (o.min_age && o.presumed_absent_age && *o.presumed_absent_age < *o.min_age)
        return usage("--gone-age must not be below --min-age");
    for (char const c : o.key)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return usage("--key must not hold control characters");
    if (o.key.size() > 200 || !cf::is_utf8(o.key))
        return usage("--key must be UTF-8, of 200 bytes at the most");
    return {};
}

cf::result<void> find_secret_format(options& o, po::variables_map const& given) {
    if (given.count("secret-format") == 0) return {};
    auto const format = given["secret-format"].as<std::string>();
    if (format == "env") o.wanted_format = secret_format::env;
    if (format == "raw") o.wanted_format = secret_format::raw;
    if (!o.wanted_format) return usage("--secret-format must be env or raw");
    return {};
}

cf::result<void> add_command_options(options& o, po::variables_map const& given) {
    auto const duration = find_duration(given, "duration");
    if (!duration) return duration.error();
    o.duration = *duration;
    if (auto const ok = find_age(given, "grace", o.grace); !ok) return ok;

    if (given.count("enable") != 0 && given.count("disable") != 0)
        return usage("--enable and --disable exclude each other");
    if (given.count("enable") != 0) o.enabled = true;
    if (given.count("disable") != 0 || given.count("disabled") != 0) o.enabled = false;
    if (given.count("name") != 0) o.name = given["name"].as<std::string>();
    if (given.count("search") != 0) o.search = given["search"].as<std::string>();
    if (given.count("secret-file") != 0) o.secret_file = given["secret-file"].as<std::string>();
    if (given.count("secret-dir") != 0) o.secret_dir = given["secret-dir"].as<std::string>();
    if (given.count("status-file") != 0) o.status_file = given["status-file"].as<std::string>();
    if (auto const ok = find_secret_format(o, given); !ok) return ok;
    if (given.count("ca-file") != 0) o.ca_file = given["ca-file"].as<std::string>();

    if (given.count("key") != 0) o.key = given["key"].as<std::string>();
    if (uses_intents(o.command)) {
        auto file = find_intents_file(given);
        if (!file) return file.error();
        o.intents_file = std::move(*file);
    }
    if (auto const ok = find_age(given, "min-age", o.min_age); !ok) return ok;
    if (auto const ok = find_age(given, "gone-age", o.presumed_absent_age); !ok) return ok;
    if (auto const ok = find_age(given, "refresh-before", o.refresh_before); !ok) return ok;
    if (auto const ok = find_age(given, "rotate-after", o.rotate_after); !ok) return ok;
    o.replace_lost = given.count("replace-lost") != 0;
    o.watch = given.count("watch") != 0;
    o.replace_now = given.count("replace-now") != 0;
    o.shows_strays = given.count("strays") != 0;
    o.deletes_strays = given.count("delete") != 0;
    if (auto const ok = check_together(o); !ok) return ok;

    if (given.count("output") == 0) return {};
    auto const format = given["output"].as<std::string>();
    if (format == "json") {
        o.output = output_format::json;
    } else if (format == "env") {
        if (o.command == "list" || o.command == "intents" || o.command == "renew" ||
            o.command == "status" || o.shows_strays)
            return usage("--output env shows one token, not a list");
        o.output = output_format::env;
    } else if (format != "text") {
        return usage("--output must be text, json or env");
    }
    return {};
}

} // namespace

cf::result<std::optional<options>> parse_options(int argc, char const* const* argv) {
    auto const line = read_command_line(argc, argv);
    if (!line) return line.error();
    if (line->words.empty()) return std::optional<options>();
    options o;
    o.command = line->words[0];
    if (line->words.size() > 1) o.argument = line->words.back();
    auto const ok = o.command == "intents" ? add_scope_of_intents(o, line->given)
                                           : add_connection(o, line->given);
    if (!ok) return ok.error();
    if (auto const added = add_command_options(o, line->given); !added) return added.error();
    return std::optional(std::move(o));
}

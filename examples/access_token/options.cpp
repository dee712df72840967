#include "options.hpp"

#include "output.hpp"

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace cf = cloudflare;
namespace po = boost::program_options;

namespace {

constexpr char const* synopsis = R"(Usage: access-token [OPTIONS] COMMAND

Commands:
  create NAME [--duration D] [--disabled] [--secret-file FILE]
  list [--name N] [--search S]
  get ID
  update ID [--name N] [--duration D] [--enable | --disable]
  rotate ID [--grace D] [--replace-now] [--secret-file FILE]
      never twice for one answer lost; refused while an earlier grace period runs
  refresh ID
  delete ID
  issue NAME --secret-file FILE [--duration D] [--disabled]
      like create, but exactly once: a lost answer leaves no token that nobody owns
  reconcile [--min-age D] [--gone-age D]
      settles what issues that died left behind
  renew ID --secret-file FILE [--refresh-before D] [--rotate-after D] [--grace D]
      refreshes or rotates the token in that file where it is due

Credentials come from CLOUDFLARE_API_TOKEN, or CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY, or a file.
A proxy is found in https_proxy and no_proxy.
The secret goes to stdout, or to the secret file; all that is said goes to stderr.

Exit status: 0 done; 1 refused or unreachable, nothing changed; 2 wrong usage;
3 outcome unknown or something left behind, which stderr names.
)";

cf::error usage(std::string text) {
    return {cf::errc::invalid_argument, std::move(text)};
}

po::options_description described_options() {
    po::options_description all("Options");
    auto add = all.add_options();
    auto const text = [] { return po::value<std::string>(); };
    add("help,h", "show this and end");
    add("version", "show the version and end");
    add("verbose,v", "tell of every request on stderr");
    add("base-url", text(), "where the API is; else CLOUDFLARE_BASE_URL");
    add("allow-insecure-http",
        "also a base URL of http to another machine: credentials and secrets cross the network in "
        "clear");
    add("ca-file", text(), "CA certificates to trust, in PEM, in place of the system's");
    add("credentials-file", text(), "a file that holds an API token and nothing else");
    add("account", text(), "account id; else CLOUDFLARE_ACCOUNT_ID");
    add("zone", text(), "zone id; else CLOUDFLARE_ZONE_ID");
    add("deadline", po::value<unsigned>(), "seconds that a call may take (default 60)");
    add("attempts", po::value<unsigned>(), "requests that a call may make (default 4)");
    add("output", text(), "text, json or env (default text)");
    add("duration", text(), "how long the token is valid: 8760h, 90m ... or forever");
    add("grace", text(), "how long the secret in use is still accepted: 1h, 720h ...");
    add("replace-now", "rotate: although an earlier grace period runs, which ends it");
    add("refresh-before", text(), "renew: what expires within this time (default 720h)");
    add("rotate-after", text(), "renew: secrets older than this (default: never)");
    add("secret-file", text(), "a new file for the secret, readable by you only");
    add("name", text(), "list: of this name; update: the new name");
    add("search", text(), "list: that hold this text");
    add("intents", text(),
        "issue, reconcile: the log of intents, instead of the one in "
        "$XDG_STATE_HOME/access-token or ~/.local/state/access-token");
    add("min-age", text(),
        "reconcile: leave younger intents alone (default 15m; 0s if no issue is "
        "under way)");
    add("gone-age", text(),
        "reconcile: a token not listed for so long was never made (default 1h)");
    add("disabled", "create: not accepted yet");
    add("enable", "update: accepted again");
    add("disable", "update: not accepted any more");
    return all;
}

struct command {
    std::string_view name;
    std::string_view argument; // what it is called; empty for none
    std::string_view options;  // that it takes, each between spaces
};

constexpr std::array<command, 10> commands{{
    {"create", "NAME", " duration disabled secret-file "},
    {"list", "", " name search "},
    {"get", "ID", " "},
    {"update", "ID", " name duration enable disable "},
    {"rotate", "ID", " grace replace-now secret-file "},
    {"refresh", "ID", " "},
    {"delete", "ID", " "},
    {"issue", "NAME", " duration disabled secret-file intents "},
    {"reconcile", "", " intents min-age gone-age "},
    {"renew", "ID", " secret-file refresh-before rotate-after grace "},
}};

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

cf::result<command> find_command(po::variables_map const& given,
                                 std::vector<std::string> const& words) {
    if (words.empty()) return usage("a command is missing; see --help");
    for (auto const& c : commands) {
        if (c.name != words[0]) continue;
        if (words.size() != (c.argument.empty() ? 1U : 2U))
            return usage(words[0] + (c.argument.empty()
                                         ? " takes no argument"
                                         : " takes one argument: " + std::string(c.argument)));
        for (std::string const option :
             {"duration", "grace", "secret-file", "name", "search", "disabled", "enable", "disable",
              "intents", "min-age", "gone-age", "replace-now", "refresh-before", "rotate-after"})
            if (given.count(option) != 0 && c.options.find(' ' + option + ' ') == c.options.npos)
                return usage(words[0] + " does not take --" + option);
        return c;
    }
    return usage("no such command: " + words[0] + "; see --help");
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
        return usage("base URL: must be https, for http would send the credentials in clear to " +
                     where.host() + "; --allow-insecure-http allows it");
    if (given.count("deadline") != 0) {
        auto const seconds = given["deadline"].as<unsigned>();
        if (seconds == 0) return usage("--deadline must be 1 or more");
        client.deadline(std::chrono::seconds(seconds));
        client.retry(cf::retry_policy().attempt_timeout(std::chrono::seconds(seconds)));
    }
    if (given.count("attempts") != 0) {
        auto const count = given["attempts"].as<unsigned>();
        if (count == 0) return usage("--attempts must be 1 or more");
        client.retry(cf::retry_policy(client.retry()).max_attempts(count));
    }
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

cf::result<void> add_command_options(options& o, po::variables_map const& given) {
    auto const duration = find_duration(given, "duration");
    if (!duration) return duration.error();
    o.duration = *duration;
    auto const grace = find_duration(given, "grace");
    if (!grace) return grace.error();
    o.grace = *grace;
    if (o.grace && o.grace->is_forever()) return usage("--grace must end");

    if (given.count("enable") != 0 && given.count("disable") != 0)
        return usage("--enable and --disable exclude each other");
    if (given.count("enable") != 0) o.enabled = true;
    if (given.count("disable") != 0 || given.count("disabled") != 0) o.enabled = false;
    if (given.count("name") != 0) o.name = given["name"].as<std::string>();
    if (given.count("search") != 0) o.search = given["search"].as<std::string>();
    if (given.count("secret-file") != 0) o.secret_file = given["secret-file"].as<std::string>();
    if (given.count("ca-file") != 0) o.ca_file = given["ca-file"].as<std::string>();

    if ((o.command == "issue" || o.command == "renew") && o.secret_file.empty())
        return usage(o.command + " needs a --secret-file");
    if (o.command == "issue" || o.command == "reconcile") {
        auto file = find_intents_file(given);
        if (!file) return file.error();
        o.intents_file = std::move(*file);
    }
    if (auto const ok = find_age(given, "min-age", o.min_age); !ok) return ok;
    if (auto const ok = find_age(given, "gone-age", o.gone_age); !ok) return ok;
    if (auto const ok = find_age(given, "refresh-before", o.refresh_before); !ok) return ok;
    if (auto const ok = find_age(given, "rotate-after", o.rotate_after); !ok) return ok;
    o.replace_now = given.count("replace-now") != 0;

    if (given.count("output") == 0) return {};
    auto const format = given["output"].as<std::string>();
    if (format == "json") {
        o.output = output_format::json;
    } else if (format == "env") {
        if (o.command == "list") return usage("--output env shows one token, not a list");
        o.output = output_format::env;
    } else if (format != "text") {
        return usage("--output must be text, json or env");
    }
    return {};
}

} // namespace

cf::result<std::optional<options>> parse_options(int argc, char const* const* argv) {
    auto const described = described_options();
    po::options_description all;
    all.add(described).add_options()("words", po::value<std::vector<std::string>>());
    po::variables_map given;
    try {
        po::positional_options_description positions;
        positions.add("words", -1);
        using style = po::command_line_style::style_t;
        auto const long_names = po::command_line_style::unix_style & ~style::allow_guessing;
        po::store(po::command_line_parser(argc, argv)
                      .options(all)
                      .positional(positions)
                      .style(long_names)
                      .run(),
                  given);
    } catch (po::error const& e) {
        return usage(e.what());
    }
    if (given.count("help") != 0) {
        std::cout << synopsis << '\n' << described;
        return std::optional<options>();
    }
    if (given.count("version") != 0) {
        std::cout << "access-token " << cf::version << '\n';
        return std::optional<options>();
    }

    auto const words = given.count("words") != 0 ? given["words"].as<std::vector<std::string>>()
                                                 : std::vector<std::string>();
    auto const c = find_command(given, words);
    if (!c) return c.error();
    auto const scope = find_scope(given);
    if (!scope) return scope.error();
    auto const client = find_client_options(given);
    if (!client) return client.error();
    auto const credentials = find_credentials(given);
    if (!credentials) return credentials.error();

    auto const proxy = cf::proxy_from_environment();
    if (!proxy) return proxy.error();
    if (*proxy && (*proxy)->unusable() && (*proxy)->serves(client->base_url().origin()))
        return *(*proxy)->unusable();

    options o{.client = *client, .credentials = *credentials, .scope = *scope};
    o.proxy = *proxy;
    o.command = words[0];
    if (words.size() == 2) o.argument = words[1];
    if (auto const ok = add_command_options(o, given); !ok) return ok.error();
    return std::optional(std::move(o));
}

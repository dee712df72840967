#include "command_line.hpp"

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <string_view>
#include <utility>

namespace cf = cloudflare;
namespace po = boost::program_options;

namespace {

constexpr char const* synopsis = R"(Usage: access-token [OPTIONS] COMMAND

Commands:
  create NAME [--duration D] [--disabled] [--secret-file FILE [--secret-format env|raw]]
  list [--name N] [--search S]
  get ID
  update ID [--name N] [--duration D] [--enable | --disable]
  rotate ID [--grace D] [--replace-now] [--secret-file FILE [--secret-format env|raw]]
            [--intents FILE]
      a new secret, to a new file or to the one that holds this token; the secret in use works
      for the grace (default 24h; 5m at least; 0s: it dies now, on purpose); refused while an
      earlier grace period runs, and where a secret was lost, unless --replace-now is given
  refresh ID
  delete ID
  issue NAME --secret-file FILE [--key KEY] [--duration D] [--disabled] [--intents FILE]
      like create, but exactly once: a lost response leaves no token that nobody owns;
      asked again with the same key and file it gives the same token
  ensure NAME --secret-file FILE [--duration D] [--intents FILE]
      the file holds a token that works: nothing is done; else one is issued
  reconcile [--min-age D] [--gone-age D] [--strays [--delete]] [--intents FILE]
      settles what issues that died left behind; tells of strays, which have a tag and no
      intent; --strays lists them on stdout, --delete deletes them
  intents [--intents FILE]
      lists what is open and what is watched; needs no credentials
  intents forget TAG [--intents FILE]
      takes one out of the log, and says what may be left
  renew [ID] --secret-file FILE | --secret-dir DIR  [--refresh-before D] [--rotate-after D]
        [--grace D] [--replace-lost] [--intents FILE] [--watch [--status-file FILE]]
      refreshes or rotates the token in that file, or those of a directory, where it is due;
      one whose new secret was lost is kept alive, or replaced by --replace-lost;
      --watch: round after round, until a signal ends it in order
  status --secret-file FILE | --secret-dir DIR  [--refresh-before D] [--rotate-after D]
        [--intents FILE]
      how they stand; nothing is changed

Credentials come from CLOUDFLARE_API_TOKEN, or CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY, or a file.
A proxy is found in https_proxy and no_proxy.
The secret goes to stdout, or to the secret file; all that is said goes to stderr.

Exit status: 0 done; 1 refused or unreachable, nothing changed; 2 wrong usage;
3 outcome unknown or something left behind, which stderr names; of renew and status: a token is
lost, missing, disabled or expired, or its renewal failed.
)";

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
    add("deadline", text(), "seconds that a call may take (default 60)");
    add("attempts", text(), "requests that a call may make (default 4)");
    add("output", text(), "text, json or env (default text)");
    add("duration", text(), "how long the token is valid: 8760h, 90m ... or forever");
    add("grace", text(),
        "how long the secret in use is still accepted: 1h, 720h ... (default 24h; 0s: it dies "
        "now)");
    add("replace-now",
        "rotate: although an earlier grace period runs, which ends it, or a secret was lost");
    add("replace-lost",
        "renew: make another secret in place of one that was lost; the one in use dies then");
    add("watch", "renew: go on until SIGTERM; tells systemd where NOTIFY_SOCKET is set");
    add("status-file", text(), "renew --watch: where each round says how all stands, in JSON");
    add("refresh-before", text(), "renew: what expires within this time (default 720h)");
    add("rotate-after", text(), "renew: secrets older than this (default: never)");
    add("secret-file", text(),
        "a file for the secret, readable by you only: of create and issue a new one, of renew and "
        "status the one that holds it, of the others either");
    add("secret-dir", text(), "renew, status: a directory of such files");
    add("secret-format", text(),
        "of the secret file: env, lines for a shell, which all commands can go on with (default), "
        "or raw, the secret alone");
    add("key", text(), "issue: names what is asked for; asked again, it is the same token");
    add("name", text(), "list: of this name; update: the new name");
    add("search", text(), "list: that hold this text");
    add("intents", text(),
        "the log of intents, instead of the one in "
        "$XDG_STATE_HOME/access-token or ~/.local/state/access-token");
    add("min-age", text(),
        "reconcile: leave younger intents alone (default 15m; 0s if no issue is "
        "under way)");
    add("gone-age", text(),
        "reconcile: a token not listed for so long was never made (default 1h)");
    add("strays", "reconcile: list them on stdout");
    add("delete", "reconcile --strays: delete them");
    add("disabled", "create, issue: not accepted yet");
    add("enable", "update: accepted again");
    add("disable", "update: not accepted any more");
    return all;
}

struct command_syntax {
    std::string_view name;
    std::string_view argument; // what it is called; empty for none
    std::string_view options;  // that it takes, each between spaces
};

// What every command takes.
constexpr std::string_view common_options =
    " verbose base-url allow-insecure-http ca-file credentials-file account zone deadline attempts "
    "output ";

constexpr std::array<command_syntax, 13> commands{{
    {"create", "NAME", " duration disabled secret-file secret-format "},
    {"list", "", " name search "},
    {"get", "ID", " "},
    {"update", "ID", " name duration enable disable "},
    {"rotate", "ID", " grace replace-now secret-file secret-format intents "},
    {"refresh", "ID", " "},
    {"delete", "ID", " "},
    {"issue", "NAME", " duration disabled secret-file secret-format key intents "},
    {"ensure", "NAME", " duration secret-file secret-format intents "},
    {"reconcile", "", " intents min-age gone-age strays delete "},
    {"intents", "", " intents "},
    {"renew", "[ID]",
     " secret-file secret-dir secret-format refresh-before rotate-after grace replace-lost watch "
     "status-file intents "},
    {"status", "", " secret-file secret-dir refresh-before rotate-after intents "},
}};

bool holds(std::string_view options, std::string const& name) {
    return options.find(' ' + name + ' ') != options.npos;
}

// Each option that is given must be the command's, and say something.
cf::result<void> check_options(po::variables_map const& given, command_syntax const& c,
                               po::options_description const& described) {
    for (auto const& [name, value] : given) {
        if (name == "words") continue;
        if (!holds(common_options, name) && !holds(c.options, name))
            return usage(std::string(c.name) + " does not take --" + name);
        bool const is_flag = described.find(name, false).semantic()->max_tokens() == 0;
        if (!is_flag && value.as<std::string>().empty())
            return usage("--" + name + " must not be empty");
    }
    return {};
}

cf::result<void> check_words(std::vector<std::string> const& words, command_syntax const& c) {
    auto const name = std::string(c.name);
    if (c.name == "intents") {
        bool const forgets = words.size() > 1 && words[1] == "forget";
        if (forgets && words.size() != 3) return usage("intents forget takes one argument: TAG");
        if (!forgets && words.size() > 1) return usage("intents takes no argument, or: forget TAG");
        return {};
    }
    bool const is_optional = c.argument.starts_with('[');
    if (words.size() == (c.argument.empty() ? 1U : 2U)) return {};
    if (is_optional && words.size() == 1) return {};
    return usage(name + (c.argument.empty() ? " takes no argument"
                                            : " takes one argument: " + std::string(c.argument)));
}

} // namespace

cf::error usage(std::string text) {
    return {cf::errc::invalid_argument, std::move(text)};
}

cf::result<command_line> read_command_line(int argc, char const* const* argv) {
    auto const described = described_options();
    po::options_description all;
    all.add(described).add_options()("words", po::value<std::vector<std::string>>());
    command_line read;
    auto& given = read.given;
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
        return read;
    }
    if (given.count("version") != 0) {
        std::cout << "access-token " << cf::version << '\n';
        return read;
    }
    if (given.count("words") != 0) read.words = given["words"].as<std::vector<std::string>>();
    if (read.words.empty()) return usage("a command is missing; see --help");
    auto const c = std::find_if(commands.begin(), commands.end(),
                                [&](auto const& one) { return one.name == read.words[0]; });
    if (c == commands.end()) return usage("no such command: " + read.words[0] + "; see --help");
    if (auto const ok = check_words(read.words, *c); !ok) return ok.error();
    if (auto const ok = check_options(given, *c, described); !ok) return ok.error();
    return read;
}

#include "command_table.hpp"

#include <algorithm>
#include <array>

namespace {

constexpr std::string_view formats_of_one = "text json yaml env table name id";
constexpr std::string_view formats_of_secret = "text json yaml env table name id kubernetes github";
constexpr std::string_view formats_of_list = "text json yaml table name id";
constexpr std::string_view formats_of_report = "text json yaml table";
constexpr std::string_view formats_of_doctor = "text json yaml";

constexpr std::array table_of_options{
    option_info{"help", 'h', "", "show the help of the command, and end"},
    option_info{"version", 0, "", "show the version, and end"},
    option_info{"verbose", 'v', "", "tell of every request on stderr"},
    option_info{"quiet", 'q', "", "on stderr only what is wrong or left behind"},
    option_info{"output", 'o', "FORMAT", "how stdout looks", "", true},
    option_info{"env-names", 0, "NAMES",
                "what env, kubernetes, github and exec call id and secret: access (default) "
                "CF_ACCESS_CLIENT_ID and _SECRET; wrangler CLOUDFLARE_ACCESS_CLIENT_ID and "
                "_SECRET; cloudflared TUNNEL_SERVICE_TOKEN_ID and _SECRET",
                "access wrangler cloudflared", true},
    option_info{"namespace", 0, "NAME", "of a Kubernetes secret", "", true},
    option_info{"base-url", 0, "URL", "where the API is; else CLOUDFLARE_BASE_URL", "", true},
    option_info{"allow-insecure-http", 0, "",
                "also a base URL of http to another machine: credentials and secrets cross the "
                "network in clear"},
    option_info{"ca-file", 0, "FILE", "CA certificates to trust, in PEM, in place of the system's",
                "", true},
    option_info{"credentials-file", 0, "FILE", "a file that holds an API token and nothing else",
                "", true},
    option_info{
        "credentials-command", 0, "COMMAND",
        "a command for the shell that prints an API token, such as \"pass show cloudflare\"", "",
        true},
    option_info{"profile", 0, "NAME",
                "of the configuration file; else CLOUDFLARE_AUTH_PROFILE, else default"},
    option_info{"yes", 'y', "", "do not ask on a terminal before what cannot be undone"},
    option_info{"dry-run", 0, "", "show the request, without the credentials, and send nothing"},
    option_info{"account", 0, "ID", "the account; else CLOUDFLARE_ACCOUNT_ID", "", true},
    option_info{"zone", 0, "ID", "the zone; else CLOUDFLARE_ZONE_ID", "", true},
    option_info{"deadline", 0, "SECONDS", "that a call may take (default 60)", "", true},
    option_info{"attempts", 0, "N", "requests that a call may make (default 4)", "", true},
    option_info{"duration", 0, "TIME",
                "how long the token is valid: 8760h, 90m, 30d, 1y (8760h) or forever"},
    option_info{"disabled", 0, "", "not accepted yet"},
    option_info{"enable", 0, "", "accepted again"},
    option_info{"disable", 0, "", "not accepted any more"},
    option_info{"name", 0, "NAME", "list: of this name; update: the new name"},
    option_info{"search", 0, "STRING", "whose names hold this"},
    option_info{"secret-file", 0, "FILE",
                "a file for the secret, readable by you only: of create and issue a new one, of "
                "renew, status and exec the one that holds it, of the others either"},
    option_info{"secret-dir", 0, "DIR", "a directory of such files"},
    option_info{"secret-format", 0, "FORMAT",
                "of a new secret file: env, lines for a shell (default), json, one object, or raw, "
                "the secret alone, which no later command can go on with; a file that is there "
                "keeps its own",
                "env json raw"},
    option_info{"key", 0, "KEY", "names what is asked for; asked again, it is the same token"},
    option_info{"grace", 0, "TIME",
                "how long the secret in use is still accepted: 1h, 30d ... (default 24h; at least "
                "5m; of rotate also 0s: it dies now)"},
    option_info{"replace-now", 0, "",
                "although an earlier grace period runs, which ends it, or a secret was lost"},
    option_info{"replace-lost", 0, "",
                "make another secret in place of one that was lost; the one in use dies then"},
    option_info{"refresh-before", 0, "TIME",
                "what expires within this time (default 30d); Terraform calls it "
                "min_days_for_renewal"},
    option_info{"rotate-after", 0, "TIME", "secrets older than this (default: never)"},
    option_info{"watch", 0, "", "go on until SIGTERM; tells systemd where NOTIFY_SOCKET is set"},
    option_info{"status-file", 0, "FILE",
                "where each round of --watch says how all stands, in JSON"},
    option_info{"intents", 0, "FILE",
                "the log of intents, instead of the one in $XDG_STATE_HOME/access-token or "
                "~/.local/state/access-token"},
    option_info{"min-age", 0, "TIME",
                "leave younger intents alone (default 15m; 0s if no issue is under way)"},
    option_info{"gone-age", 0, "TIME",
                "a token not listed for so long was never made (default 1h)"},
    option_info{"strays", 0, "", "list on stdout the tokens with a tag that no intent explains"},
    option_info{"delete", 0, "", "delete these strays"},
};

constexpr std::array table_of_commands{
    command_info{
        "create", "NAME", "duration disabled secret-file secret-format dry-run", formats_of_secret,
        "make a token; its secret is shown once, or goes to a new file",
        "One call, never sent again blindly: where its response is lost, exit status 3 "
        "names what may be left. A job that runs again uses ensure or issue --key. Terraform's "
        "cloudflare_zero_trust_access_service_token takes a token over by its id: terraform "
        "import.",
        "access-token create ci --duration 1y --secret-file ci.env\n"
        "access-token create ci -o kubernetes --namespace web | kubectl apply -f -"},
    command_info{"ensure", "NAME", "duration secret-file secret-format intents", formats_of_secret,
                 "the file holds a token that works: nothing is done; else one is issued",
                 "With -o kubernetes and -o github the secret is read from the file.",
                 "access-token ensure ci --secret-file ~/.config/ci.env", "--secret-file FILE"},
    command_info{"issue", "NAME", "duration disabled secret-file secret-format key intents",
                 formats_of_secret,
                 "make a token exactly once: a lost response leaves none that nobody owns",
                 "Asked again with the same key and file it gives the same token. Without a key, a "
                 "file that is there is refused: ensure takes it.",
                 "access-token issue machine-17 --key machine-17 --secret-file machine-17.env",
                 "--secret-file FILE"},
    command_info{"list", "", "name search", formats_of_list, "the tokens of the account or zone",
                 "On a terminal it is a table, with client id and last use where the API says so.",
                 "access-token list --search ci\n"
                 "access-token list -o json | jq -r '.[].client_id'"},
    command_info{"get", "ID", "", formats_of_one, "one token", "",
                 "access-token get f174e90a-fafe-4643-bbbc-4a0ed4fc8415 -o yaml"},
    command_info{"update", "ID", "name duration enable disable", formats_of_one,
                 "change the name or the duration, enable or disable", "",
                 "access-token update f174e90a-fafe-4643-bbbc-4a0ed4fc8415 --disable"},
    command_info{"rotate", "ID", "grace replace-now secret-file secret-format yes intents",
                 formats_of_secret, "a new secret; the one in use works on until the grace is over",
                 "It goes to stdout, to a new file, or to the one that holds this token. Refused "
                 "while an earlier grace period runs, and where a secret was lost, unless "
                 "--replace-now is given.",
                 "access-token rotate f174e90a-fafe-4643-bbbc-4a0ed4fc8415 --grace 1d "
                 "--secret-file ci.env"},
    command_info{"refresh", "ID", "", formats_of_one, "a later expiry; the secret stays",
                 "Of accounts only: the API has no such call for a zone.",
                 "access-token refresh f174e90a-fafe-4643-bbbc-4a0ed4fc8415"},
    command_info{"delete", "ID...", "yes", formats_of_one, "delete tokens", "",
                 "access-token delete f174e90a-fafe-4643-bbbc-4a0ed4fc8415\n"
                 "access-token delete old-ci older-ci --yes"},
    command_info{"renew", "[ID]",
                 "secret-file secret-dir secret-format refresh-before rotate-after grace "
                 "replace-lost watch status-file yes intents",
                 formats_of_report,
                 "refresh and rotate what is due, of a secret file or of a directory of them",
                 "A token whose new secret was lost is kept alive, or replaced by --replace-lost. "
                 "Exit status 3: one is lost, missing, disabled or expired, or its renewal failed.",
                 "access-token renew --secret-dir /etc/tokens --rotate-after 90d --watch",
                 "--secret-file FILE | --secret-dir DIR"},
    command_info{"status", "", "secret-file secret-dir refresh-before rotate-after intents",
                 formats_of_report, "how the tokens of a file or directory stand; changes nothing",
                 "Exit status 3: one is lost, missing, disabled or expired.",
                 "access-token status --secret-dir /etc/tokens",
                 "--secret-file FILE | --secret-dir DIR"},
    command_info{"reconcile", "", "intents min-age gone-age strays delete yes", formats_of_list,
                 "settle what issues that died left behind",
                 "Strays are tokens with a tag that no intent explains: look whether one is in use "
                 "before --delete.",
                 "access-token reconcile\naccess-token reconcile --strays --delete"},
    command_info{"intents", "| intents forget TAG", "intents", formats_of_report,
                 "what the log of intents holds; forget takes one out of it",
                 "Needs neither network nor credentials.",
                 "access-token intents\n"
                 "access-token intents forget 6d1f0b7a6b0e4b3f8a0f6c3e0b1d2a4c"},
    command_info{
        "exec", "[NAME] -- COMMAND [ARG...]", "secret-file secret-format duration intents", "",
        "run a command with the token of a file in its environment",
        "With a NAME the file is made to hold a token that works first, as ensure does; "
        "without one neither network nor credentials are needed. The command takes the "
        "place of access-token: signals and exit status are its own; 127 where it is not "
        "found, 126 where it cannot be run.",
        "access-token exec --secret-file ci.env -- ./deploy.sh\n"
        "access-token exec ci --secret-file ci.env --env-names wrangler -- wrangler deploy",
        "--secret-file FILE"},
    command_info{"doctor", "", "intents", formats_of_doctor,
                 "what works and what does not: credentials, permissions, clock, proxy, CA, rate",
                 "Lists the tokens, and asks to delete one that cannot exist to learn whether it "
                 "may: nothing is changed. Exit status 1: a check failed.",
                 "access-token doctor"},
    command_info{
        "completion", "SHELL", "", "", "the completions for bash, zsh or fish", "",
        "access-token completion bash >~/.local/share/bash-completion/completions/access-token\n"
        "access-token completion zsh >~/.zfunc/_access-token\n"
        "access-token completion fish >~/.config/fish/completions/access-token.fish",
        "", false},
    command_info{"manual", "", "", "", "the manual page, in mdoc", "",
                 "access-token manual | man -l -", "", false},
    command_info{"help", "[COMMAND]", "", "", "this help, or that of a command", "",
                 "access-token help create", "", false},
    command_info{"version", "", "", "", "the version", "", "access-token version", "", false},
};

constexpr std::array table_of_variables{
    environment_info{"CLOUDFLARE_API_TOKEN", "the API token, where there is no --credentials-file"},
    environment_info{"CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY", "else these two"},
    environment_info{"CLOUDFLARE_ACCOUNT_ID", "the account, where there is no --account"},
    environment_info{"CLOUDFLARE_ZONE_ID", "else the zone"},
    environment_info{"CLOUDFLARE_AUTH_PROFILE", "the profile, where there is no --profile"},
    environment_info{"CLOUDFLARE_BASE_URL", "the API, where there is no --base-url"},
    environment_info{"https_proxy, no_proxy", "the proxy, and what is reached without one"},
    environment_info{"XDG_STATE_HOME", "the log of intents is in access-token/intents of it"},
    environment_info{"XDG_CONFIG_HOME", "the profiles are in access-token/config of it"},
    environment_info{"GITHUB_ENV, GITHUB_OUTPUT", "the files that -o github appends to"},
    environment_info{"CF_QUIET", "not empty: as --quiet"},
    environment_info{"NO_COLOR", "not empty: no colours"},
};

template <class Table>
auto find_in(Table const& table, std::string_view name) {
    auto const found =
        std::find_if(table.begin(), table.end(), [&](auto const& one) { return one.name == name; });
    return found == table.end() ? nullptr : &*found;
}

} // namespace

std::string_view const general_options = "output quiet verbose help version";
std::string_view const connection_options =
    "env-names namespace profile account zone credentials-file credentials-command base-url "
    "allow-insecure-http ca-file "
    "deadline attempts";

std::string_view const exit_statuses =
    "0 done; 1 refused or unreachable, nothing changed; 2 wrong usage; 3 outcome unknown or "
    "something left behind, which stderr names.";

std::span<option_info const> all_options() {
    return table_of_options;
}
std::span<command_info const> all_commands() {
    return table_of_commands;
}
std::span<environment_info const> all_variables() {
    return table_of_variables;
}

option_info const* find_option(std::string_view name) {
    return find_in(table_of_options, name);
}
command_info const* find_command(std::string_view name) {
    return find_in(table_of_commands, name);
}

std::vector<std::string_view> split(std::string_view words) {
    std::vector<std::string_view> all;
    while (!words.empty()) {
        auto const word = words.substr(0, words.find(' '));
        if (!word.empty()) all.push_back(word);
        words.remove_prefix(std::min(words.size(), word.size() + 1));
    }
    return all;
}

bool has_word(std::string_view words, std::string_view word) {
    auto const all = split(words);
    return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<option_info const*> options_of(command_info const& c) {
    std::vector<option_info const*> all;
    for (auto const& some :
         {c.options, c.takes_connection ? connection_options : std::string_view(), general_options})
        for (auto const name : split(some))
            if (name != "output" || !c.outputs.empty()) all.push_back(find_option(name));
    return all;
}

bool takes(command_info const& c, std::string_view option) {
    auto const all = options_of(c);
    return std::any_of(all.begin(), all.end(), [&](auto const* o) { return o->name == option; });
}

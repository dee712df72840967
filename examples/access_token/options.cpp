#include "options.hpp"

#include "command_line.hpp"
#include "connection.hpp"
#include "length_of_time.hpp"
#include "option_checks.hpp"
#include "output.hpp"
#include "profile.hpp"
#include "settings.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace cf = cloudflare;

namespace {

cf::result<void> find_duration(settings const& from, char const* option,
                               std::optional<cf::token_duration>& duration) {
    auto const written = from.given(option);
    if (!written) return {};
    auto const parsed = cf::token_duration::parse(in_hours(*written));
    if (!parsed)
        return usage("--" + std::string(option) + ' ' + *written +
                     ": must be a length of time such as 90m, 8760h, 30d or 1y, or forever (" +
                     parsed.error().details().explanation + ')');
    duration = *parsed;
    return {};
}

// A length of time that may be zero.
cf::result<void> find_age(settings const& from, char const* option,
                          std::optional<std::chrono::seconds>& age) {
    auto const written = from.given(option);
    if (written && in_hours(*written) == "0s") {
        age = std::chrono::seconds(0);
        return {};
    }
    std::optional<cf::token_duration> parsed;
    if (auto const ok = find_duration(from, option, parsed); !ok || !parsed) return ok;
    if (parsed->is_forever()) return usage("--" + std::string(option) + " must end");
    age = std::chrono::ceil<std::chrono::seconds>(*parsed->value());
    return {};
}

// The log of intents; its directory is made where it is the usual one.
cf::result<std::string> find_intents_file(settings const& from) {
    if (auto file = from.given("intents")) return std::move(*file);
    auto const base = user_directory("XDG_STATE_HOME", ".local/state");
    if (!base) return usage("where are intents kept? give --intents");
    auto const own = *base / "access-token";
    std::error_code failed;
    std::filesystem::create_directories(own, failed);
    if (failed) return usage("cannot make " + own.string() + ": " + failed.message());
    return (own / "intents").string();
}

// Intents of all scopes are shown, unless one is given.
cf::result<void> add_scope_of_intents(options& o, settings const& from) {
    if (!from.has("account") && !from.has("zone")) return {};
    auto const scope = find_scope(from);
    if (!scope) return scope.error();
    o.scope = *scope;
    return {};
}

void add_output(options& o, settings const& from, command_info const& c) {
    auto const written = from.find("output");
    bool const is_terminal = ::isatty(STDOUT_FILENO) == 1;
    bool const is_list = has_word(c.outputs, "table") && !has_word(c.outputs, "env");
    // A profile may name one that this command does not have.
    if (written && has_word(c.outputs, *written))
        o.output.format = output_format_named(*written).value_or(output_format::text);
    if (c.name == "exec") o.output.format = output_format::nothing;
    if (!written && is_terminal && is_list) o.output.format = output_format::table;
    if (auto const program = from.find("env-names"))
        o.output.names = env_names_of(*program).value_or(env_names());
    o.output.kubernetes_namespace = from.find("namespace").value_or("");
    o.output.token_name = o.argument;
    o.output.colours = shows_colours(STDOUT_FILENO);
}

// What has no effect is refused.
cf::result<void> check_names(options const& o, settings const& from) {
    auto const format = o.output.format;
    if (from.has("namespace") && format != output_format::kubernetes)
        return usage("--namespace needs -o kubernetes");
    bool const has_names = format == output_format::env || o.output.needs_secret();
    if (from.has("env-names") && !has_names && o.command != "exec")
        return usage("--env-names needs -o env, kubernetes or github");
    return {};
}

void add_secret_format(options& o, settings const& from) {
    auto const format = from.given("secret-format");
    if (format == "env") o.wanted_format = secret_format::env;
    if (format == "json") o.wanted_format = secret_format::json;
    if (format == "raw") o.wanted_format = secret_format::raw;
}

cf::result<void> add_lengths_of_time(options& o, settings const& from) {
    auto ok = find_duration(from, "duration", o.duration);
    if (ok) ok = find_age(from, "grace", o.grace);
    if (ok) ok = find_age(from, "min-age", o.min_age);
    if (ok) ok = find_age(from, "gone-age", o.presumed_absent_age);
    if (ok) ok = find_age(from, "refresh-before", o.refresh_before);
    if (ok) ok = find_age(from, "rotate-after", o.rotate_after);
    return ok;
}

cf::result<void> add_command_options(options& o, settings const& from) {
    if (auto const ok = add_lengths_of_time(o, from); !ok) return ok;
    if (from.has("enable") && from.has("disable"))
        return usage("--enable and --disable exclude each other");
    if (from.has("enable")) o.enabled = true;
    if (from.has("disable") || from.has("disabled")) o.enabled = false;
    o.name = from.given("name");
    o.search = from.given("search");
    o.secret_file = from.given("secret-file").value_or("");
    o.secret_dir = from.given("secret-dir").value_or("");
    o.status_file = from.given("status-file").value_or("");
    o.ca_file = from.find("ca-file").value_or("");
    o.key = from.given("key").value_or("");
    add_secret_format(o, from);
    o.replace_lost = from.has("replace-lost");
    o.watch = from.has("watch");
    o.replace_now = from.has("replace-now");
    o.shows_strays = from.has("strays");
    o.deletes_strays = from.has("delete");
    o.skips_questions = from.has("yes");
    o.is_dry_run = from.has("dry-run");
    o.verbose = from.has("verbose");
    o.quiet = from.has("quiet") || (!o.verbose && environment("CF_QUIET"));
    if (o.quiet && o.verbose) return usage("--quiet and --verbose exclude each other");
    return check_names(o, from);
}

} // namespace

cf::result<std::optional<options>> parse_options(int argc, char const* const* argv) {
    auto const line = read_command_line(argc, argv);
    if (!line) return line.error();
    if (line->command == nullptr) return std::optional<options>();
    auto const profile = find_profile(line->given);
    if (!profile) return profile.error();
    settings const from(line->given, *profile);
    options o;
    o.command = line->command->name;
    if (!line->arguments.empty()) o.argument = line->arguments.back();
    o.arguments = line->arguments;
    o.typed = line->arguments;
    o.program = line->program;
    for (auto const& [name, value] : line->given) {
        auto const* const text = boost::any_cast<std::string>(&value.value());
        if (name != "words") o.given_options.emplace_back(name, text == nullptr ? "" : *text);
    }
    add_output(o, from, *line->command);
    auto ok = add_command_options(o, from);
    if (ok && takes(*line->command, "intents")) {
        auto file = find_intents_file(from);
        if (!file) return file.error();
        o.intents_file = std::move(*file);
    }
    if (ok) ok = check_together(o);
    bool const is_local = o.command == "exec" && o.arguments.empty();
    if (ok && !is_local)
        ok = o.command == "intents" ? add_scope_of_intents(o, from) : add_connection(o, from);
    if (!ok) return ok.error();
    return std::optional(std::move(o));
}

#include "option_checks.hpp"

#include "command_line.hpp"
#include "github.hpp"
#include "kubernetes.hpp"
#include "next_command.hpp"
#include "token_file.hpp"

#include <cloudflare/access/rotation_options.hpp>

#include <string>

namespace cf = cloudflare;

namespace {

std::string name_of(secret_format f) {
    return f == secret_format::raw ? "raw" : f == secret_format::json ? "json" : "env";
}

// A raw file names no token, and a file that is there keeps its format.
cf::result<void> check_secret_format(options const& o) {
    if (!o.wanted_format) return {};
    if (!o.secret_dir.empty())
        return usage("--secret-format and --secret-dir exclude each other: each file keeps its "
                     "own format");
    if (o.secret_file.empty()) return usage("--secret-format needs a --secret-file");
    if (*o.wanted_format == secret_format::raw) {
        if (o.command == "create" || o.command == "rotate") return {};
        return usage("--secret-format raw: " + o.command +
                     " must find the token in the file; a raw one does not name it");
    }
    auto const held = format_of_file(o.secret_file);
    if (!held || *held == *o.wanted_format) return {};
    return usage("--secret-format " + name_of(*o.wanted_format) + ": " + o.secret_file +
                 " keeps its own format, which is " + name_of(*held));
}

// A grace that a consumer could miss is no grace.
cf::result<void> check_grace(options const& o) {
    auto const least = cf::access::rotation_options().min_grace();
    if (!o.grace || *o.grace >= least) return {};
    if (o.command == "renew") return usage("--grace must be at least 5m");
    if (o.grace->count() == 0) return {};
    return usage("--grace must be at least 5m, or 0s: then the secret in use dies at once");
}

cf::result<void> check_files(options const& o) {
    bool const needs_file = o.command == "issue" || o.command == "ensure" || o.command == "exec";
    bool const needs_either = o.command == "renew" || o.command == "status";
    if (needs_file && o.secret_file.empty()) return usage(o.command + " needs a --secret-file");
    if (needs_either && o.secret_file.empty() == o.secret_dir.empty()) {
        auto const meant = o.secret_file.empty() ? as_secret_option(o.argument) : "";
        return usage(o.command + " needs either a --secret-file or a --secret-dir" +
                     (meant.empty() ? "" : "; did you mean " + meant + '?'));
    }
    if (!o.secret_dir.empty() && !o.argument.empty())
        return usage("an ID and --secret-dir exclude each other: all its tokens are renewed");
    if (!o.status_file.empty() && !o.watch) return usage("--status-file needs --watch");
    for (auto const* other : {&o.secret_file, &o.intents_file})
        if (!o.status_file.empty() && whole_path(o.status_file) == whole_path(*other))
            return usage("--status-file must be a file of its own");
    if (!o.intents_file.empty() && whole_path(o.secret_file) == whole_path(o.intents_file))
        return usage("--secret-file and --intents must be two files");
    return {};
}

cf::result<void> check_key(options const& o) {
    for (char const c : o.key)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return usage("--key must not hold control characters");
    if (o.key.size() > 200 || !cf::is_utf8(o.key))
        return usage("--key must be UTF-8, of 200 bytes at the most");
    return {};
}

cf::result<void> check_output(options const& o) {
    auto const format = o.output.format;
    auto const& wanted = o.output.kubernetes_namespace;
    if (!wanted.empty() && !is_kubernetes_namespace(wanted))
        return usage("--namespace: Kubernetes takes lower-case letters, digits and -, 63 at the "
                     "most");
    if (format != output_format::github) return {};
    auto const files = github_files();
    if (files.empty())
        return usage("-o github needs GITHUB_ENV or GITHUB_OUTPUT, which a job of GitHub Actions "
                     "has");
    if (auto const path = unwritable_of(files); !path.empty())
        return usage("-o github: " + path + " cannot be written");
    return {};
}

} // namespace

cf::result<void> check_together(options const& o) {
    for (auto const& check :
         {check_files, check_secret_format, check_grace, check_key, check_output})
        if (auto const ok = check(o); !ok) return ok;
    if (o.deletes_strays && !o.shows_strays) return usage("--delete needs --strays");
    if (o.min_age && o.presumed_absent_age && *o.presumed_absent_age < *o.min_age)
        return usage("--gone-age must not be below --min-age");
    if (o.is_dry_run && o.output.format != output_format::text)
        return usage("--dry-run shows the request: --output has no effect on it");
    bool const of_new = o.duration || o.wanted_format;
    if (o.command == "exec" && o.arguments.empty() && of_new)
        return usage(
            "exec --duration and --secret-format need a NAME, of which the token is issued");
    bool const changes = o.name || o.duration || o.enabled;
    if (o.command == "update" && !changes)
        return usage("update: what is to change? give --name, --duration, --enable or --disable");
    return {};
}

#include "outcome.hpp"

#include "next_command.hpp"
#include "output.hpp"
#include "token_file.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace cf = cloudflare;

namespace {

// What may be left behind when the server may have acted, and how to go on.
std::string advice(options const& o, cf::error const& e) {
    bool const certain = e.delivery() == cf::delivery::accepted;
    auto const where = o.scope->is_account() ? " rotate or delete it" : " delete it";
    if (o.command == "create")
        return "a service token named \"" + o.argument + "\" " +
               (certain ? "exists" : "may exist") + " whose secret nobody has; look with: " +
               to_type(o, "list --name " + as_one_word(o.argument)) + ", then" + where +
               " by its ID";
    if (o.command == "rotate") return rotation_advice(o, o.argument, e);
    if (o.command == "issue" || o.command == "ensure")
        return "a service token named \"" + o.argument +
               "\" may exist whose secret nobody has; settle it later with: " +
               to_type(o, "reconcile") +
               (o.command == "ensure" || !o.key.empty() ? ", or the same command again" : "");
    return o.command + " of " + o.argument + (certain ? " was done" : " may have been done") +
           "; look with: " + to_type(o, o.command == "delete" ? "list" : "get " + o.argument);
}

// What failed of these did so before anything was changed, or changed what this program keeps only.
bool only_reads(options const& o) {
    return o.command == "list" || o.command == "get" || o.command == "reconcile" ||
           o.command == "intents";
}

bool takes_directory(options const& o) {
    return o.command == "renew" || o.command == "status";
}

// What is in the way of the secret file or the directory, and what to type for it.
std::string way_to_store(options const& o) {
    std::error_code failed;
    auto const& directory = o.secret_dir;
    if (!directory.empty() && std::filesystem::is_regular_file(directory, failed))
        return "a file is named by: " +
               to_type(o, o.command + " --secret-file " + as_one_word(directory));
    if (!o.secret_file.empty() && std::filesystem::is_directory(o.secret_file, failed))
        return takes_directory(o)
                   ? "a directory is named by: " +
                         to_type(o, o.command + " --secret-dir " + as_one_word(o.secret_file))
                   : "";
    auto const place = directory.empty()
                           ? std::filesystem::path(whole_path(o.secret_file)).parent_path().string()
                           : directory;
    if (o.secret_file.empty() && directory.empty()) return {};
    if (std::filesystem::exists(place, failed)) return {};
    return "mount the directory, or make it: mkdir -p -m 700 " + as_one_word(place);
}

// What to type next; empty where there is nothing to type.
std::string next_command(options const& o, cf::error const& e) {
    switch (static_cast<cf::errc>(e.code().value())) {
    case cf::errc::grace_running:
        return o.command == "rotate"
                   ? "wait until then, or end it now: " +
                         to_type(o, "rotate " + o.argument +
                                        (o.secret_file.empty()
                                             ? ""
                                             : " --secret-file " + as_one_word(o.secret_file)) +
                                        " --replace-now")
                   : "";
    case cf::errc::not_found: return "what there is: " + to_type(o, "list");
    case cf::errc::limit_reached:
        return "delete one that nobody needs: " + to_type(o, "list") + ", then " +
               to_type(o, "delete ID");
    case cf::errc::token_in_use:
        return "take it out of the policies, groups and applications first, or end its secret: " +
               to_type(o, "rotate " + o.argument + " --grace 0s");
    case cf::errc::sink_failed:
        return e.delivery() == cf::delivery::not_sent ? way_to_store(o) : std::string();
    case cf::errc::deadline_exceeded:
    case cf::errc::connection_lost:
        if (e.may_have_acted()) return {};
        [[fallthrough]];
    case cf::errc::resolve_failed:
    case cf::errc::connect_failed:
    case cf::errc::proxy_refused:
    case cf::errc::tls_failed:
    case cf::errc::unauthorized:
    case cf::errc::forbidden:
    case cf::errc::no_route:
    case cf::errc::access_not_enabled: return "to see what is wrong: " + to_type(o, "doctor");
    default: return {};
    }
}

} // namespace

std::string spoken(cf::error const& e) {
    auto const& d = e.details();
    // The rule of an invalid argument says all.
    if (e == cf::errc::invalid_argument && d.operation.empty() && !d.explanation.empty())
        return d.explanation + (d.cause ? " (" + d.cause.message() + ')' : "");
    auto text = e.to_string();
    if (e == cf::errc::sink_failed && e.delivery() == cf::delivery::not_sent) {
        constexpr std::string_view too_early = "secret not stored: "; // none is there yet
        if (text.starts_with(too_early)) text.erase(0, too_early.size());
    }
    // Functions of the library, which a program calls.
    for (std::string_view const advice_to_programs :
         {": wait, or revoke_and_rotate, which ends it",
          ": extend_grace prolongs that; replace_lost makes another secret, and the one in use "
          "dies at once",
          ": replace_lost makes another secret", ": end_grace ends it"})
        if (auto const at = text.find(advice_to_programs); at != text.npos)
            text.erase(at, advice_to_programs.size());
    return text;
}

exit_status fail(options const& o, cf::error const& e) {
    say(spoken(e));
    if (auto const next = next_command(o, e); !next.empty()) say(next);
    if (e == cf::condition::invalid_input) return wrong_usage;
    bool const acted =
        e.delivery() == cf::delivery::unknown || e.delivery() == cf::delivery::accepted;
    if (!acted || only_reads(o)) return refused;
    say("left behind: " + advice(o, e));
    return left_behind;
}

std::string rotation_advice(options const& o, std::string const& token_id, cf::error const& e) {
    bool const is_certain = e.delivery() == cf::delivery::accepted;
    bool const is_in_use =
        e.details().explanation.find("the one in use works") != std::string::npos;
    auto const* const place = o.secret_dir.empty() ? " --secret-file " : " --secret-dir ";
    auto const where = o.secret_dir.empty() ? o.secret_file : o.secret_dir;
    auto const file = where.empty() ? "" : place + as_one_word(where);
    auto const words = o.command == "rotate" ? "rotate " + token_id + file : "renew" + file;
    auto const command = to_type(o, words);
    auto const replacing =
        to_type(o, words + (o.command == "rotate" ? " --replace-now" : " --replace-lost"));
    if (is_certain)
        return "the secret of " + token_id + " was rotated and the new one is lost; " +
               (is_in_use ? "the one in use works until the time above. To make another, with "
                            "which the one in use dies at once: "
                          : "none before it works. To make another: ") +
               replacing;
    return "the secret of " + token_id + " may have been rotated; to settle it: " + command +
           ", and where that says that the new one is lost: " + replacing;
}

exit_status print(std::string const& text) {
    if (write_to_stdout(text)) return done;
    say("done, but stdout cannot be written");
    return left_behind;
}

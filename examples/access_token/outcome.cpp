#include "outcome.hpp"

#include "output.hpp"

namespace cf = cloudflare;

namespace {

// What may be left behind when the server may have acted, and how to go on.
std::string advice(options const& o, cf::error const& e) {
    bool const certain = e.delivery() == cf::delivery::accepted;
    auto const where = o.scope->is_account() ? " rotate or delete it" : " delete it";
    if (o.command == "create")
        return "a service token named \"" + o.argument + "\" " +
               (certain ? "exists" : "may exist") +
               " whose secret nobody has; look with: list --name, then" + where;
    if (o.command == "rotate") return rotation_advice(o, o.argument, certain);
    if (o.command == "issue" || o.command == "ensure")
        return "a service token named \"" + o.argument +
               "\" may exist whose secret nobody has; settle it later with: reconcile" +
               (o.command == "ensure" || !o.key.empty() ? ", or the same command again" : "");
    return o.command + " of " + o.argument + (certain ? " was done" : " may have been done") +
           "; look with: list";
}

// What failed of these did so before anything was changed.
bool only_reads(options const& o) {
    return o.command == "list" || o.command == "get" || o.command == "reconcile";
}

// The error without the names of the C++ functions that its text may speak of.
std::string spoken(cf::error const& e) {
    auto text = e.to_string();
    constexpr std::string_view advice_to_programs = ": wait, or revoke_and_rotate, which ends it";
    if (auto const at = text.find(advice_to_programs); at != text.npos)
        text.erase(at, advice_to_programs.size());
    return text;
}

// What to type next; empty where there is nothing to type.
std::string next_command(options const& o, cf::error const& e) {
    switch (static_cast<cf::errc>(e.code().value())) {
    case cf::errc::grace_running:
        return o.command == "rotate"
                   ? "wait until then, or end it now: access-token rotate " + o.argument +
                         (o.secret_file.empty() ? "" : " --secret-file " + o.secret_file) +
                         " --replace-now"
                   : "";
    case cf::errc::not_found: return "what there is: access-token list";
    case cf::errc::limit_reached:
        return "delete one that nobody needs: access-token list, then access-token delete ID";
    case cf::errc::token_in_use:
        return "take it out of the policies, groups and applications first, or end its secret: "
               "access-token rotate " +
               o.argument + " --grace 0s";
    case cf::errc::resolve_failed:
    case cf::errc::connect_failed:
    case cf::errc::proxy_refused:
    case cf::errc::tls_failed:
    case cf::errc::unauthorized:
    case cf::errc::forbidden:
    case cf::errc::no_route:
    case cf::errc::access_not_enabled: return "to see what is wrong: access-token doctor";
    default: return {};
    }
}

} // namespace

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

std::string rotation_advice(options const& o, std::string const& token_id, bool is_certain) {
    auto const* const place = o.secret_dir.empty() ? " --secret-file " : " --secret-dir ";
    auto const where = o.secret_dir.empty() ? o.secret_file : o.secret_dir;
    auto const file = where.empty() ? "" : place + where;
    auto const command = o.command == "rotate" ? "access-token rotate " + token_id + file
                                               : "access-token renew" + file;
    auto const replacing = command + (o.command == "rotate" ? " --replace-now" : " --replace-lost");
    if (is_certain)
        return "the secret of " + token_id +
               " was rotated and the new one is lost; the one in use works until the time above. "
               "To make another, with which the one in use dies at once: " +
               replacing;
    return "the secret of " + token_id + " may have been rotated; to settle it: " + command +
           ", and where that says that the new one is lost: " + replacing;
}

exit_status print(std::string const& text) {
    if (write_to_stdout(text)) return done;
    say("done, but stdout cannot be written");
    return left_behind;
}

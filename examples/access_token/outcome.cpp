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

} // namespace

exit_status fail(options const& o, cf::error const& e) {
    say(e.to_string());
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

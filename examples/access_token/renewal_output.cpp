#include "renewal_output.hpp"

#include "next_command.hpp"
#include "output.hpp"
#include "printable.hpp"
#include "table.hpp"
#include "yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string_view>

namespace cf = cloudflare;
using cf::access::renewal_report;
using cf::access::renewal_state;
using entry = renewal_report::entry;

namespace {

// As it stands after the round.
std::string_view state_of(entry const& e) {
    bool const is_mended =
        e.rotated || (e.refreshed && e.state != renewal_state::lost && !e.failure);
    return to_string(is_mended ? renewal_state::fresh : e.state);
}

std::string done_with(entry const& e) {
    if (e.refreshed && e.rotated) return "refreshed,rotated";
    return e.refreshed ? "refreshed" : e.rotated ? "rotated" : "-";
}

std::string text_of(std::optional<cf::timestamp> const& at) {
    return at ? at->to_string() : "-";
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text + "  ";
}

// The file or the directory, as it was typed.
std::string typed_place(options const& o) {
    return o.secret_dir.empty() ? " --secret-file " + as_one_word(o.secret_file)
                                : " --secret-dir " + as_one_word(o.secret_dir);
}

// What is wrong with the token, where nothing failed, and what to type; empty where nothing is.
std::string trouble(options const& o, entry const& e) {
    auto const file = o.secret_dir.empty() ? o.secret_file : o.secret_dir + '/' + e.key;
    if (e.rotated) return {};
    switch (e.state) {
    case renewal_state::missing:
        return "is missing: the server has no such token any more; for another in its place: " +
               to_type(o, "ensure NAME --secret-file " + as_one_word(file));
    case renewal_state::disabled:
        return "is disabled: it was left as it is; to enable it: " +
               to_type(o, "update " + e.token_id + " --enable");
    case renewal_state::lost:
        return "has a later secret, which is lost; to make another, with which the one in use "
               "ends: " +
               to_type(o, "renew" + typed_place(o) + " --replace-lost");
    case renewal_state::expired:
        return e.refreshed ? ""
                           : "has expired; to refresh it: " + to_type(o, "renew" + typed_place(o));
    default: return {};
    }
}

exit_status tell_failure(options const& o, entry const& e) {
    say(e.token_id + ": " + spoken(*e.failure));
    bool const is_certain = e.failure->delivery() == cf::delivery::accepted;
    if (!is_certain && e.failure->delivery() != cf::delivery::unknown) return refused;
    bool const is_rotation = e.failure->details().operation == "rotate" ||
                             *e.failure == cf::errc::rotation_lost || o.rotate_after;
    if (is_rotation) say("left behind: " + rotation_advice(o, e.token_id, *e.failure));
    return left_behind;
}

std::string to_table(renewal_report const& report, output_style const& style) {
    table shown{{"NAME", "ID", "STATE", "DONE", "EXPIRES", "PREVIOUS SECRET UNTIL"}};
    for (auto const& e : report.tokens)
        shown.rows.push_back({e.name, e.token_id, std::string(state_of(e)), done_with(e),
                              text_of(e.expires_at), text_of(e.previous_valid_until)});
    return shown.str(style.colours);
}

} // namespace

boost::json::object report_json(renewal_report const& report) {
    boost::json::array tokens;
    for (auto const& e : report.tokens) {
        boost::json::object one{{"id", e.token_id}, {"state", state_of(e)}};
        if (!e.key.empty()) one["key"] = e.key;
        if (!e.name.empty()) one["name"] = e.name;
        if (e.refreshed) one["refreshed"] = true;
        if (e.rotated) one["rotated"] = true;
        if (e.expires_at) one["expires_at"] = e.expires_at->to_string();
        if (e.previous_valid_until)
            one["previous_client_secret_expires_at"] = e.previous_valid_until->to_string();
        if (e.failure) one["failure"] = spoken(*e.failure);
        tokens.push_back(std::move(one));
    }
    return {{"next_look", report.next_look.to_string()}, {"tokens", std::move(tokens)}};
}

std::string show(renewal_report const& report, output_style const& style) {
    if (style.format == output_format::json)
        return printable_json(boost::json::serialize(report_json(report))) + '\n';
    if (style.format == output_format::yaml) return to_yaml(report_json(report));
    if (style.format == output_format::table) return to_table(report, style);
    std::string text;
    for (auto const& e : report.tokens) {
        text += printable(e.token_id) + "  " + padded(std::string(state_of(e)), 16);
        text += padded(done_with(e), 9) + padded(text_of(e.expires_at), 20);
        text += padded(text_of(e.previous_valid_until), 20) + printable(e.name) + '\n';
    }
    return text;
}

exit_status tell_unwell(options const& o, renewal_report const& report) {
    auto worst = done;
    for (auto const& e : report.tokens) {
        if (e.failure) worst = std::max(worst, tell_failure(o, e));
        auto const wrong = trouble(o, e);
        if (wrong.empty()) continue;
        if (!e.failure) say(e.token_id + " " + wrong);
        worst = left_behind;
    }
    return worst;
}

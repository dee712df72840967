// intents: what the log holds, and taking one out of it. Needs neither network nor credentials.
#include "command.hpp"
#include "earlier_run.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "printable.hpp"
#include "table.hpp"
#include "token_file.hpp"
#include "yaml.hpp"

#include <cloudflare/access/file_intent_log.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <vector>

namespace cf = cloudflare;
using cf::access::file_intent_log;
using cf::access::intent;
using cf::access::intent_state;

namespace {

char const* name_of(intent_state s) {
    switch (s) {
    case intent_state::open: return "open";
    case intent_state::withdrawing: return "withdrawing";
    case intent_state::lost: return "lost";
    case intent_state::settled: break;
    }
    return "watched";
}

// The caller's key; empty where there was none.
std::string key_of(intent const& i) {
    return i.key == i.tag ? std::string() : std::string(key_of_caller(i.key));
}

std::string scope_of(intent const& i) {
    return std::string(i.scope.is_account() ? "account " : "zone ").append(i.scope.id());
}

std::string to_text(intent const& i) {
    auto line = i.tag + "  " + name_of(i.state) + "  " + i.opened_at.to_string() + "  " +
                scope_of(i) + "  \"" + i.name + '"';
    if (!i.note.empty()) line += "  file " + i.note;
    if (auto const key = key_of(i); !key.empty()) line += "  key " + key;
    if (!i.token_id.empty()) line += "  token " + i.token_id;
    if (i.until != cf::timestamp()) line += "  until " + i.until.to_string();
    return printable(line) + '\n';
}

boost::json::object intent_json(intent const& i) {
    boost::json::object json{{"tag", i.tag},
                             {"state", name_of(i.state)},
                             {"opened_at", i.opened_at.to_string()},
                             {i.scope.is_account() ? "account_id" : "zone_id", i.scope.id()},
                             {"name", i.name}};
    if (!i.note.empty()) json["secret_file"] = i.note;
    if (auto const key = key_of(i); !key.empty()) json["key"] = key;
    if (!i.token_id.empty()) json["token_id"] = i.token_id;
    if (i.until != cf::timestamp()) json["until"] = i.until.to_string();
    return json;
}

std::string show(std::vector<intent> const& intents, output_style const& style) {
    std::string text;
    boost::json::array list;
    table shown{{"TAG", "STATE", "OPENED", "NAME", "SECRET FILE", "KEY", "TOKEN"}};
    for (auto const& i : intents) {
        text += to_text(i);
        list.push_back(intent_json(i));
        shown.rows.push_back({i.tag, name_of(i.state), i.opened_at.to_string(), i.name, i.note,
                              key_of(i), i.token_id});
    }
    switch (style.format) {
    case output_format::json: return printable_json(boost::json::serialize(list)) + '\n';
    case output_format::yaml: return to_yaml(list);
    case output_format::table: return shown.str(style.colours);
    default: return text;
    }
}

void say_what_may_be_left(options const& o, intent const& i) {
    auto const name = cf::access::tagged_name(i.name, i.tag);
    if (i.state == intent_state::settled)
        say("forgotten: a token named \"" + name +
            "\" that a late request makes is not withdrawn any more; look with: " +
            to_type(o, "reconcile --strays"));
    else
        say("forgotten: a token named \"" + name +
            "\" may exist whose secret nobody has; look with: " + to_type(o, "reconcile --strays") +
            ", or " + to_type(o, "list"));
}

} // namespace

exit_status show_intents(options const& o) {
    file_intent_log const log(o.intents_file);
    auto all = log.list();
    bool const damaged = say_damage(log);
    if (!all) return fail(o, all.error());
    if (o.scope) std::erase_if(*all, [&](intent const& i) { return i.scope != *o.scope; });
    auto const printed = print(show(*all, o.output));
    return printed == done && damaged ? left_behind : printed;
}

exit_status forget_intent(options const& o) {
    file_intent_log const log(o.intents_file);
    for (int tries = 0;; ++tries) {
        auto const all = log.list();
        if (!all) return fail(o, all.error());
        intent const* found = nullptr;
        for (auto const& i : *all)
            if (i.tag == o.argument) found = &i;
        if (found == nullptr) {
            say("no intent has the tag " + o.argument + " in " + o.intents_file +
                "; what there is: " + to_type(o, "intents"));
            return refused;
        }
        auto const erased = log.erase(*found);
        if (erased) {
            say_what_may_be_left(o, *found);
            return done;
        }
        // Somebody has written it since it was read.
        if (erased.error() != cf::errc::conflict || tries == 5) return fail(o, erased.error());
    }
}

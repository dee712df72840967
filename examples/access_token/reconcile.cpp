// reconcile: settles what issues that died left behind.
#include "command.hpp"
#include "earlier_run.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "token_file.hpp"
#include "token_output.hpp"

#include <cloudflare/access/reconcile.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cf = cloudflare;
using cf::access::intent;
using cf::access::intent_state;
using cf::access::service_token;

namespace {

std::string scope_option(cf::access::any_scope const& scope) {
    return std::string(scope.is_account() ? "--account " : "--zone ").append(scope.id());
}

options without_scope(options o) {
    std::erase_if(o.given_options,
                  [](auto const& one) { return one.first == "account" || one.first == "zone"; });
    return o;
}

void say_elsewhere(options const& o, std::vector<intent> const& intents) {
    std::map<std::string, int> open;
    for (auto const& i : intents)
        if (i.state != intent_state::settled) ++open[scope_option(i.scope)];
    for (auto const& [scope, count] : open)
        say("of another scope, and not looked at: " + std::to_string(count) +
            " open intents; settle them with: " + to_type(without_scope(o), "reconcile " + scope));
}

void tell_strays(std::vector<service_token> const& strays) {
    for (auto const& t : strays)
        tell("stray: " + t.id + ", named \"" + t.name + "\", which no intent explains");
}

// What to do about intents that no list settles.
template <class Report>
void say_why_open(options const& o, Report const& report) {
    bool const has_done = !report.kept.empty() || !report.withdrawn.empty();
    if (report.left_open.empty()) {
        if (!has_done && report.failed.empty()) inform("nothing is left to settle");
        return;
    }
    say("an open intent is settled by a complete list that shows its token, or does not once it is "
        "old enough (--gone-age); an empty list may be a missing permission: " +
        to_type(o, "doctor"));
    say("to give one up: " + to_type(o, "intents forget " + report.left_open.front().tag));
}

// Deletes them, each if it is a stray still.
template <class Reconciler>
awaitable<exit_status> delete_strays(Reconciler& reconciler, std::vector<service_token> strays) {
    auto status = done;
    for (auto const& t : strays) {
        auto removing = reconciler.remove_stray(t.id);
        auto const removed = co_await std::move(removing);
        if (removed) {
            tell("deleted: " + t.id);
        } else {
            say("left: stray " + t.id + ": " + removed.error().to_string());
            status = left_behind;
        }
    }
    co_return status;
}

// What a signal has interrupted may leave intents open.
exit_status fail_reconcile(options const& o, cf::error const& e,
                           cf::access::file_intent_log const& log) {
    auto const status = fail(o, e);
    auto all = log.list();
    if (e != cf::errc::cancelled || !all) return status;
    std::erase_if(*all, [&](intent const& i) {
        return i.state == intent_state::settled || i.scope != *o.scope;
    });
    say_left_open(*all);
    return all->empty() ? status : left_behind;
}

} // namespace

task reconcile(api_client client, options const& o) {
    cf::access::file_intent_log log(o.intents_file);
    token_files files(log);
    cf::access::issue_options settings;
    if (o.min_age) settings.min_age(*o.min_age);
    if (o.presumed_absent_age) settings.presumed_absent_age(*o.presumed_absent_age);
    cf::access::reconciler reconciler(client, *o.scope, files, log, settings);

    auto reconciling = reconciler.run_once();
    auto report = co_await std::move(reconciling);
    bool const damaged = say_damage(log);
    if (!report) co_return fail_reconcile(o, report.error(), log);
    for (auto const& id : report->kept)
        tell("kept: " + id);
    for (auto const& id : report->withdrawn)
        tell("withdrawn: " + id);
    for (auto const& failure : report->failed)
        say("intent " + failure.i.tag + ": " + failure.why.to_string());
    say_left_open(report->left_open);
    say_why_open(o, *report);
    say_elsewhere(o, report->elsewhere);
    auto status = report->left_open.empty() && !damaged ? done : left_behind;

    auto strays = std::move(report->strays);
    if (strays.empty()) { // where no intent was due, no list was asked for
        auto seeking = reconciler.find_strays();
        auto sought = co_await std::move(seeking);
        if (!sought && o.shows_strays) co_return fail(o, sought.error());
        if (!sought) say("strays were not looked for: " + sought.error().to_string());
        if (sought) strays = std::move(*sought);
    }
    tell_strays(strays);
    if (!o.shows_strays) co_return status;
    if (auto const printed = print(show(strays, o.output)); printed != done) co_return printed;
    if (!o.deletes_strays) co_return status;
    auto deleting = delete_strays(reconciler, std::move(strays));
    auto const deleted = co_await std::move(deleting);
    co_return deleted == done ? status : deleted;
}

// renew and status: the tokens of a secret file, or of a directory of them.
#include "command.hpp"

#include "issuing.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "printable.hpp"
#include "renewal_output.hpp"
#include "rotation_work.hpp"
#include "service_manager.hpp"
#include "token_file.hpp"

#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/renewer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace asio = boost::asio;
namespace cf = cloudflare;
using cf::access::directory_sink;
using cf::access::file_intent_log;
using cf::access::file_sink;
using cf::access::renewal_report;
using std::chrono::seconds;

namespace {

cf::access::renewal_policy policy_of(options const& o) {
    cf::access::renewal_policy policy;
    if (o.refresh_before) policy.refresh_before(*o.refresh_before);
    if (o.rotate_after) policy.rotate_after(*o.rotate_after);
    if (o.grace) policy.grace(*o.grace);
    policy.replace_lost(o.replace_lost);
    return policy;
}

// How the intents of a directory's rotations are noted.
std::string note_of_directory(std::string const& path) {
    return path + "/";
}

std::string note_of(options const& o) {
    return o.secret_dir.empty() ? whole_path(o.secret_file)
                                : note_of_directory(whole_path(o.secret_dir));
}

// The secret files that are renewed: each is locked.
std::vector<std::string> files_of(options const& o) {
    if (o.secret_dir.empty()) return {whole_path(o.secret_file)};
    std::vector<std::string> files;
    std::error_code failed; // the renewal tells
    auto const directory = whole_path(o.secret_dir);
    for (auto const& one : std::filesystem::directory_iterator(directory, failed))
        if (auto const name = one.path().filename().string(); !name.starts_with('.'))
            files.push_back(whole_path(directory + '/' + name));
    std::sort(files.begin(), files.end());
    return files;
}

// What others note who lock these files.
std::vector<std::string> notes_of(std::vector<std::string> const& files) {
    std::vector<std::string> notes = files;
    for (auto const& file : files)
        notes.push_back(note_of_directory(std::filesystem::path(file).parent_path().string()));
    return notes;
}

// A file must hold a token, and the one that is named; a directory may be empty.
cf::result<void> check_held(options const& o,
                            cf::result<std::vector<cf::access::held_token>> held) {
    if (!held) return held.error();
    if (!o.secret_dir.empty()) return {};
    auto const file = as_one_word(o.secret_file);
    auto const not_held = [&](std::string const& what, std::string const& next) {
        return cf::error(cf::errc::invalid_argument, o.secret_file + what + to_type(o, next));
    };
    if (!is_there(o.secret_file))
        return not_held(": there is no such file; a token for it: ",
                        "ensure NAME --secret-file " + file);
    if (held->empty())
        return not_held(": holds no token; one for another file: ",
                        "ensure NAME --secret-file FILE");
    if (!o.argument.empty() && held->front().token_id != o.argument)
        return not_held(": holds another token, " + held->front().token_id +
                            ", which is meant by: ",
                        o.command + " --secret-file " + file);
    return {};
}

// Whether a new secret can be stored is found before one is made.
cf::result<void> prepare(options const& o, file_sink const& sink) {
    auto const held = sink.list();
    if (auto const ok = check_held(o, held); !ok || !(o.rotate_after || o.replace_lost)) return ok;
    cf::access::intent own({}, *o.scope, {});
    own.token_id = held->front().token_id;
    return sink.prepare(own);
}

cf::result<void> prepare(options const& o, directory_sink const& sink) {
    return check_held(o, sink.list());
}

// No round took place: nothing was changed.
exit_status refuse(options const& o, cf::error const& e,
                   std::vector<cf::access::held_token> const& held) {
    say(spoken(e));
    if (e == cf::condition::invalid_input) return wrong_usage;
    if (e != cf::errc::not_found) return refused;
    for (auto const& h : held)
        say(h.token_id + " is missing, or these credentials may not read it");
    say("to see which: " + to_type(o, "doctor"));
    return left_behind;
}

template <class Sink>
using renewer_of = cf::access::renewer<api_client, Sink, file_intent_log>;

// One round, while nobody else is at work on the files.
template <class Sink>
awaitable<cf::result<renewal_report>> run_round(api_client client, options const& o,
                                                Sink const& sink, renewer_of<Sink>& renewer,
                                                file_intent_log log) {
    auto const files = files_of(o);
    auto beginning = begin_rotations(client, o, files, notes_of(files), log);
    auto const lock = co_await std::move(beginning);
    if (!lock) co_return lock.error();
    if (auto const ready = prepare(o, sink); !ready) co_return ready.error();
    auto renewing = renewer.run_once();
    auto report = co_await std::move(renewing);
    co_return report;
}

template <class Sink>
exit_status tell_round(options const& o, Sink const& sink,
                       cf::result<renewal_report> const& report) {
    if (!report) {
        auto const held = sink.list();
        return refuse(o, report.error(), held ? *held : std::vector<cf::access::held_token>());
    }
    for (auto const& e : report->tokens) {
        if (e.refreshed) tell("refreshed: " + e.token_id);
        if (e.rotated) tell("rotated: " + e.token_id);
    }
    auto const worst = tell_unwell(o, *report);
    if (report->tokens.empty())
        say(o.secret_dir + " holds no token; one for it: " +
            to_type(o, "issue NAME --secret-file " + as_one_word(o.secret_dir + "/NAME")));
    tell("next look: " + report->next_look.to_string());
    return std::max(worst, print(show(*report, o.output)));
}

// A new file, and no link that somebody has put there.
bool write_new_file(std::filesystem::path const& path, std::string const& text) {
    ::unlink(path.c_str()); // of a process that was killed
    int const file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0) return false;
    auto const written = ::write(file, text.data(), text.size());
    return ::close(file) == 0 && written == static_cast<::ssize_t>(text.size());
}

// Written beside and renamed, so that who reads it finds it whole.
void write_status(options const& o, cf::timestamp now, cf::timestamp next,
                  cf::result<renewal_report> const& report, exit_status status) {
    if (o.status_file.empty()) return;
    auto json = report ? report_json(*report) : boost::json::object();
    json["looked_at"] = now.to_string();
    json["next_look"] = next.to_string();
    json["exit_status"] = static_cast<int>(status);
    if (!report) json["failure"] = report.error().to_string();
    std::filesystem::path const path(whole_path(o.status_file));
    auto const beside = path.parent_path() / ("." + path.filename().string() + ".new");
    if (!write_new_file(beside, printable_json(boost::json::serialize(json)) + '\n'))
        return say("status file: " + beside.string() + ": cannot be written");
    if (std::rename(beside.c_str(), path.c_str()) != 0)
        say("status file: " + path.string() + ": cannot be written");
}

void notify_round(cf::timestamp next, cf::result<renewal_report> const& report,
                  exit_status status) {
    auto const tokens = report ? std::to_string(report->tokens.size()) + " tokens, " : "";
    auto const* const how = !report          ? "could not look"
                            : status == done ? "all well"
                                             : "not all well, see the log";
    notify("READY=1\nSTATUS=" + tokens + how + "; next look " + next.to_string());
}

// As long as the loop turns.
awaitable<void> keep_watchdog(std::chrono::microseconds period) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        notify("WATCHDOG=1");
        timer.expires_after(period / 2);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

awaitable<bool> is_stopped(api_client client) {
    auto const state = co_await asio::this_coro::cancellation_state;
    co_return client.transport().is_stopping() ||
        state.cancelled() != asio::cancellation_type::none;
}

// After a round that could not take place: half a minute, twice as long each time, an hour at the most.
seconds wait_after(int failed_rounds) {
    return std::min(seconds(30) * (1 << std::min(failed_rounds, 7)), seconds(3600));
}

template <class Sink>
task watch(api_client client, options const& o, Sink const& sink, renewer_of<Sink>& renewer,
           file_intent_log log) {
    if (auto const period = watchdog_period())
        asio::co_spawn(co_await asio::this_coro::executor, keep_watchdog(*period), asio::detached);
    for (int failed_rounds = 0;;) {
        auto running = run_round(client, o, sink, renewer, log);
        auto const report = co_await std::move(running);
        auto stopping = is_stopped(client);
        if (co_await std::move(stopping)) {
            if (report) tell_unwell(o, *report);
            break;
        }
        auto const status = tell_round(o, sink, report);
        auto const now =
            client.server_time().value_or(cf::timestamp(std::chrono::system_clock::now()));
        auto const next = report ? report->next_look : now.plus(wait_after(failed_rounds));
        failed_rounds = report ? 0 : failed_rounds + 1;
        write_status(o, now, next, report, status);
        notify_round(next, report, status);
        auto const span = std::max(next.seconds() - now.seconds(), seconds(1));
        auto sleeping = client.transport().sleep_until(client.transport().now() + span);
        co_await std::move(sleeping);
        auto asking = is_stopped(client);
        if (co_await std::move(asking)) break;
    }
    notify("STOPPING=1");
    inform("stopped");
    co_return done;
}

template <class Sink>
task renew_all(api_client client, options const& o, Sink sink) {
    file_intent_log log(o.intents_file);
    renewer_of<Sink> renewer(client, *o.scope, sink, log, policy_of(o),
                             rotation_settings(o, note_of(o)));
    if (auto const ready = prepare(o, sink); !ready) co_return fail(o, ready.error());
    if (o.watch) {
        auto watching = watch(client, o, sink, renewer, log);
        auto const status = co_await std::move(watching);
        co_return status;
    }
    auto running = run_round(client, o, sink, renewer, log);
    auto const report = co_await std::move(running);
    co_return tell_round(o, sink, report);
}

template <class Sink>
task look_at_all(api_client client, options const& o, Sink sink) {
    if (auto const ready = check_held(o, sink.list()); !ready) co_return fail(o, ready.error());
    file_intent_log log(o.intents_file);
    renewer_of<Sink> renewer(client, *o.scope, sink, log, policy_of(o));
    auto looking = renewer.look();
    auto const report = co_await std::move(looking);
    co_return tell_round(o, sink, report);
}

} // namespace

task renew(api_client client, options const& o) {
    auto renewing = o.secret_dir.empty() ? renew_all(client, o, file_sink(o.secret_file))
                                         : renew_all(client, o, directory_sink(o.secret_dir));
    auto const status = co_await std::move(renewing);
    co_return status;
}

task status(api_client client, options const& o) {
    auto looking = o.secret_dir.empty() ? look_at_all(client, o, file_sink(o.secret_file))
                                        : look_at_all(client, o, directory_sink(o.secret_dir));
    auto const found = co_await std::move(looking);
    co_return found;
}

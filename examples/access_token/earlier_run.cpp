#include "earlier_run.hpp"

#include "next_command.hpp"
#include "output.hpp"
#include "token_file.hpp"

#include <cloudflare/access/reconcile.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace cf = cloudflare;
using cf::access::file_intent_log;
using cf::access::intent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds look_time(3);

cf::error not_sent(cf::errc code, std::string explanation = {}) {
    return {code, cf::error_details{.explanation = std::move(explanation),
                                    .delivery = cf::delivery::not_sent}};
}

// A log, of which some intents only are listed.
struct some_intents {
    file_intent_log log;
    std::set<std::string> tags{};

    cf::result<std::optional<intent>> insert(intent const& i) { return log.insert(i); }
    cf::result<void> update(intent const& i) { return log.update(i); }
    cf::result<void> erase(intent const& i) { return log.erase(i); }
    cf::result<std::vector<intent>> list() {
        auto all = log.list();
        if (all) std::erase_if(*all, [this](intent const& i) { return tags.count(i.tag) == 0; });
        return all;
    }
};

// The intents of a secret file that are not settled.
cf::result<std::vector<intent>> open_intents(file_intent_log const& log, options const& o,
                                             std::string const& path) {
    auto all = log.list();
    if (!all) return all;
    std::erase_if(*all, [&](intent const& i) {
        return i.note != path || i.scope != *o.scope ||
               i.purpose != cf::access::intent_purpose::issue ||
               i.state == cf::access::intent_state::settled;
    });
    return all;
}

// Settles these intents as far as the API's list proves anything; gives what failed.
awaitable<std::optional<cf::error>> settle_all(api_client client, options const& o,
                                               std::string path, some_intents own) {
    token_file sink{cf::access::file_sink(path)};
    auto const& transport = client.transport();
    auto const end = transport.now() + look_time;
    for (bool is_last = false;;) {
        cf::access::issue_options settings;
        settings.min_age(seconds(0)).presumed_absent_age(is_last ? seconds(0) : look_time);
        cf::access::reconciler reconciler(client, *o.scope, sink, own, settings);
        auto reconciling = reconciler.run_once();
        auto report = co_await std::move(reconciling);
        if (!report) co_return report.error();
        for (auto const& id : report->kept)
            tell("kept: " + id);
        for (auto const& id : report->withdrawn)
            tell("withdrawn: " + id);
        for (auto const& failure : report->failed)
            co_return failure.why;
        if (report->left_open.empty() || is_last) co_return std::nullopt;
        auto pausing = transport.sleep_until(std::min(end, transport.now() + milliseconds(500)));
        co_await std::move(pausing);
        is_last = transport.now() >= end;
    }
}

} // namespace

awaitable<cf::result<work_lock>> lock_for_work(api_client client, options const& o,
                                               std::string path, work_lock::kind wanted) {
    auto locking = lock_for_work(client, o, std::vector<std::string>{std::move(path)}, wanted);
    auto lock = co_await std::move(locking);
    co_return lock;
}

awaitable<cf::result<work_lock>> lock_for_work(api_client client, options const& o,
                                               std::vector<std::string> paths,
                                               work_lock::kind wanted) {
    auto const& transport = client.transport();
    auto const end = transport.now() + 4 * o.client.deadline();
    bool is_said = false;
    for (auto pause = milliseconds(20);; pause = std::min(2 * pause, milliseconds(500))) {
        auto tried = work_lock::try_lock(o.intents_file, paths, wanted);
        if (tried.lock) co_return std::move(*tried.lock);
        auto const who = "process " + std::to_string(tried.holder) + " is at work on " +
                         (paths.size() == 1 ? paths[0] : "one of the secret files");
        if (transport.now() >= end)
            co_return not_sent(cf::errc::conflict, who + ", or is stopped: ask again later");
        if (!std::exchange(is_said, true)) inform("waits: " + who);
        auto waiting = transport.sleep_until(transport.now() + pause);
        co_await std::move(waiting);
        auto const state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none || transport.is_stopping())
            co_return not_sent(cf::errc::cancelled);
    }
}

awaitable<left_over> settle_earlier_runs(api_client client, options const& o, std::string path,
                                         file_intent_log log) {
    some_intents own{.log = log};
    left_over left;
    auto open = open_intents(log, o, path);
    if (!open) {
        left.why = open.error();
        co_return left;
    }
    if (open->empty()) co_return left;
    for (auto const& i : *open)
        own.tags.insert(i.tag);

    inform("settles what an earlier run left for " + path);
    auto pending = settle_all(client, o, path, own);
    left.why = co_await std::move(pending);
    open = open_intents(log, o, path);
    if (open) left.intents = std::move(*open);
    co_return left;
}

exit_status say_left_over(options const& o, left_over const& left) {
    if (left.why) say(spoken(*left.why));
    if (!left.why) say("the list of the tokens is no proof of what exists: nothing was made");
    say_left_open(left.intents);
    if (!left.intents.empty())
        say("to settle them: " + to_type(o, "reconcile") + ", or the same command again");
    bool const usage = left.why && *left.why == cf::condition::invalid_input;
    return !left.intents.empty() ? left_behind : usage ? wrong_usage : refused;
}

void say_left_open(std::vector<intent> const& intents) {
    for (auto const& i : intents)
        say("left open: intent " + i.tag + ", perhaps a token named \"" +
            cf::access::tagged_name(i.name, i.tag) + '"');
}

bool say_damage(file_intent_log const& intents) {
    auto const lines = intents.damaged_lines();
    if (lines != 0)
        say(intents.path() + ": " + std::to_string(lines) +
            " damaged lines were ignored: intents may be lost, and tokens with them");
    return lines != 0;
}

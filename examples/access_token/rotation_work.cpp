#include "rotation_work.hpp"

#include "earlier_run.hpp"
#include "token_file.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cf = cloudflare;
using cf::access::file_intent_log;

namespace {

// Who has the lock knows that the process of an open lease is dead: its lease is dated back, so that it is taken over now
// and not in a quarter of an hour.
void end_leases(options const& o, std::vector<std::string> const& notes,
                file_intent_log const& log) {
    auto const all = log.list();
    if (!all) return; // the rotation tells
    cf::access::rotation_options const settings;
    for (auto i : *all) {
        bool const is_dead = i.purpose == cf::access::intent_purpose::rotate &&
                             i.state == cf::access::intent_state::open && i.scope == *o.scope &&
                             std::find(notes.begin(), notes.end(), i.note) != notes.end();
        if (!is_dead) continue;
        i.opened_at = i.opened_at.plus(-settings.common().min_age() - std::chrono::minutes(1));
        static_cast<void>(log.update(i)); // else it is taken over later
    }
}

} // namespace

std::string work_of(options const& o) {
    return o.secret_file.empty() ? "token " + o.argument : whole_path(o.secret_file);
}

awaitable<cf::result<work_lock>> begin_rotations(api_client client, options const& o,
                                                 std::vector<std::string> locked,
                                                 std::vector<std::string> notes,
                                                 file_intent_log log) {
    auto locking = lock_for_work(client, o, std::move(locked), work_lock::kind::exclusive);
    auto lock = co_await std::move(locking);
    if (lock && lock->is_held()) end_leases(o, notes, log);
    co_return lock;
}

cf::access::rotation_options rotation_settings(options const& o, std::string note) {
    cf::access::rotation_options settings;
    auto const longest = std::min(settings.common().deadline(), 4 * o.client.deadline());
    settings.deadline(longest)
        .settle_window(std::min(settings.settle_window(), o.client.deadline()))
        .note(std::move(note));
    return settings;
}

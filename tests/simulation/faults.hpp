// What may go wrong in one process of a simulated history, and when.
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <random>
#include <vector>

namespace simulation {

using namespace std::chrono_literals;

/// What the network does with one request.
enum class fate {
    arrives,
    refused,     ///< no connection: nothing was sent
    lost_before, ///< a reset before the server acted
    lost_after,  ///< a reset after it
    late,        ///< no response until the deadline; the server acts a little after that
    hours_late,  ///< a reset; the server acts hours later, whoever lives then
    never,       ///< no response until the deadline, and the server never acts
    error_before, ///< the edge's 502 with a page of HTML; the server did not act: the commonest fault
    error_after,   ///< the same, but the server did act
    busy,          ///< 503, and the server did not act
    limited,       ///< 429
    ban,           ///< 429 for this and every other request of the next five minutes
    html,          ///< 200 with a page in place of JSON, and the server did act
    cut,           ///< the response ends early, as the transport sees it: a lost connection
    success_false, ///< 200 with `success: false`, and the server did not act
    rejected,      ///< 400: the server did not act
    doubled,       ///< something below the transport sends it twice; the second acts minutes later
    count
};

/// What a store does with one call.
enum class store_fate {
    works,
    fails,      ///< an error, and nothing was kept
    keeps,      ///< an error, and it was kept
    slow,       ///< works, after 20 s
    slow_fails, ///< an error, after two minutes
    count
};

/// What goes wrong in one process. Requests, steps and calls of stores are counted from 1.
struct plan {
    std::map<int, fate> requests{};
    std::map<int, fate> creates{};     ///< of the n-th create, in place of the above
    std::map<int, std::size_t> cuts{}; ///< of responses' bodies: what is left, as if that were all
    std::map<int, store_fate> sink{};  ///< calls of the sink
    std::map<int, store_fate> log{};   ///< calls of the log
    int sink_broken_from = 0;          ///< from this call on the sink fails; 0: not
    int log_broken_from = 0;           ///< and the log
    std::map<int, std::chrono::seconds> freezes{}; ///< at steps
    bool suspends = false;                         ///< in a freeze the steady clock stops, too
    int crash_at_step = 0; ///< 0: never. A step is a moment before or after something has an effect
    int cancel_at_step = 0;
    std::chrono::seconds wall_offset{0};         ///< of its clock
    std::map<int, std::chrono::seconds> jumps{}; ///< of its clock, at steps
    double drift = 0;                            ///< of its clock
    std::chrono::milliseconds latency{20};       ///< each way
    std::chrono::seconds starts_at{0};
    int host = 0;

    [[nodiscard]] bool is_faultless() const {
        return requests.empty() && creates.empty() && cuts.empty() && sink.empty() && log.empty() &&
               freezes.empty() && crash_at_step == 0 && cancel_at_step == 0 &&
               sink_broken_from == 0 && log_broken_from == 0;
    }
};

/// Every fate that is a fault.
inline std::vector<fate> all_faults() {
    std::vector<fate> faults;
    for (int f = 1; f != static_cast<int>(fate::count); ++f)
        faults.push_back(static_cast<fate>(f));
    return faults;
}
inline std::vector<store_fate> all_store_faults() {
    std::vector<store_fate> faults;
    for (int f = 1; f != static_cast<int>(store_fate::count); ++f)
        faults.push_back(static_cast<store_fate>(f));
    return faults;
}

/// Faults by chance. As in FoundationDB's simulation each schedule has its own choice of what may go
/// wrong at all, so that some are calm enough to come far, and some meet one fault again and again.
inline plan random_plan(std::mt19937_64& random, int rarity, unsigned what_goes_wrong) {
    auto const below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    auto const faults = all_faults();
    auto const store_faults = all_store_faults();
    auto const may = [&](unsigned bit) { return (what_goes_wrong >> bit & 1U) != 0; };
    constexpr std::chrono::seconds freezes[] = {1min, 11min, 16min, 70min, 3h, 80h};
    plan p;
    for (int request = 1; may(0) && request <= 12; ++request)
        if (below(rarity) == 0)
            p.requests[request] =
                below(2) == 0 ? fate::error_before : faults[random() % faults.size()];
    for (int call = 1; may(1) && call <= 10; ++call) {
        if (below(2 * rarity) == 0) p.sink[call] = store_faults[random() % store_faults.size()];
        if (below(2 * rarity) == 0) p.log[call] = store_faults[random() % store_faults.size()];
    }
    if (may(2) && below(2) == 0) p.crash_at_step = 1 + below(50);
    for (int n = 0; may(3) && n != 2; ++n)
        if (below(2) == 0) p.freezes[1 + below(40)] = freezes[random() % std::size(freezes)];
    p.suspends = below(2) == 0;
    if (may(4) && below(4) == 0) p.cancel_at_step = 1 + below(40);
    if (may(5)) {
        constexpr std::chrono::seconds offsets[] = {-20h, -2h, -10min, 0s, 10min, 2h, 20h};
        p.wall_offset = offsets[random() % std::size(offsets)];
        if (below(3) == 0) p.jumps[1 + below(30)] = offsets[random() % std::size(offsets)];
        p.drift = below(3) == 0 ? 0.1 : 0;
    }
    constexpr std::chrono::milliseconds latencies[] = {1ms, 20ms, 300ms, 2s};
    p.latency = latencies[random() % std::size(latencies)];
    return p;
}

} // namespace simulation

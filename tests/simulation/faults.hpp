// What may go wrong in one process of a simulated history, and when.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
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
               freezes.empty() && crash_at_step == 0 && cancel_at_step == 0;
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

} // namespace simulation

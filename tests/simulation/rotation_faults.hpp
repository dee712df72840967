// The faults that a rotation may meet, by plan or by chance.
#pragma once

#include "rotation_world.hpp"

#include <random>
#include <vector>

namespace simulation {

/// Every fate that is a fault.
inline std::vector<fate> all_faults() {
    std::vector<fate> faults;
    for (int f = 1; f != static_cast<int>(fate::count); ++f)
        faults.push_back(static_cast<fate>(f));
    return faults;
}

/// Faults by chance: of each request one time in `rarity`, now and then a crash or a failing sink
/// or log.
inline plan random_plan(std::mt19937_64& random, int rarity) {
    auto const below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    auto const faults = all_faults();
    plan p;
    for (int request = 1; request <= 12; ++request)
        if (below(rarity) == 0) p.requests[request] = faults[random() % faults.size()];
    if (below(3) == 0) p.crash_at_step = 1 + below(60);
    if (below(8) == 0) p.sink_fails_at = 1;
    return p;
}

} // namespace simulation

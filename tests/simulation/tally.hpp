// Counts histories, and tells of the first that are wrong.
#pragma once

#include "world.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace simulation {

struct tally {
    unsigned long long played = 0;
    unsigned long long wrong = 0;

    void add(std::vector<std::string> const& complaints, std::string const& what,
             std::uint64_t seed) {
        ++played;
        if (complaints.empty() || ++wrong > 10) return;
        std::printf("%s, seed %llu:\n", what.c_str(), static_cast<unsigned long long>(seed));
        for (auto const& complaint : complaints)
            std::printf("    %s\n", complaint.c_str());
    }
};

/// Prints both counts; gives the program's exit status.
inline int finish(tally const& enumerated, tally const& random, unsigned long long first_seed) {
    std::printf("%llu enumerated histories, %llu of them wrong; "
                "%llu random ones from seed %llu, %llu of them wrong\n",
                enumerated.played, enumerated.wrong, random.played, first_seed, random.wrong);
    return enumerated.wrong + random.wrong == 0 ? 0 : 1;
}

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
    if (below(8) == 0) p.log_fails_at = 1 + below(3);
    return p;
}

} // namespace simulation

// Counts histories, and tells of the first that are wrong.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

struct tally {
    unsigned long long played = 0;
    unsigned long long wrong = 0;
    std::map<std::string, std::pair<unsigned long long, std::string>> kinds{};

    void add(std::vector<std::string> const& complaints, std::string const& what,
             std::uint64_t seed) {
        ++played;
        if (complaints.empty()) return;
        ++wrong;
        for (auto const& complaint : complaints) {
            auto& [count, first] = kinds[complaint.substr(0, complaint.find(':'))];
            if (count++ == 0) first = what + ", seed " + std::to_string(seed) + ": " + complaint;
        }
    }
    /// Each kind of complaint with how often it came, and where it came first.
    void show() const {
        for (auto const& [kind, seen] : kinds)
            std::printf("    %s\n        %llu times, first in %s\n", kind.c_str(), seen.first,
                        seen.second.c_str());
    }
};

/// Prints both counts; gives the program's exit status.
inline int finish(tally const& enumerated, tally const& random, unsigned long long first_seed) {
    enumerated.show();
    random.show();
    std::printf("%llu enumerated histories, %llu of them wrong; "
                "%llu random ones from seed %llu, %llu of them wrong\n",
                enumerated.played, enumerated.wrong, random.played, first_seed, random.wrong);
    return enumerated.wrong + random.wrong == 0 ? 0 : 1;
}

} // namespace simulation

// In simulated time: how long 3,000 issues take under 1200 requests in five minutes, with a limiter and without.
#include "../simulation/rate.hpp"

#include <cstdio>

namespace {

using namespace simulation::rate;

constexpr char const* name_of(counting c) {
    return c == counting::fixed ? "fixed" : c == counting::sliding ? "sliding" : "bucket";
}
constexpr char const* name_of(stranger s) {
    return s == stranger::none ? "none" : s == stranger::steady ? "steady" : "bursts";
}

void print(conditions const& given) {
    auto const seen = run(given);
    auto const least = least_seconds(given);
    std::printf("%-8s %-8s %-9s %-8s %9d %8d %9d %9.1f %7.3f\n", given.limited ? "yes" : "no",
                name_of(given.server), given.headers ? "yes" : "no", name_of(given.other),
                seen.succeeded, seen.refused, seen.requests, seen.seconds, seen.seconds / least);
}

} // namespace

int main() {
    std::printf("%-8s %-8s %-9s %-8s %9s %8s %9s %9s %7s\n", "limiter", "server", "Ratelimit",
                "stranger", "succeeded", "429s", "requests", "seconds", "x least");
    for (bool const limited : {true, false})
        for (auto const other : {stranger::none, stranger::steady, stranger::bursts})
            for (auto const server : {counting::fixed, counting::sliding, counting::bucket})
                for (bool const headers : {true, false})
                    print(
                        {.server = server, .other = other, .headers = headers, .limited = limited});
}

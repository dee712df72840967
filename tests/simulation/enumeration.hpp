// Every plan with one fault, and with a second one: what the enumerations of issues and rotations share.
#pragma once

#include "faults.hpp"

#include <string>

namespace simulation {

/// How far the pairs of faults go that begin with a request's. Zero: there are none.
struct pair_limits {
    int crashes = 0;  ///< steps at which the process dies
    int requests = 0; ///< the last request that meets the second fault
    int calls = 0;    ///< of the sink and of the log
};

/// The fault that a plan began with.
struct first_fault {
    fate request = fate::arrives;
    int request_number = 0;
    store_fate call = store_fate::works;
    int sink_call = 0;
    int log_call = 0;
    bool is_alone = true; ///< no second one has been added
};

inline std::string named(char const* what, int number, int f) {
    return std::string(", ") + what + ' ' + std::to_string(number) + " fate " + std::to_string(f);
}

/// Adds second faults to a plan.
template <class Visit>
void each_pair(plan const& faulty, first_fault first, std::string const& what,
               pair_limits const& pairs, Visit& visit) {
    int const request = first.request_number;
    first.is_alone = false;
    for (int crash = 1; crash <= pairs.crashes; ++crash) {
        auto dying = faulty;
        dying.crash_at_step = crash;
        visit(dying, what + ", crash " + std::to_string(crash), first);
    }
    for (int other = request + 1; other <= pairs.requests; ++other)
        for (auto const g : all_faults()) {
            auto twice = faulty;
            twice.requests[other] = g;
            visit(twice, what + named("then request", other, static_cast<int>(g)), first);
        }
    for (int call = 1; call <= pairs.calls; ++call)
        for (auto const g : all_store_faults()) {
            auto sinking = faulty;
            sinking.sink[call] = g;
            visit(sinking, what + named("sink call", call, static_cast<int>(g)), first);
            auto unlogged = faulty;
            unlogged.log[call] = g;
            visit(unlogged, what + named("log call", call, static_cast<int>(g)), first);
        }
}

/// Each fault of each request and of each call of a store, alone and in pairs.
///
/// @param visit called with a plan, what it is called, and the fault that it began with
template <class Visit>
void each_fault(pair_limits const& pairs, Visit visit) {
    for (int request = 1; request <= 4; ++request)
        for (auto const f : all_faults()) {
            plan faulty;
            faulty.requests[request] = f;
            first_fault first{.request = f, .request_number = request};
            auto const what = named("request", request, static_cast<int>(f));
            visit(faulty, what, first);
            each_pair(faulty, first, what, pairs, visit);
        }
    for (int call = 1; call <= 5; ++call)
        for (auto const f : all_store_faults()) {
            plan sinking;
            sinking.sink[call] = f;
            visit(sinking, named("sink call", call, static_cast<int>(f)),
                  first_fault{.call = f, .sink_call = call});
            plan unlogged;
            unlogged.log[call] = f;
            visit(unlogged, named("log call", call, static_cast<int>(f)),
                  first_fault{.call = f, .log_call = call});
        }
}

} // namespace simulation

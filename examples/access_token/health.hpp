// What the doctor finds: one line a check, and what to do.
#pragma once

#include "output_style.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct check {
    enum class state {
        ok,
        warning, // works, but
        failed,
        skipped // another check must pass first
    };

    std::string name;
    state is = state::ok;
    std::string detail{};
    std::string advice{}; // what to do
};

// This machine's clock held against the server's.
//
// @param ahead how far this machine's is ahead; nothing: the server did not tell its time
check check_of_clock(std::optional<std::chrono::seconds> ahead);

// @param remaining requests that the server still allows; nothing: it does not tell
check check_of_rate(std::optional<std::int64_t> remaining);

std::string show(std::vector<check> const& checks, output_style const& style);

bool has_failure(std::vector<check> const& checks);

// Telling systemd, or whoever set NOTIFY_SOCKET, how the process fares.
#pragma once

#include <chrono>
#include <optional>
#include <string>

// Sends lines like `READY=1`; nothing where nobody listens.
//
// Source of the protocol: sd_notify(3).
void notify(std::string const& lines);

// How often the manager wants to hear `WATCHDOG=1` at least; nothing where it does not.
std::optional<std::chrono::microseconds> watchdog_period();

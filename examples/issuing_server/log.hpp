// The log: a JSON object a line, on stderr.
#pragma once

#include <cloudflare/core/timestamp.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include <unistd.h>

namespace cf = cloudflare;
namespace json = boost::json;

// Writes the fields as one line, behind the time and the name of what happened. Give no secret.
inline void log_line(std::string_view event, json::object const& fields = {}) {
    using namespace std::chrono;
    cf::timestamp const now(floor<milliseconds>(system_clock::now()));
    json::object line{{"time", now.to_string()}, {"event", event}};
    line.insert(fields.begin(), fields.end());
    auto const text = json::serialize(line) + '\n';
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text.data(), text.size());
}

// The log: a JSON object a line, on stderr.
#pragma once

#include <cloudflare/core/timestamp.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include <unistd.h>

// Writes the fields as one line, behind the time and the name of what happened. Give no secret.
inline void log_line(std::string_view event, boost::json::object const& fields = {}) {
    using namespace std::chrono;
    boost::json::object line{
        {"time", cloudflare::timestamp(floor<milliseconds>(system_clock::now())).to_string()},
        {"event", event}};
    for (auto const& field : fields)
        line[field.key()] = field.value();
    auto const text = boost::json::serialize(line) + '\n';
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text.data(), text.size());
}

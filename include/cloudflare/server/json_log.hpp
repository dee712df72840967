/// A server's log: a JSON object a line.
#pragma once

#include <cloudflare/access/token_keeper.hpp>
#include <cloudflare/api/trace.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::server {

/// A time as `2026-11-27T15:04:05Z`, or null.
[[nodiscard]] inline boost::json::value json_time(std::optional<timestamp> const& t) {
    return t ? boost::json::value(t->to_string()) : boost::json::value();
}

/// Writes what happens as lines of JSON, each with `time` and `event`. None holds a secret of the
/// library's.
///
///     server::json_log log;
///     options.trace(std::ref(log)); // client_options
///
/// What it writes by itself:
///
///     | event       | fields                                                         |
///     | api_request | operation, attempt, status, seconds, waited, cf_ray, error     |
///     | settle      | kept, withdrawn; or intent, name, error; or error              |
///     | renew       | name, rotated, refreshed, error; or error                      |
///
/// Threads: those that the function for lines can be called on. Must outlive the client that calls
/// it.
class json_log {
public:
    /// To stderr, whole lines at once. It waits where nobody reads them.
    json_log()
        : json_log([](std::string_view line) {
              static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
          }) {}
    /// @param write_line called with each line and its newline; it must not throw
    explicit json_log(std::function<void(std::string_view)> write_line)
        : write_line_(std::move(write_line)) {}

    /// An event of the program's own. Give no secret.
    void write(std::string_view event, boost::json::object const& fields = {}) const {
        using namespace std::chrono;
        timestamp const now(floor<milliseconds>(system_clock::now()));
        boost::json::object line{{"time", now.to_string()}, {"event", event}};
        line.insert(fields.begin(), fields.end());
        write_line_(boost::json::serialize(line) + '\n');
    }

    /// For `client_options::trace`.
    void operator()(trace_event const& e) const {
        using in_seconds = std::chrono::duration<double>;
        boost::json::object line{{"operation", e.operation},
                                 {"attempt", e.attempt},
                                 {"status", e.http_status},
                                 {"seconds", in_seconds(e.elapsed).count()},
                                 {"waited", in_seconds(e.waited).count()},
                                 {"cf_ray", redact(e.cf_ray)}};
        if (e.failure != nullptr) line["error"] = e.failure->to_string();
        write("api_request", line);
    }

    /// What a round of a `token_keeper` did; nothing where it did nothing.
    void operator()(access::keeper_round const& round) const {
        if (round.settled)
            write_settled(*round.settled);
        else
            write("settle", {{"error", round.settled.error().to_string()}});
        if (!round.renewed) return;
        if (*round.renewed)
            write_renewed(**round.renewed);
        else
            write("renew", {{"error", round.renewed->error().to_string()}});
    }

private:
    void write_settled(access::reconciled const& done) const {
        if (!done.kept.empty() || !done.withdrawn.empty())
            write("settle", {{"kept", done.kept.size()}, {"withdrawn", done.withdrawn.size()}});
        for (auto const& f : done.failed)
            write("settle",
                  {{"intent", f.i.tag}, {"name", f.i.name}, {"error", f.why.to_string()}});
    }
    void write_renewed(access::renewal_report const& done) const {
        for (auto const& e : done.tokens)
            if (e.rotated || e.refreshed || e.failure)
                write("renew", {{"name", e.key},
                                {"rotated", e.rotated},
                                {"refreshed", e.refreshed},
                                {"error", e.failure ? e.failure->to_string() : ""}});
    }

    std::function<void(std::string_view)> write_line_;
};

} // namespace cloudflare::inline v0::server

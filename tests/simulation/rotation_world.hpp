// The world of a simulation: a sandbox, a network that fails by plan or by chance, processes that
// die, and an oracle.
#pragma once

#include "task.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace simulation {

namespace cf = cloudflare;
namespace access = cloudflare::access;
using namespace std::chrono_literals;

/// What the network does with one request.
enum class fate {
    arrives,
    refused,       ///< no connection: nothing was sent
    lost_before,   ///< a reset before the server acted
    lost_after,    ///< a reset after it
    late,          ///< no response until the deadline; the server acts after that
    never,         ///< no response until the deadline, and the server never acts
    error_before,  ///< 503, and the server did not act
    error_after,   ///< 502, and the server did act
    limited,       ///< 429
    html,          ///< 200 with a page in place of JSON, and the server did act
    cut,           ///< the response ends early, as the transport sees it: a lost connection
    success_false, ///< 200 with `success: false`, and the server did not act
    count
};

/// Thrown where a process dies.
struct crashed {};

/// What goes wrong in one process, and when. Requests and steps are counted from 1.
struct plan {
    std::map<int, fate> requests{};
    std::map<int, std::size_t> cuts{}; ///< of responses' bodies: what is left, as if that were all
    int crash_at_step = 0; ///< 0: never. A step is a moment before or after something has an effect
    int sink_fails_at = 0; ///< the store that fails
};

/// All that outlives the processes.
struct world {
    explicit world(std::uint64_t seed, cf::testing::sandbox_options switches = {})
        : box(seed, std::move(switches)), random(seed) {}

    [[nodiscard]] cf::timestamp wall() const {
        auto const since =
            std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch());
        return cf::timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)).plus(since);
    }
    /// Notes that something is wrong; the run goes on.
    void complain(std::string what) { complaints.push_back(std::move(what)); }
    /// Whatever the library printed is held against every secret in the end.
    void saw(std::string text) { printed.push_back(std::move(text)); }

    scheduler clock;
    cf::testing::sandbox box;
    std::mt19937_64 random;
    access::memory_sink sink;
    std::set<std::string> secrets{}; ///< every secret that ever was
    std::vector<std::string> printed{};
    std::vector<std::string> complaints{};
    std::vector<std::string> issued_ids{}; ///< of issues that said that they succeeded
};

/// One process: it dies at a step, and meets the faults of its plan.
class process {
public:
    process(world& w, plan p) : world_(w), plan_(std::move(p)) {}

    /// A moment in which the process may die.
    void step() {
        if (++steps_ == plan_.crash_at_step) throw crashed();
    }
    [[nodiscard]] int steps() const noexcept { return steps_; }
    [[nodiscard]] int requests() const noexcept { return requests_; }
    [[nodiscard]] fate next_fate() {
        auto const found = plan_.requests.find(++requests_);
        return found == plan_.requests.end() ? fate::arrives : found->second;
    }
    /// Cuts the response to the last request as planned.
    void cut(cf::http::response& response) const {
        auto const found = plan_.cuts.find(requests_);
        if (found != plan_.cuts.end() && found->second < response.body.size())
            response.body.resize(found->second);
    }
    [[nodiscard]] bool sink_fails() { return ++stores_ == plan_.sink_fails_at; }
    [[nodiscard]] world& in() const noexcept { return world_; }

private:
    world& world_;
    plan plan_;
    int steps_ = 0, requests_ = 0, stores_ = 0;
};

/// The network as a process sees it.
class transport {
public:
    template <class T>
    using task = simulation::task<T>;

    explicit transport(process& p) : process_(&p) {}

    [[nodiscard]] task<cf::result<cf::http::response>> send(cf::http::request const& r,
                                                            cf::time_point deadline) {
        auto& w = process_->in();
        auto const what = process_->next_fate();
        process_->step();
        co_await w.clock.until(w.clock.now() + 20ms);
        process_->step();
        std::optional<cf::http::response> response;
        bool const acts = what == fate::arrives || what == fate::lost_after ||
                          what == fate::error_after || what == fate::html || what == fate::cut;
        if (acts) response = act(w, r);
        if (response) process_->cut(*response);
        process_->step();
        co_await w.clock.until(w.clock.now() + 20ms);
        process_->step();
        using cf::errc;
        switch (what) {
        case fate::arrives: co_return *response;
        case fate::refused: co_return failed(errc::connect_failed, cf::delivery::not_sent);
        case fate::lost_before:
        case fate::lost_after:
        case fate::cut: co_return failed(errc::connection_lost, cf::delivery::unknown);
        case fate::late:
            w.clock.at(deadline + 3s, [&w, r] { static_cast<void>(act(w, r)); });
            [[fallthrough]];
        case fate::never:
            co_await w.clock.until(deadline);
            process_->step();
            co_return failed(errc::deadline_exceeded, cf::delivery::unknown);
        case fate::error_before: co_return page(503, "busy");
        case fate::error_after: co_return page(502, "error code: 502");
        case fate::limited: co_return page(429, "");
        case fate::html: co_return page(200, "<html>welcome</html>");
        case fate::success_false:
            co_return page(200, R"({"success":false,"errors":[{"code":1234,"message":"no"}]})");
        case fate::count: break;
        }
        co_return *response;
    }
    [[nodiscard]] task<void> sleep_until(cf::time_point t) {
        process_->step();
        co_await process_->in().clock.until(t);
        process_->step();
    }
    [[nodiscard]] cf::time_point now() const noexcept { return process_->in().clock.now(); }

private:
    static cf::http::response act(world& w, cf::http::request const& r) {
        auto response = w.box.handle(r, w.wall());
        for (auto const& t : w.box.tokens())
            w.secrets.insert(t.secret);
        return response;
    }
    static cf::error failed(cf::errc code, cf::delivery d) {
        return {code, cf::error_details{.delivery = d}};
    }
    static cf::http::response page(int status, std::string_view body) {
        cf::http::response r{.status = status};
        r.body = body;
        return r;
    }

    process* process_;
};

/// The world's sink, as a process that may die reaches it.
struct sink {
    process& p;

    cf::result<void> store(access::issued_service_token const& token) {
        p.step();
        if (p.sink_fails()) return cf::error(cf::errc::sink_failed, "disk full");
        auto stored = p.in().sink.store(token);
        p.step();
        return stored;
    }
    cf::result<bool> holds(std::string_view id) {
        p.step();
        return p.in().sink.holds(id);
    }
};

using client = cf::client<transport>;

inline client make_client(process& p) {
    auto& w = p.in();
    return client(
        transport(p), cf::api_token::make("simulated-credential").value(),
        cf::client_options().seed(w.random()).deadline(20s).trace([&w](cf::trace_event const& e) {
            std::ostringstream text;
            text << e;
            w.saw(text.str());
        }));
}

/// Runs processes side by side, to their ends.
inline void run(world& w, std::vector<task<void>>& tasks) {
    for (auto& t : tasks)
        t.start();
    w.clock.run();
    for (auto const& t : tasks)
        if (!t.done()) w.complain("a process hangs");
}

} // namespace simulation

/// A conformance kit for transports: over a hundred checks against scripted servers on loopback,
/// each named by what must hold.
#pragma once

#include <cloudflare/testing/detail/conformance/bounds.hpp>
#include <cloudflare/testing/detail/conformance/cancellation.hpp>
#include <cloudflare/testing/detail/conformance/connections.hpp>
#include <cloudflare/testing/detail/conformance/delivery.hpp>
#include <cloudflare/testing/detail/conformance/descriptors.hpp>
#include <cloudflare/testing/detail/conformance/failures.hpp>
#include <cloudflare/testing/detail/conformance/framing.hpp>
#include <cloudflare/testing/detail/conformance/hosts.hpp>
#include <cloudflare/testing/detail/conformance/print_outcome.hpp>
#include <cloudflare/testing/detail/conformance/requests.hpp>
#include <cloudflare/testing/detail/conformance/responses.hpp>
#include <cloudflare/testing/detail/conformance/time.hpp>
#include <cloudflare/testing/detail/conformance/tls.hpp>
#include <cloudflare/testing/detail/conformance/together.hpp>
#include <cloudflare/testing/detail/conformance/trial.hpp>
#include <cloudflare/testing/detail/conformance/unasked.hpp>
#include <cloudflare/transport/blocking.hpp>
#include <cloudflare/transport/transport.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <future>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// Adapts a transport whose `task` is `blocking`, for `conformance_subject::make`.
template <transport Transport>
class blocking_under_test final : public transport_under_test {
public:
    /// What is tried.
    explicit blocking_under_test(Transport transport) : transport_(std::move(transport)) {}
    result<http::response> send(http::request const& r, time_point deadline) override {
        return transport_.send(r, deadline).get();
    }
    std::optional<time_point> now() override { return transport_.now(); }
    bool sleep_until(time_point t) override {
        transport_.sleep_until(t).get();
        return true;
    }

private:
    Transport transport_;
};

namespace detail {

/// All checks, group by group.
[[nodiscard]] inline std::vector<check> all_checks() {
    std::vector<check> all;
    auto const add = [&](auto const& some) {
        all.insert(all.end(), std::begin(some), std::end(some));
    };
    add(request_checks);
    add(response_checks);
    add(framing_checks);
    add(bound_checks);
    add(connection_checks);
    add(unasked_checks);
    add(host_checks);
    add(failure_checks);
    add(tls_checks);
    add(time_checks);
    add(cancellation_checks);
    add(delivery_checks);
    add(together_checks);
    add(descriptor_checks);
    return all;
}

/// A check that is running, with copies of all that it needs, because it may be abandoned.
struct running_check {
    running_check(check c, conformance_subject s) : what(c), subject(std::move(s)) {}

    check what;
    conformance_subject subject;
    std::atomic<bool> abandoned = false;
    std::promise<check_outcome> outcome;

    void run() {
        check_outcome came;
        {
            trial t(subject, abandoned);
            try {
                what.run(t);
            } catch (left_out const&) {
                t.skip();
            } catch (std::exception const& thrown) {
                t.expect(false, std::string("an exception: ") + thrown.what());
            } catch (...) {
                t.expect(false, "something is thrown that is no std::exception");
            }
            came = t.finish(what.name);
        }
        outcome.set_value(std::move(came));
    }
};

/// Runs a check on a thread of its own, and abandons it after `conformance_subject::patience`.
[[nodiscard]] inline check_outcome run(check const& c, conformance_subject const& subject) {
    auto const running = std::make_shared<running_check>(c, subject);
    auto outcome = running->outcome.get_future();
    std::thread thread([running] { running->run(); });
    if (outcome.wait_for(subject.patience) == std::future_status::ready) {
        thread.join(); // frees its thread-local data, e.g. OpenSSL's error queue
        return outcome.get();
    }
    thread.detach();
    running->abandoned = true;
    return {.name = c.name, .failures = {"it has not ended"}};
}

} // namespace detail

/// Checks a transport: runs all checks, or those whose name contains `only`. Takes about 10
/// seconds, most of them waiting.
///
///     for (auto const& o : check_transport({.make = [](std::string const& ca_file) {
///              return std::make_unique<blocking_under_test<my_transport>>(my_transport(ca_file));
///          }}))
///         std::cout << o;
///
/// Beside what a check's name says, every request must reach the server at most once, and not at
/// all where the error's delivery is `not_sent`. Each check runs on a thread of its own, with a
/// transport of its own.
///
/// @param threads how many checks run at once; those that count file descriptors run alone, at the
/// end
/// @return the outcomes, to be printed by `<<`
[[nodiscard]] inline std::vector<check_outcome> check_transport(conformance_subject const& subject,
                                                                std::string_view only = {},
                                                                unsigned threads = 1) {
    auto checks = detail::all_checks();
    std::erase_if(checks, [&](auto const& c) { return c.name.find(only) == c.name.npos; });
    std::vector<check_outcome> outcomes(checks.size());
    std::atomic<std::size_t> next = 0;
    auto const work = [&] {
        for (auto i = next++; i < checks.size(); i = next++)
            if (!checks[i].alone) outcomes[i] = detail::run(checks[i], subject);
    };
    std::vector<std::future<void>> others; // libc++ 19 has no std::jthread
    for (unsigned i = 1; i < threads; ++i)
        others.push_back(std::async(std::launch::async, work));
    work();
    others.clear(); // waits for them
    for (std::size_t i = 0; i != checks.size(); ++i)
        if (checks[i].alone) outcomes[i] = detail::run(checks[i], subject);
    return outcomes;
}

/// Prints one line, and one more for each failure.
inline std::ostream& operator<<(std::ostream& out, check_outcome const& o) {
    return detail::print_outcome(out, o);
}

} // namespace cloudflare::inline v0::testing

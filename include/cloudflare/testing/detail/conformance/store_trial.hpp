/// The common part of the kits for sinks and intent logs: a check, and its outcome.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/testing/detail/conformance/print_outcome.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <exception>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// The outcome of a check of a store.
struct store_check_outcome {
    std::string name;
    std::vector<std::string> failures{}; ///< empty: the check has passed, or was skipped
    bool skipped = false;                ///< it needs what the subject does not support

    [[nodiscard]] bool passed() const noexcept { return failures.empty() && !skipped; }
};

/// Prints one line, and one more for each failure.
inline std::ostream& operator<<(std::ostream& out, store_check_outcome const& o) {
    return detail::print_outcome(out, o);
}

namespace detail {

template <class T>
[[nodiscard]] result<T> wait_for(result<T> done) {
    return done;
}
template <class T>
[[nodiscard]] result<T> wait_for(blocking<result<T>> done) {
    return done.get();
}

/// Collects the failures of a check.
class store_trial {
public:
    void expect(bool holds, std::string_view what) {
        if (!holds) outcome.failures.emplace_back(what);
    }
    /// Expects a value; returns whether there is one.
    template <class T>
    bool expect_ok(result<T> const& r, std::string_view what) {
        if (!r) outcome.failures.push_back(std::string(what) + ": " + r.error().to_string());
        return r.has_value();
    }
    void expect_error(result<void> const& r, errc code, std::string_view what) {
        if (r) {
            outcome.failures.push_back(std::string(what) + ": is a success");
        } else if (r.error() != code) {
            outcome.failures.push_back(std::string(what) + ": " + r.error().to_string());
        }
    }
    void expect_refused(result<void> const& r, std::string_view what) {
        expect(r.has_error(), std::string(what) + ": is a success");
    }
    void skip() { outcome.skipped = true; }

    store_check_outcome outcome;
};

/// Runs `work(0)` to `work(count - 1)` on as many threads at once.
template <class Work>
void on_threads(int count, Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i != count; ++i)
        threads.emplace_back([&work, i] { work(i); });
    for (auto& t : threads)
        t.join();
}

template <class Check, class Subject>
[[nodiscard]] std::vector<store_check_outcome>
run_store_checks(std::vector<Check> const& checks, Subject const& subject, std::string_view only) {
    std::vector<store_check_outcome> outcomes;
    for (auto const& c : checks) {
        if (std::string_view(c.name).find(only) == std::string_view::npos) continue;
        store_trial t;
        t.outcome.name = c.name;
        try {
            c.run(t, subject);
        } catch (std::exception const& thrown) {
            t.expect(false, std::string("an exception: ") + thrown.what());
        } catch (...) {
            t.expect(false, "something is thrown that is no std::exception");
        }
        outcomes.push_back(std::move(t.outcome));
    }
    return outcomes;
}

/// An intent for the kits: its tag ends in `number`, and its key is its tag.
[[nodiscard]] inline access::intent sample_intent(int number) {
    auto const digits = std::to_string(number);
    auto tag = std::string(32 - digits.size(), '0') + digits;
    auto const account = access::account_scope::parse(std::string(32, 'a'));
    access::intent i(std::move(tag), *account, "ci " + digits,
                     *timestamp::parse("2026-11-24T00:00:00Z"), "note");
    i.key = i.tag;
    return i;
}

} // namespace detail
} // namespace cloudflare::inline v0::testing

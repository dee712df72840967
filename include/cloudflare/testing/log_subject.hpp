/// What the conformance kit for intent logs is told about a log.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/testing/detail/conformance/store_trial.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// A log as the checks use it: its functions block, whatever the log's coroutine type.
class log_under_test {
public:
    log_under_test() = default;
    log_under_test(log_under_test const&) = delete;
    log_under_test& operator=(log_under_test const&) = delete;
    virtual ~log_under_test() = default;

    [[nodiscard]] virtual result<std::optional<access::intent>> insert(access::intent const&) = 0;
    [[nodiscard]] virtual result<void> update(access::intent const&) = 0;
    [[nodiscard]] virtual result<void> erase(access::intent const&) = 0;
    [[nodiscard]] virtual result<std::vector<access::intent>> list() = 0;
};

/// Adapts a log whose functions return `result<T>` or `blocking<result<T>>`. For another coroutine
/// type, override the four functions of `log_under_test`.
///
/// @tparam Log a log, or a reference to one
template <class Log>
class blocking_log_under_test final : public log_under_test {
public:
    /// The log to check.
    explicit blocking_log_under_test(Log log) : log_(std::forward<Log>(log)) {}
    result<std::optional<access::intent>> insert(access::intent const& i) override {
        return detail::wait_for(log_.insert(i));
    }
    result<void> update(access::intent const& i) override {
        return detail::wait_for(log_.update(i));
    }
    result<void> erase(access::intent const& i) override { return detail::wait_for(log_.erase(i)); }
    result<std::vector<access::intent>> list() override { return detail::wait_for(log_.list()); }

private:
    Log log_;
};

/// Describes the log to the kit.
struct log_subject {
    /// Makes an empty log.
    std::function<std::unique_ptr<log_under_test>()> make;
    /// Opens the storage of the last `make` again, as another process would. If empty, the checks
    /// of several processes are skipped.
    std::function<std::unique_ptr<log_under_test>()> reopen{};
    bool threads = true; ///< is thread-safe; false: checks of several threads are skipped
};

} // namespace cloudflare::inline v0::testing

/// What the conformance kit for sinks is told about a sink.
#pragma once

#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/testing/detail/conformance/store_trial.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// A sink as the checks use it: its functions block, whatever the sink's coroutine type.
class sink_under_test {
public:
    sink_under_test() = default;
    sink_under_test(sink_under_test const&) = delete;
    sink_under_test& operator=(sink_under_test const&) = delete;
    virtual ~sink_under_test() = default;

    [[nodiscard]] virtual result<void> prepare(access::intent const&) = 0;
    [[nodiscard]] virtual result<void> store(access::intent const&,
                                             access::issued_service_token const&) = 0;
    [[nodiscard]] virtual result<std::optional<access::held_token>> find(std::string_view key) = 0;
    [[nodiscard]] virtual result<void> forget(std::string_view token_id) = 0;
    /// All tokens held. Empty: the sink cannot list, and the checks of lists are skipped.
    [[nodiscard]] virtual std::optional<result<std::vector<access::held_token>>> listed() {
        return std::nullopt;
    }
};

/// Adapts a sink whose functions return `result<T>` or `blocking<result<T>>`. For another coroutine
/// type, override the functions of `sink_under_test`.
///
/// @tparam Sink a sink, or a reference to one
template <class Sink>
class blocking_sink_under_test final : public sink_under_test {
public:
    /// The sink to check.
    explicit blocking_sink_under_test(Sink sink) : sink_(std::forward<Sink>(sink)) {}
    result<void> prepare(access::intent const& i) override {
        return detail::wait_for(sink_.prepare(i));
    }
    result<void> store(access::intent const& i,
                       access::issued_service_token const& token) override {
        return detail::wait_for(sink_.store(i, token));
    }
    result<std::optional<access::held_token>> find(std::string_view key) override {
        return detail::wait_for(sink_.find(key));
    }
    result<void> forget(std::string_view token_id) override {
        return detail::wait_for(sink_.forget(token_id));
    }
    std::optional<result<std::vector<access::held_token>>> listed() override {
        if constexpr (access::listable_sink<std::remove_reference_t<Sink>>)
            return detail::wait_for(sink_.list());
        else
            return std::nullopt;
    }

private:
    Sink sink_;
};

/// Describes the sink to the kit.
struct sink_subject {
    /// Makes an empty sink.
    std::function<std::unique_ptr<sink_under_test>()> make;
    /// Opens the storage of the last `make` again, as another process would. If empty, the checks
    /// of several processes are skipped.
    std::function<std::unique_ptr<sink_under_test>()> reopen{};
    /// Reads the secret under a key as a program that uses it does. If empty, only the versions of
    /// secrets are checked.
    std::function<std::optional<std::string>(std::string_view key)> secret_of{};
    bool one_token = false; ///< stores one token only: checks of several are skipped
    bool threads = true;    ///< is thread-safe; false: checks of several threads are skipped
};

} // namespace cloudflare::inline v0::testing

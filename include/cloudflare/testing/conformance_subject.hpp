/// What a user gives to the transport conformance kit, and its report.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0::testing {

/// Which of several calls to cancel, and when.
struct planned_cancellation {
    std::size_t which = 0;           ///< index of the call
    std::chrono::milliseconds after; ///< after the calls began
};

/// A transport as the checks use it: whatever its coroutine type, each function here blocks until
/// the result is there. Each object is used by one thread.
///
/// Derive from it for a coroutine type other than those of `blocking_under_test` and
/// `asio_under_test`. Only `send` is required. A function that is not overridden says that the
/// transport cannot do this, and its checks are skipped.
class transport_under_test {
public:
    transport_under_test() = default;
    transport_under_test(transport_under_test const&) = delete;
    transport_under_test& operator=(transport_under_test const&) = delete;
    virtual ~transport_under_test() = default;

    [[nodiscard]] virtual result<http::response> send(http::request const& r,
                                                      time_point deadline) = 0;
    /// Sends a request and cancels it `after` it began.
    [[nodiscard]] virtual std::optional<result<http::response>>
    send_and_cancel(http::request const&, time_point /*deadline*/,
                    std::chrono::milliseconds /*after*/) {
        return std::nullopt;
    }
    /// The time by the transport's clock.
    [[nodiscard]] virtual std::optional<time_point> now() { return std::nullopt; }
    /// Sleeps and returns true; false where the transport cannot.
    [[nodiscard]] virtual bool sleep_until(time_point) { return false; }
    /// Runs a coroutine that sleeps until `until` and then sends, and cancels it `after` it began.
    /// Returns the result of sending.
    [[nodiscard]] virtual std::optional<result<http::response>>
    sleep_and_send_and_cancel(http::request const&, time_point /*until*/, time_point /*deadline*/,
                              std::chrono::milliseconds /*after*/) {
        return std::nullopt;
    }
    /// Sends all these requests at the same time, and returns their results in the same order.
    [[nodiscard]] virtual std::optional<std::vector<result<http::response>>>
    send_together(std::span<http::request const>, time_point /*deadline*/,
                  std::optional<planned_cancellation> /*cancel*/) {
        return std::nullopt;
    }
};

/// Describes the transport to the kit.
struct conformance_subject {
    /// Makes a transport that trusts the CA certificates in this file; if the name is empty, only
    /// those of the system. Called on several threads at once.
    std::function<std::unique_ptr<transport_under_test>(std::string const& ca_file)> make;
    /// The transport's limits: responses that exceed them must be refused.
    std::size_t max_header_size = 64 * 1024;
    std::size_t max_body_size = 16 * 1024 * 1024; ///< in bytes
    bool speaks_tls = true;                       ///< false: the checks of TLS are skipped
    /// A domain whose names all have the address 127.0.0.1 on this machine, e.g. because the
    /// program replaces `getaddrinfo`. Empty: the checks of wildcards are skipped.
    std::string loopback_domain{};
    /// A host name whose look-up takes 5 seconds or longer. Empty: the checks of it are skipped.
    std::string hanging_host{};
    /// The TLS stack accepts a certificate that has its host as the common name only, which cannot
    /// be changed: the check of it is skipped.
    bool accepts_common_name = false;
    /// How long a check may take. A longer one has failed; its thread is abandoned.
    std::chrono::seconds patience{60};
};

/// The outcome of one check.
struct check_outcome {
    std::string_view name{};             ///< a sentence that holds
    std::vector<std::string> failures{}; ///< empty: the check has passed, or was skipped
    bool skipped = false;                ///< the subject does not have what the check is about
};

} // namespace cloudflare::inline v0::testing

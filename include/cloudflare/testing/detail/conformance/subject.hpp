/// The input of the transport conformance kit, and its report.
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

/// One of several calls is cancelled.
struct planned_cancellation {
    std::size_t which = 0;           ///< counted from 0
    std::chrono::milliseconds after; ///< the calls began
};

/// A transport with its connections, as the checks use it: whatever its coroutine type, each call
/// here waits for the response. All that is done with one is done on one thread.
///
/// Only `send` has to be there. What else is not offered gives nothing, and its checks are left out.
class transport_under_test {
public:
    transport_under_test() = default;
    transport_under_test(transport_under_test const&) = delete;
    transport_under_test& operator=(transport_under_test const&) = delete;
    virtual ~transport_under_test() = default;

    [[nodiscard]] virtual result<http::response> send(http::request const& r,
                                                      time_point deadline) = 0;
    /// The same, cancelled `after` it began.
    [[nodiscard]] virtual std::optional<result<http::response>>
    send_and_cancel(http::request const&, time_point /*deadline*/,
                    std::chrono::milliseconds /*after*/) {
        return std::nullopt;
    }
    /// The time by the transport's own clock.
    [[nodiscard]] virtual std::optional<time_point> now() { return std::nullopt; }
    /// Sleeps; gives whether that is offered.
    [[nodiscard]] virtual bool sleep_until(time_point) { return false; }
    /// A coroutine that sleeps until `until` and then sends; it is cancelled `after` it began. Gives
    /// what the sending gave.
    [[nodiscard]] virtual std::optional<result<http::response>>
    sleep_and_send_and_cancel(http::request const&, time_point /*until*/, time_point /*deadline*/,
                              std::chrono::milliseconds /*after*/) {
        return std::nullopt;
    }
    /// Sends all these at once, and gives what each gave, in their order.
    [[nodiscard]] virtual std::optional<std::vector<result<http::response>>>
    send_together(std::span<http::request const>, time_point /*deadline*/,
                  std::optional<planned_cancellation> /*cancel*/) {
        return std::nullopt;
    }
};

/// Describes the transport to the kit.
struct conformance_subject {
    /// Makes a transport that trusts the CA certificates in this file, or the system's only where
    /// its name is empty. Called from several threads at once.
    std::function<std::unique_ptr<transport_under_test>(std::string const& ca_file)> make;
    std::size_t max_header_size = 64 * 1024;      ///< what more is refused
    std::size_t max_body_size = 16 * 1024 * 1024; ///< what more is refused
    bool speaks_tls = true; ///< where it does not, the checks of TLS are left out
    /// A domain whose names all have the address 127.0.0.1, on the machine where the kit runs, e.g.
    /// because the program replaces `getaddrinfo`. Empty: the checks of wildcards are left out.
    std::string loopback_domain{};
    /// A host name whose look-up takes 5 seconds or longer. Empty: the checks of it are left out.
    std::string hanging_host{};
    /// The TLS stack takes a certificate that names its host by its common name only, and that
    /// cannot be helped: the check of it is left out.
    bool accepts_common_name = false;
    /// How long a check may take. One that takes longer has failed, and is left running behind.
    std::chrono::seconds patience{60};
};

/// What came of one check.
struct check_outcome {
    std::string_view name{};
    std::vector<std::string> failures{};
    bool skipped = false;
};

} // namespace cloudflare::inline v0::testing

/// The error that a failed transfer of libcurl stands for.
#pragma once

#include <cloudflare/core/error.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_category.hpp>

#include <curl/curl.h>

#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::detail::curl {

/// What is known of a transfer that failed.
struct failure {
    CURLcode code = CURLE_OK;
    std::string_view message{};       ///< libcurl's own; may contain a proxy's password
    bool sent = false;                ///< the request was handed to a connection
    bool opened = false;              ///< that connection was opened for it
    bool response_begun = false;      ///< part of a response was received
    bool deadline_passed = false;     ///< otherwise the connect timeout has passed
    long proxy_status = 0;            ///< of the proxy's response to CONNECT; 0: none
    std::string_view proxy_address{}; ///< after a space; empty where it is not known
    long system_error = 0;            ///< of connecting, or 0
};

[[nodiscard]] inline bool contains(std::string_view message, std::string_view part) noexcept {
    return message.find(part) != message.npos;
}

/// Whether a TLS handshake failed because the connection ended. libcurl has one code for all
/// failures of a handshake; the messages are its own and those of its OpenSSL and GnuTLS backends.
[[nodiscard]] inline bool is_lost_handshake(failure const& f) noexcept {
    if (f.code != CURLE_SSL_CONNECT_ERROR) return false;
    for (std::string_view const part :
         {"Recv failure", "Send failure", " SSL_connect: ", "unexpected eof",
          "non-properly terminated", "Error in the pull", "Error in the push"})
        if (contains(f.message, part)) return true;
    return false;
}

/// The TLS 1.3 alert by which a server refuses the client's certificate, or the lack of one;
/// otherwise empty. It arrives after the client has completed its handshake and sent the request.
/// The server has not read the request, because it verifies the certificate first.
///
/// The names are OpenSSL's. RFC 8446, sections 4.4.2.4 and 6.2.
[[nodiscard]] inline std::string_view certificate_alert(failure const& f) noexcept {
    if (!f.sent || !f.opened || f.response_begun) return {};
    if (f.code != CURLE_RECV_ERROR && f.code != CURLE_SEND_ERROR) return {};
    for (std::string_view const name :
         {"certificate required", "bad certificate", "unsupported certificate",
          "certificate revoked", "certificate expired", "certificate unknown", "unknown ca",
          "access denied", "decrypt error"}) {
        auto const at = f.message.find(" alert ");
        if (at != f.message.npos && f.message.substr(at + 7).starts_with(name)) return name;
    }
    return {};
}

[[nodiscard]] inline bool is_of_tls(CURLcode code) noexcept {
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED: return true;
    default: return false;
    }
}

/// Whether one of libcurl's own limits was exceeded: 100 KiB for a header line, 4 KiB for a trailer
/// line, 300 KiB (newer versions) for a header section. The number is `CURLE_TOO_LARGE` of 8.6,
/// which this may meet at run time though it was compiled with an older version.
[[nodiscard]] inline bool is_too_large(failure const& f) noexcept {
    return f.code == CURLE_OUT_OF_MEMORY || static_cast<int>(f.code) == 100 ||
           contains(f.message, "Too large response headers") ||
           contains(f.message, "Out of memory in chunked-encoding");
}

/// Whether the chunks of a body are malformed. libcurl has no code for that.
[[nodiscard]] inline bool is_malformed_chunk(failure const& f) noexcept {
    return contains(f.message, "in chunked-encoding") || contains(f.message, "chunk hex-length") ||
           contains(f.message, "invalid chunk size");
}

/// What failed before the request was handed to a connection.
[[nodiscard]] inline errc code_before_sending(failure const& f) noexcept {
    if (f.proxy_status / 100 == 5) return errc::connect_failed; // probably temporary
    if (f.proxy_status != 0) return errc::proxy_refused;
    if (is_lost_handshake(f)) return errc::connection_lost;
    if (is_of_tls(f.code)) return errc::tls_failed;
    switch (f.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return errc::resolve_failed;
    case CURLE_UNSUPPORTED_PROTOCOL: // this libcurl has no TLS
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return errc::connect_failed;
    case CURLE_OPERATION_TIMEDOUT:
        return f.deadline_passed ? errc::deadline_exceeded : errc::connect_failed;
    default: return errc::connection_lost;
    }
}

/// What failed afterwards. libcurl may have opened another connection, because a kept one had
/// ended; whatever its outcome, the error is that the first one was lost.
[[nodiscard]] inline errc code_after_sending(failure const& f) noexcept {
    if (!certificate_alert(f).empty()) return errc::tls_failed;
    if (is_too_large(f)) return errc::response_too_large;
    if (is_malformed_chunk(f)) return errc::malformed_response;
    switch (f.code) {
    case CURLE_OPERATION_TIMEDOUT:
        return f.deadline_passed ? errc::deadline_exceeded : errc::connection_lost;
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9, or not HTTP at all
    case CURLE_BAD_FUNCTION_ARGUMENT: // a malformed header line
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return errc::malformed_response;
    default: return errc::connection_lost;
    }
}

[[nodiscard]] inline std::string explain(failure const& f) {
    if (f.proxy_status != 0)
        return "the proxy" + std::string(f.proxy_address) + " responded with " +
               std::to_string(f.proxy_status);
    if (auto const alert = certificate_alert(f); !alert.empty())
        return "the server ended the handshake with the TLS alert: " + std::string(alert);
    if (f.code == CURLE_OPERATION_TIMEDOUT)
        return f.deadline_passed ? "" : "no connection within connect_timeout";
    std::string line = f.code != CURLE_OK ? curl_easy_strerror(f.code) : "the response ended early";
    // In other cases the message may contain a proxy's password.
    if (is_of_tls(f.code) && !f.message.empty()) line.append(": ").append(f.message);
    return line;
}

/// The error to return.
[[nodiscard]] inline error to_error(failure const& f) {
    auto const code = f.sent ? code_after_sending(f) : code_before_sending(f);
    error_details d;
    bool const unseen = !f.sent || code == errc::tls_failed;
    d.delivery = unseen ? delivery::not_sent : delivery::unknown;
    d.explanation = explain(f);
    if (code == errc::connect_failed && f.code == CURLE_OPERATION_TIMEDOUT)
        d.cause = make_error_code(boost::system::errc::timed_out);
    if (f.code == CURLE_COULDNT_CONNECT && f.system_error != 0)
        d.cause.assign(static_cast<int>(f.system_error), boost::system::system_category());
    return error(code, std::move(d));
}

} // namespace cloudflare::inline v0::detail::curl

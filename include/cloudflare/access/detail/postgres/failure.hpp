/// Why a statement failed, and what that means for the next try.
#pragma once

#include <cloudflare/core/config.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access::detail::postgres {

using steady_time = std::chrono::steady_clock::time_point;

enum class failure_kind : unsigned char {
    unreachable, ///< there is no usable connection: the statement was not sent
    rolled_back, ///< the server undid it, for a reason that may pass
    lost,        ///< the connection ended: it may have been committed or not
    refused      ///< it would fail again
};

/// Has no text of the server's or of libpq's, whose messages may show a secret, a value or a part
/// of a connection string.
struct failure {
    failure() noexcept {}
    failure(failure_kind k, std::string explanation) : kind(k), what(std::move(explanation)) {}

    failure_kind kind = failure_kind::lost;
    bool was_sent = false; ///< whether the server may have seen the statement
    std::string what{};
};

/// What an SQLSTATE means, for those that can occur here.
///
/// Source: postgresql.org/docs/15/errcodes-appendix.html.
[[nodiscard]] constexpr std::string_view words_of(std::string_view sqlstate) noexcept {
    constexpr std::pair<std::string_view, std::string_view> words[] = {
        {"21", "cardinality violation"},
        {"22", "a value cannot be stored as it is"},
        {"23", "a constraint forbids it"},
        {"25006", "the database is read-only"},
        {"26", "a prepared statement is missing"},
        {"28", "the user is not accepted"},
        {"3D", "the database does not exist"},
        {"3F", "the schema does not exist"},
        {"40001", "serialization failure"},
        {"40P01", "deadlock"},
        {"42501", "permission denied"},
        {"42P01", "a table is missing"},
        {"42703", "a column is missing: the table is another program's"},
        {"53100", "the disk is full"},
        {"53200", "the server is out of memory"},
        {"53300", "too many connections"},
        {"54", "a value is too large"},
        {"55P03", "a lock was not granted in time"},
        {"57014", "cancelled by the server, by its statement_timeout or by a person"},
        {"57P", "the server is stopping"},
        {"XX", "an internal error of the server"},
    };
    for (auto const& [prefix, meaning] : words)
        if (sqlstate.substr(0, prefix.size()) == prefix) return meaning;
    return "the server refused the statement";
}

[[nodiscard]] constexpr failure_kind kind_of(std::string_view sqlstate) noexcept {
    if (sqlstate.empty()) return failure_kind::lost; // libpq's own: the connection
    for (std::string_view undone : {"40001", "40P01", "53", "55P03", "57014"})
        if (sqlstate.substr(0, undone.size()) == undone) return failure_kind::rolled_back;
    if (sqlstate == "25006") return failure_kind::unreachable; // it has become a standby
    for (std::string_view lost : {"08", "40003", "57P"})
        if (sqlstate.substr(0, lost.size()) == lost) return failure_kind::lost;
    return failure_kind::refused;
}

/// @param sqlstate five characters of the server's, or empty where libpq itself failed
[[nodiscard]] inline failure failure_from(std::string_view sqlstate) {
    if (sqlstate.empty()) return {failure_kind::lost, "the connection was lost"};
    bool const is_code =
        sqlstate.size() == 5 && std::all_of(sqlstate.begin(), sqlstate.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        });
    return {kind_of(sqlstate), std::string(words_of(sqlstate)) +
                                   (is_code ? " (SQLSTATE " + std::string(sqlstate) + ')' : "")};
}

/// Why there is no connection, by known phrases in libpq's message.
[[nodiscard]] inline failure connect_failure_from(std::string_view message) {
    struct phrase {
        std::string_view sought, meaning;
        failure_kind kind = failure_kind::unreachable;
    };
    constexpr phrase phrases[] = {
        {"password authentication failed", "the password is not accepted", failure_kind::refused},
        {"no password supplied", "the server asks for a password, and none is given",
         failure_kind::refused},
        {"pg_hba.conf", "the server's pg_hba.conf refuses the user, the database or the host",
         failure_kind::refused},
        {"authentication failed", "the user is not accepted", failure_kind::refused},
        {"Connection refused", "connection refused"},
        {"No such file or directory", "there is no server at the socket's path"},
        {"could not translate host name", "the host name has no address"},
        {"starting up", "the server is starting"},
        {"shutting down", "the server is stopping"},
        {"recovery mode", "the server is recovering from a crash"},
        {"not yet accepting connections", "the server is starting"},
        {"session is read-only", "the server is read-only, or a standby"},
        {"session is not read-write", "the server is read-only, or a standby"},
        {"server is in hot standby mode", "the server is a standby"},
        {"too many clients", "too many connections"},
        {"remaining connection slots", "too many connections"},
        {"too many connections", "too many connections"},
        {"does not exist", "the database or the user does not exist", failure_kind::refused},
        {"certificate", "the certificates do not fit", failure_kind::refused},
        {"SSL", "TLS with the server failed"},
        {"closed the connection unexpectedly", "the server closed the connection"},
    };
    for (auto const& p : phrases)
        if (message.find(p.sought) != message.npos) return {p.kind, std::string(p.meaning)};
    return {failure_kind::unreachable, "no connection"};
}

} // namespace cloudflare::inline v0::access::detail::postgres

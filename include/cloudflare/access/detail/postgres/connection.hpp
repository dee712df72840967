/// A connection of libpq's that never blocks: each step says what to wait for.
#pragma once

#include <cloudflare/access/detail/postgres/failure.hpp>
#include <cloudflare/access/detail/postgres/servers.hpp>
#include <cloudflare/access/detail/postgres/session.hpp>
#include <cloudflare/access/detail/postgres/statement.hpp>

#include <libpq-fe.h>

#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cloudflare::inline v0::access::detail::postgres {

/// What a step waits for, on `socket()`.
enum class interest : unsigned char {
    nothing,
    read,
    write
};

using outcome = boost::system::result<reply, failure>;

/// For one thread at a time. A forked child neither uses it nor shuts it down, because the parent
/// shares the socket.
class connection {
public:
    /// @param list the servers to try in turn
    connection(servers const& from, std::vector<server> const& list)
        : owner_(::getpid()),
          name_(session_name(from.name())),
          handle_(from.parameters(list, name_).start(), &PQfinish) {
        if (handle_) PQsetNoticeReceiver(handle_.get(), &ignore, nullptr);
        is_usable_ = handle_ && PQstatus(handle_.get()) != CONNECTION_BAD;
    }
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() {
        if (::getpid() == owner_ || !handle_) return;
        ::close(PQsocket(handle_.get()));
        static_cast<void>(handle_.release()); // PQfinish would end the parent's session
    }

    /// The server's session, also if the connection is lost.
    [[nodiscard]] postgres::session session() const { return {process_, name_}; }
    [[nodiscard]] int socket() const noexcept { return PQsocket(handle_.get()); }
    /// Whether statements can still be sent.
    [[nodiscard]] bool is_usable() const noexcept { return is_usable_ && ::getpid() == owner_; }
    void abandon() noexcept { is_usable_ = false; }
    /// Ends a statement that takes too long.
    [[nodiscard]] outcome give_up() {
        failed_ = failure(failure_kind::lost, "the server did not respond in time");
        return finish();
    }

    /// The next step of connecting.
    ///
    /// @param wants set to what to wait for; nothing if connecting has ended
    /// @return nothing, or why there is no connection
    [[nodiscard]] std::optional<failure> connect(interest& wants) {
        if (!is_usable_) return unreachable();
        if (!is_begun_) { // libpq: begin as if it had asked to write
            is_begun_ = true;
            wants = interest::write;
            return std::nullopt;
        }
        switch (PQconnectPoll(handle_.get())) {
        case PGRES_POLLING_READING: wants = interest::read; return std::nullopt;
        case PGRES_POLLING_WRITING: wants = interest::write; return std::nullopt;
        case PGRES_POLLING_OK:
            wants = interest::nothing;
            process_ = PQbackendPID(handle_.get());
            if (PQsetnonblocking(handle_.get(), 1) == 0) return std::nullopt;
            break;
        default: break;
        }
        return unreachable();
    }

    /// Starts a statement, to be continued by `step`.
    void send(statement const& s) {
        std::vector<char const*> values;
        for (auto const& v : s.values)
            values.push_back(v.c_str());
        given_ = reply();
        failed_.reset();
        writes_ = s.writes;
        is_sent_ = is_usable() &&
                   PQsendQueryParams(handle_.get(), s.sql.c_str(), static_cast<int>(values.size()),
                                     nullptr, values.data(), nullptr, nullptr, 0) == 1;
    }
    /// The next step of a statement; returns what to wait for, nothing once it has ended.
    [[nodiscard]] interest step() {
        if (!is_sent_) return lose();
        auto const flushed = PQflush(handle_.get());
        if (flushed < 0 || PQconsumeInput(handle_.get()) != 1) return lose();
        while (PQisBusy(handle_.get()) == 0) {
            std::unique_ptr<PGresult, decltype(&PQclear)> const r(PQgetResult(handle_.get()),
                                                                  &PQclear);
            if (!r) return interest::nothing;
            take(r.get());
            if (PQstatus(handle_.get()) == CONNECTION_BAD) return lose();
        }
        return flushed == 1 ? interest::write : interest::read;
    }
    /// The outcome of the statement.
    [[nodiscard]] outcome finish() {
        if (!failed_) return std::move(given_);
        failed_->was_sent = true;
        if (failed_->kind == failure_kind::lost && !writes_)
            failed_->kind = failure_kind::unreachable; // whether it was executed does not matter
        if (failed_->kind == failure_kind::lost || failed_->kind == failure_kind::unreachable)
            abandon();
        return *std::move(failed_);
    }

private:
    static void ignore(void*, PGresult const*) {} // else libpq prints notices

    [[nodiscard]] failure unreachable() {
        abandon();
        return connect_failure_from(handle_ ? PQerrorMessage(handle_.get()) : "");
    }
    interest lose() {
        if (!failed_) failed_ = failure_from("");
        abandon();
        return interest::nothing;
    }
    void take(PGresult* r) {
        auto const status = PQresultStatus(r);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            given_.affected = number_at({wiped_string(PQcmdTuples(r))}, 0);
            for (int line = 0; line != PQntuples(r); ++line)
                given_.rows.push_back(take_row(r, line));
            return;
        }
        auto const* const code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        failed_ = failure_from(code == nullptr ? "" : code);
    }
    /// A copy; libpq's own is wiped, because it may contain a secret.
    [[nodiscard]] static row take_row(PGresult* r, int line) {
        row copied;
        for (int column = 0; column != PQnfields(r); ++column) {
            auto* const value = PQgetvalue(r, line, column);
            auto const size = static_cast<std::size_t>(PQgetlength(r, line, column));
            copied.emplace_back(value, size);
            wipe(value, size);
        }
        return copied;
    }

    ::pid_t owner_;
    std::string name_;
    int process_ = 0; // the server's
    std::unique_ptr<PGconn, decltype(&PQfinish)> handle_;
    reply given_{};
    std::optional<failure> failed_{};
    bool is_usable_ = false;
    bool is_begun_ = false;
    bool is_sent_ = false;
    bool writes_ = false;
};

} // namespace cloudflare::inline v0::access::detail::postgres

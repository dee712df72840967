/// One check of a transport: a scripted server, requests to it, and what is expected of them.
#pragma once

#include <cloudflare/testing/conformance_subject.hpp>
#include <cloudflare/testing/detail/full_listener.hpp>
#include <cloudflare/testing/detail/relay.hpp>
#include <cloudflare/testing/detail/scripted_server.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cloudflare::inline v0::testing {

namespace detail {

using namespace std::chrono_literals;
using namespace std::string_literals;
using http::method;
using ending = reply::end;
using greeting = scripted_server_options::greeting;

/// A file that the destructor removes.
class temporary_file {
public:
    explicit temporary_file(std::string_view string) {
        static std::atomic<unsigned> count = 0; // several in one process
        path_ = std::filesystem::temp_directory_path() /
                ("conformance-" + std::to_string(::getpid()) + '-' + std::to_string(++count));
        std::ofstream(path_) << string;
    }
    temporary_file(temporary_file const&) = delete;
    temporary_file& operator=(temporary_file const&) = delete;
    ~temporary_file() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

/// A response's bytes, with `Content-Length`: the status line, `fields` (complete lines) and the
/// body.
[[nodiscard]] inline std::string make_response(int status, std::string_view body = {},
                                               std::string_view fields = {}) {
    return "HTTP/1.1 " + std::to_string(status) + " Text\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// Thrown to skip a check.
struct left_out {};

/// The target in a request's bytes.
[[nodiscard]] inline std::string target_of(std::string_view bytes) {
    auto const begin = (std::min)(bytes.find(' '), bytes.size() - 1) + 1;
    return std::string(bytes.substr(begin, bytes.find(' ', begin) - begin));
}

class trial {
public:
    /// @param abandoned set when nobody waits for the outcome any more
    explicit trial(conformance_subject const& subject, std::atomic<bool> const& abandoned)
        : subject_(subject), abandoned_(abandoned) {}

    /// Starts the server, and makes a transport that trusts it.
    scripted_server& serve(scripted_server::script script, scripted_server_options how = {},
                           bool trusted = true) {
        end();
        if (how.tls && !subject_.speaks_tls) throw left_out();
        server_ = std::make_unique<scripted_server>(std::move(script), std::move(how));
        ca_ = std::make_unique<temporary_file>(server_->ca_pem());
        transport_ = make(trusted ? ca_->path() : std::string());
        return *server_;
    }
    /// The same with TLS.
    scripted_server& serve_tls(scripted_server::script script) {
        return serve(std::move(script), {.tls = true});
    }
    /// Makes a transport without a server.
    void make_transport() { transport_ = make(std::string()); }
    /// Ends the transport, then the server.
    void end() {
        settle();
        transport_.reset();
        server_.reset();
    }

    [[nodiscard]] scripted_server& server() const { return *server_; }
    [[nodiscard]] transport_under_test& transport() const { return *transport_; }
    /// Waits until the server has completely sent this many replies.
    void await_replies(std::size_t count) {
        for (auto const begin = time_point::clock::now(); server_->replies_sent() < count;) {
            if (time_point::clock::now() - begin > 3s)
                return expect(false, "the server has not sent its reply");
            std::this_thread::sleep_for(50us);
        }
    }
    [[nodiscard]] conformance_subject const& subject() const noexcept { return subject_; }

    [[nodiscard]] http::request request(method m = method::get, std::string target = "/",
                                        std::string body = {}) const {
        http::request r{.origin = server_->origin(), .method = m};
        r.target = std::move(target);
        r.body = std::move(body);
        r.repeatable = m != method::post;
        return r;
    }

    /// Sends a request; `note` says what is expected of every request.
    result<http::response> send(http::request const& r, std::chrono::milliseconds timeout = 10s) {
        return note(r, transport_->send(r, time_point::clock::now() + timeout));
    }
    result<http::response> send() { return send(request()); }
    /// Sends and cancels; empty where the transport has no cancellation.
    std::optional<result<http::response>> send_and_cancel(http::request const& r,
                                                          std::chrono::milliseconds after) {
        auto given = transport_->send_and_cancel(r, time_point::clock::now() + 10s, after);
        if (given) return note(r, std::move(*given));
        outcome_.skipped = true;
        return given;
    }

    /// Sends them all at the same time; empty where the transport cannot.
    std::optional<std::vector<result<http::response>>>
    send_together(std::span<http::request const> requests, std::chrono::milliseconds timeout = 10s,
                  std::optional<planned_cancellation> cancel = std::nullopt) {
        auto const deadline = time_point::clock::now() + timeout;
        auto given = transport_->send_together(requests, deadline, cancel);
        if (!given) outcome_.skipped = true;
        for (std::size_t i = 0; given && i != requests.size(); ++i)
            note(requests[i], (*given)[i]);
        return given;
    }

    void expect(bool holds, std::string_view what) {
        if (!holds) outcome_.failures.emplace_back(what);
    }
    /// Expects a response with this status and body.
    void expect_response(result<http::response> const& given, int status, std::string_view body) {
        if (!given) return expect(false, "no response: " + given.error().to_string());
        expect(given->status == status, "status " + std::to_string(given->status) +
                                            " in place of " + std::to_string(status));
        expect(given->body == body, "a body of " + std::to_string(given->body.size()) +
                                        " bytes in place of " + std::to_string(body.size()) +
                                        ", or other bytes");
    }
    /// Expects a failure of one of these codes.
    void expect_failure(result<http::response> const& given, delivery reached,
                        std::initializer_list<errc> codes) {
        if (given)
            return expect(false, "a response with status " + std::to_string(given->status) +
                                     " in place of a failure");
        bool const known = std::any_of(codes.begin(), codes.end(),
                                       [&](errc code) { return given.error() == code; });
        expect(known, "the error is: " + given.error().to_string());
        expect(given.error().delivery() == reached,
               reached == delivery::unknown
                   ? "the delivery is not `unknown`: the server may have acted"
                   : "the delivery is not `not_sent`: nothing was sent");
    }
    /// Marks the check as skipped.
    void skip() noexcept { outcome_.skipped = true; }

    /// Ends the check.
    [[nodiscard]] check_outcome finish(std::string_view name) {
        end();
        outcome_.name = name;
        return std::move(outcome_);
    }

    /// Counts a request that was sent by `transport()`: none may reach the server more often than
    /// it was sent, nor at all where the transport says `not_sent`.
    result<http::response> note(http::request const& r, result<http::response> given) {
        auto& sent = sent_[r.target];
        ++sent.count;
        if (!given && given.error().delivery() == delivery::not_sent) ++sent.not_sent;
        return given;
    }

private:
    std::unique_ptr<transport_under_test> make(std::string const& ca_file) {
        if (abandoned_) throw std::runtime_error("abandoned");
        return subject_.make(ca_file);
    }
    void settle() {
        if (server_) {
            bool const any = std::any_of(sent_.begin(), sent_.end(),
                                         [](auto const& s) { return s.second.not_sent != 0; });
            // A transport that is wrong may still send what it reported as not sent.
            if (any && server_->connection_count() != 0) std::this_thread::sleep_for(150ms);
            std::map<std::string, std::size_t> seen;
            for (auto const& request : server_->requests())
                ++seen[target_of(request.bytes)];
            for (auto const& [target, count] : seen) {
                auto const& sent = sent_[target];
                expect(count <= sent.count, "a request reached the server more than once");
                expect(count <= sent.count - sent.not_sent || count > sent.count,
                       "the delivery is `not_sent`, and the server has seen the request");
            }
        }
        sent_.clear();
    }

    struct sendings {
        std::size_t count = 0, not_sent = 0;
    };
    conformance_subject const& subject_;
    std::atomic<bool> const& abandoned_;
    std::unique_ptr<temporary_file> ca_;
    std::unique_ptr<scripted_server> server_;
    std::unique_ptr<transport_under_test> transport_;
    std::map<std::string, sendings> sent_; ///< by target
    check_outcome outcome_{};
};

struct check {
    std::string_view name;
    void (*run)(trial&);
    bool alone = false; ///< no other check may run at the same time
};

} // namespace detail

} // namespace cloudflare::inline v0::testing

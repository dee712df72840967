/// A library that hands out service tokens and has an HTTP stack of its own (cpp-httplib): of this
/// one it takes the operations, the requests, and the meaning of the answers.
#pragma once

#include <cloudflare/access.hpp>

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

/// Each call sends its request once; whoever calls decides what to do about an error. The program is
/// to ignore SIGPIPE: httplib writes to connections that the server has reset.
class fleet_provisioner {
public:
    using service_token = cloudflare::access::service_token;
    using issued_service_token = cloudflare::access::issued_service_token;
    template <class T>
    using result = cloudflare::result<T>;

    /// @param ca_file the CA certificates to trust in place of the system's; may be empty
    fleet_provisioner(cloudflare::credentials who, cloudflare::access::account_scope account,
                      cloudflare::client_options options, std::string ca_file)
        : who_(std::move(who)),
          account_(std::move(account)),
          options_(std::move(options)),
          ca_file_(std::move(ca_file)) {}

    /// A token for a machine. Where the error's delivery is `unknown`, one of this name may exist.
    [[nodiscard]] result<issued_service_token> provision(std::string machine) const {
        cloudflare::access::create_params wanted(std::move(machine));
        return call(cloudflare::access::create_service_token(account_, std::move(wanted)));
    }
    [[nodiscard]] result<cloudflare::page<service_token>> list() const {
        return call(cloudflare::access::list_service_tokens(account_));
    }
    [[nodiscard]] result<std::optional<service_token>> withdraw(std::string id) const {
        return call(cloudflare::access::delete_service_token(account_, std::move(id)));
    }

private:
    static constexpr std::size_t max_body_size = 16 * 1024 * 1024;

    using clock = std::chrono::steady_clock;

    /// Stops a client at the deadline, from another thread: its own timeouts begin anew with each
    /// piece of an answer.
    static std::jthread stop_at(clock::time_point deadline, httplib::Client& http) {
        return std::jthread([deadline, &http](std::stop_token const& ended) {
            std::mutex none;
            std::unique_lock lock(none);
            std::condition_variable_any().wait_until(lock, ended, deadline, [] { return false; });
            if (!ended.stop_requested()) http.stop();
        });
    }

    template <cloudflare::operation Op>
    result<typename Op::result_type> call(Op const& op) const {
        auto const request = make_request(op, who_, options_);
        if (!request) return request.error();
        auto const answer = send(*request);
        auto decoded = answer ? cloudflare::decode<Op>(*answer)
                              : result<typename Op::result_type>(answer.error());
        if (decoded) return decoded;
        return last_words(Op::name, op.idempotency, decoded.error());
    }

    /// The error as `exchange` would put it that may try once: with the operation's name, and with
    /// what is left to fear.
    static cloudflare::error last_words(std::string_view operation, cloudflare::idempotency kind,
                                        cloudflare::error const& e) {
        auto const now = clock::now();
        auto const once = cloudflare::retry_policy().max_attempts(1);
        cloudflare::exchange rules(operation, kind, once, now + std::chrono::seconds(1));
        static_cast<void>(rules.start(now));
        static_cast<void>(rules.failed(e, now, 0));
        return rules.failure();
    }

    /// Sends the request over a connection of its own: one that was kept alive may be closed by the
    /// server just then, and whether it acted would be unknown.
    result<cloudflare::http::response> send(cloudflare::http::request const& r) const {
        auto const deadline = clock::now() + options_.deadline();
        std::ostringstream origin;
        origin << r.origin;
        httplib::Client http(origin.str());
        http.set_keep_alive(false);
        http.set_follow_location(false);
        http.set_decompress(false);
        http.set_url_encode(false); // the target is encoded
        http.set_connection_timeout(options_.deadline());
        http.set_read_timeout(options_.deadline());
        http.set_write_timeout(options_.deadline());
        if (!ca_file_.empty()) http.set_ca_cert_path(ca_file_);

        cloudflare::http::response answer;
        auto request = to_httplib(r);
        request.content_receiver = [&](char const* bytes, std::size_t size, auto, auto) {
            answer.body.append(bytes, size); // straight into memory that is wiped
            return answer.body.size() <= max_body_size;
        };
        httplib::Response head;
        auto failed = httplib::Error::Success;
        auto const guard = stop_at(deadline, http);
        if (!http.send(request, head, failed)) return failure(failed, clock::now() >= deadline);

        answer.status = head.status;
        for (auto const& [name, value] : head.headers)
            static_cast<void>(answer.fields.add(name, value));
        return answer;
    }

    static httplib::Request to_httplib(cloudflare::http::request const& r) {
        httplib::Request request;
        request.method = to_string(r.method);
        request.path = r.target;
        for (auto const [name, value] : r.fields)
            request.headers.emplace(name, value);
        request.body = r.body;
        return request;
    }

    /// "Not sent" is said only of what ends before the request's first byte.
    static cloudflare::error failure(httplib::Error e, bool late) {
        using cloudflare::delivery;
        using cloudflare::errc;
        auto const of = [&](errc code, delivery d) {
            cloudflare::error_details details;
            details.delivery = d;
            details.explanation = httplib::to_string(e);
            return cloudflare::error(late ? errc::deadline_exceeded : code, std::move(details));
        };
        switch (e) {
        case httplib::Error::Connection: // httplib tells no name from no server
        case httplib::Error::ConnectionTimeout:
        case httplib::Error::BindIPAddress: return of(errc::connect_failed, delivery::not_sent);
        case httplib::Error::SSLConnection:
        case httplib::Error::SSLLoadingCerts:
        case httplib::Error::SSLServerVerification: return of(errc::tls_failed, delivery::not_sent);
        case httplib::Error::Canceled: return of(errc::response_too_large, delivery::unknown);
        default: return of(errc::connection_lost, delivery::unknown);
        }
    }

    cloudflare::credentials who_;
    cloudflare::access::account_scope account_;
    cloudflare::client_options options_;
    std::string ca_file_;
};

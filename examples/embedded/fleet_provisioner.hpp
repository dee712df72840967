/// A library that hands out service tokens and has an HTTP stack of its own (cpp-httplib): of this
/// one it takes the operations and the calls, which say what to send and what came of it.
#pragma once

#include <cloudflare/access.hpp>

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

/// Threads: any. The program is
/// to ignore SIGPIPE: httplib writes to connections that the server has reset.
class fleet_provisioner {
public:
    using service_token = cloudflare::access::service_token;
    using issued_service_token = cloudflare::access::issued_service_token;
    template <class T>
    using result = cloudflare::result<T>;

    /// @param ca_file the CA certificates to trust in place of the system's; may be empty
    fleet_provisioner(cloudflare::credentials const& credentials,
                      cloudflare::access::account_scope account, cloudflare::client_options options,
                      std::string ca_file)
        : context_(std::make_shared<cloudflare::call_context>(credentials, std::move(options))),
          account_(account),
          ca_file_(std::move(ca_file)) {}

    /// A token for a machine. Where the error's delivery is `unknown`, one of this name may exist.
    [[nodiscard]] result<issued_service_token> provision(std::string machine) const {
        cloudflare::access::create_params wanted(std::move(machine));
        return perform(cloudflare::access::create_service_token(account_, std::move(wanted)));
    }
    [[nodiscard]] result<cloudflare::page<service_token>> list() const {
        return perform(cloudflare::access::list_service_tokens(account_));
    }
    [[nodiscard]] result<std::optional<service_token>> withdraw(std::string id) const {
        return perform(cloudflare::access::delete_service_token(account_, std::move(id)));
    }

private:
    static constexpr std::size_t max_body_size = 16 * 1024 * 1024;

    using clock = std::chrono::steady_clock;

    /// Stops a client at the deadline, from another thread: its own timeouts begin anew with each
    /// piece of a response.
    static std::jthread stop_at(clock::time_point deadline, httplib::Client& http) {
        return std::jthread([deadline, &http](std::stop_token const& ended) {
            std::mutex none;
            std::unique_lock lock(none);
            std::condition_variable_any().wait_until(lock, ended, deadline, [] { return false; });
            if (!ended.stop_requested()) http.stop();
        });
    }

    /// Drives a call to its end: `cloudflare::call` says what to send, and how long to wait before
    /// it is sent again.
    template <cloudflare::operation Op>
    result<typename Op::result_type> perform(Op op) const {
        using action = cloudflare::call_step::action;
        cloudflare::call<Op> call(context_, std::move(op));
        for (auto next = call.start(clock::now()); next.what() != action::done;) {
            if (next.what() == action::send) {
                auto const response = send(next.request(), next.until());
                next = call.responded(response, clock::now(), random_bits());
            } else {
                std::this_thread::sleep_until(next.until());
                next = call.resume(clock::now());
            }
        }
        return std::move(call).finish();
    }

    static std::uint64_t random_bits() {
        thread_local std::mt19937_64 random{std::random_device()()};
        return random();
    }

    /// Sends the request over a connection of its own: one that was kept alive may be closed by the
    /// server just then, and whether it acted would be unknown.
    result<cloudflare::http::response> send(cloudflare::http::request const& r,
                                            clock::time_point deadline) const {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
        std::ostringstream origin;
        origin << r.origin;
        httplib::Client http(origin.str());
        http.set_keep_alive(false);
        http.set_follow_location(false);
        http.set_decompress(false);
        http.set_url_encode(false); // the target is encoded
        http.set_connection_timeout(left);
        http.set_read_timeout(left);
        http.set_write_timeout(left);
        if (!ca_file_.empty()) http.set_ca_cert_path(ca_file_);

        cloudflare::http::response response;
        auto request = to_httplib(r);
        request.content_receiver = [&](char const* bytes, std::size_t size, auto, auto) {
            response.body.append(bytes, size); // straight into memory that is wiped
            return response.body.size() <= max_body_size;
        };
        httplib::Response head;
        auto failed = httplib::Error::Success;
        auto const guard = stop_at(deadline, http);
        if (!http.send(request, head, failed)) return failure(failed, clock::now() >= deadline);

        response.status = head.status;
        for (auto const& [name, value] : head.headers)
            static_cast<void>(response.fields.add(name, value));
        return response;
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

    std::shared_ptr<cloudflare::call_context> context_;
    cloudflare::access::account_scope account_;
    std::string ca_file_;
};

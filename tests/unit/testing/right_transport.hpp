/// A transport over poll(2) that is right, so that the conformance kit can be held against it; or
/// that has one defect, which the kit must find.
#pragma once

#include "defects.hpp"
#include "response_parser.hpp"
#include "socket_stream.hpp"

#include <cloudflare/http/request.hpp>
#include <cloudflare/testing/transport_conformance.hpp>

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>

namespace tests {

using cloudflare::result;
using cloudflare::http::request;
using cloudflare::http::response;
using cloudflare::testing::planned_cancellation;

/// Each call runs on the caller's thread; those that are cancelled, or under way together, on
/// threads of their own. Eight connections a host at most.
class right_transport final : public cloudflare::testing::transport_under_test {
public:
    static constexpr std::size_t max_header_size = 64 * 1024, max_body_size = 100'000;

    explicit right_transport(std::string const& ca_file, defects what = {})
        : defects_(what), context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
        SSL_CTX_set_mode(context_.get(),
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER,
                           what.takes_missing_issuers ? &right_transport::take_issuer : nullptr);
        if (!ca_file.empty())
            SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr);
    }
    ~right_transport() override {
        for (auto& t : later_)
            t.join();
    }

    result<response> send(request const& r, time_point deadline) override {
        return send(r, limit{deadline});
    }
    std::optional<result<response>> send_and_cancel(request const& r, time_point deadline,
                                                    std::chrono::milliseconds after) override {
        auto given = send_together({&r, 1}, deadline, planned_cancellation{0, after});
        return std::move(given->front());
    }
    std::optional<time_point> now() override {
        auto const right = time_point::clock::now();
        if (defects_.now_is_another_clock) return right + std::chrono::hours(1);
        if (defects_.now_is_slow) return begin_ + (right - begin_) / 2;
        return right;
    }
    bool sleep_until(time_point t) override {
        std::atomic<bool> const never = false;
        sleep(t, never);
        return true;
    }
    std::optional<result<response>>
    sleep_and_send_and_cancel(request const& r, time_point until, time_point deadline,
                              std::chrono::milliseconds after) override {
        std::atomic<bool> cancelled = false;
        std::thread cancelling([&] {
            std::this_thread::sleep_for(after);
            cancelled = true;
        });
        sleep(until, cancelled);
        auto given =
            send(r, limit{deadline, defects_.sends_after_cancelled_sleep ? nullptr : &cancelled});
        cancelling.join();
        return given;
    }
    std::optional<std::vector<result<response>>>
    send_together(std::span<request const> requests, time_point deadline,
                  std::optional<planned_cancellation> cancel) override {
        std::vector<std::atomic<bool>> cancelled(requests.size());
        std::vector<result<response>> given(requests.size(), result<response>(errc::cancelled));
        std::vector<std::thread> calls;
        for (std::size_t i = 0; i != requests.size(); ++i)
            calls.emplace_back(
                [&, i] { given[i] = send(requests[i], limit{deadline, &cancelled[i]}); });
        if (cancel) {
            std::this_thread::sleep_for(cancel->after);
            auto const which = cancel->which + (defects_.cancels_neighbour ? 1 : 0);
            cancelled[which % cancelled.size()] = true;
            if (defects_.cancels_all)
                for (auto& one : cancelled)
                    one = true;
        }
        for (auto& call : calls)
            call.join();
        if (defects_.swaps_responses && given.size() > 1) std::swap(given[0], given[1]);
        return given;
    }

private:
    using connection = std::unique_ptr<socket_stream>;

    /// The connections to one host: those that are idle, and how many there are.
    struct pool {
        std::list<std::pair<connection, time_point>> idle{};
        std::size_t in_use = 0;
    };

    static int take_issuer(int ok, X509_STORE_CTX* store) {
        auto const why = X509_STORE_CTX_get_error(store);
        return ok == 1 || why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
               why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
    }

    void sleep(time_point t, std::atomic<bool> const& cancelled) const {
        if (defects_.sleeps_not) return;
        if (defects_.sleeps_for_ever) t = time_point::clock::now() + std::chrono::seconds(30);
        if (defects_.sleeps_half) t -= (t - time_point::clock::now()) / 2;
        limit const until{t, defects_.sleeps_on_when_cancelled ? nullptr : &cancelled};
        static_cast<void>(until.wait(-1, 0));
    }

    [[nodiscard]] std::string key_of(cloudflare::http::origin const& to) const {
        auto const port = std::to_string(to.port());
        auto const scheme = defects_.pool_without_scheme ? "" : to.is_secure() ? "s" : "p";
        return scheme + (defects_.pool_without_host ? port : to.host() + ':' + port);
    }

    result<response> send(request const& r, limit const& until) {
        if (auto const ok = cloudflare::http::check_target(r.target); !ok) return ok.error();
        limit running = until;
        if (defects_.goes_on_when_cancelled) running.cancelled = nullptr;
        auto given = send_once(r, running);
        if (defects_.goes_on_when_cancelled && until.cancelled != nullptr && *until.cancelled)
            return failure(errc::cancelled, false);
        bool const unsent = !given && given.error().delivery() == delivery::not_sent;
        if (unsent && defects_.sends_later) send_later(r);
        if (!given && defects_.throws_numbers && given.error() == errc::connection_lost) throw 7;
        return given;
    }
    void send_later(request const& r) {
        std::lock_guard const lock(mutex_);
        later_.emplace_back([this, r] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            static_cast<void>(
                send_once(r, limit{time_point::clock::now() + std::chrono::milliseconds(600)}));
        });
    }

    result<response> send_once(request const& r, limit const& until) {
        if (auto const code = until.passed()) return failure(*code, false);
        auto const key = key_of(r.origin);
        if (auto const code = take_place(key, until)) return failure(*code, false);
        auto used = take_idle(key);
        if (!used) {
            used = std::make_unique<socket_stream>(defects_);
            if (auto const code = used->open(r.origin, context_.get(), until)) {
                give_place_back(key, nullptr);
                return failure(*code, false);
            }
        }
        bool keeps_alive = false;
        auto given = exchange(*used, r, until, keeps_alive);
        give_place_back(key, keeps_alive ? std::move(used) : nullptr);
        return given;
    }

    /// Waits until there may be one more connection.
    [[nodiscard]] std::optional<errc> take_place(std::string const& key, limit const& until) {
        std::unique_lock lock(mutex_);
        while (pools_[key].in_use == 8) {
            if (auto const code = until.passed()) return code;
            changed_.wait_for(lock, std::chrono::milliseconds(5));
        }
        ++pools_[key].in_use;
        return std::nullopt;
    }
    [[nodiscard]] connection take_idle(std::string const& key) {
        std::lock_guard const lock(mutex_);
        auto& idle = pools_[key].idle;
        for (auto i = idle.begin(); i != idle.end();) {
            if (!is_looked_at(*i) || !i->first->has_unread()) {
                auto taken = std::move(i->first);
                idle.erase(i);
                return taken;
            }
            i = defects_.looks_at_last_only ? std::next(i) : idle.erase(i);
        }
        return nullptr;
    }
    [[nodiscard]] bool is_looked_at(std::pair<connection, time_point> const& one) const {
        bool const young = time_point::clock::now() - one.second < std::chrono::milliseconds(3);
        return !defects_.takes_leftover && !(young && defects_.trusts_young_connections) &&
               !(defects_.looks_at_last_only && one.first.get() != last_used_);
    }
    void give_place_back(std::string const& key, connection kept) {
        std::lock_guard const lock(mutex_);
        auto& all = pools_[key];
        if (!kept && defects_.loses_wake_ups) return; // its place is never free again
        --all.in_use;
        last_used_ = kept.get();
        if (kept) all.idle.emplace_back(std::move(kept), time_point::clock::now());
        changed_.notify_one();
    }

    /// One request and its response.
    result<response> exchange(socket_stream& stream, request const& r, limit const& until,
                              bool& keeps_alive) {
        cloudflare::wiped_string wire;
        serialize(r, wire);
        if (defects_.breaks_addresses && wire.find("Host: [") != wire.npos) {
            wire.erase(wire.find('[', wire.find("Host: ")), 1);
            wire.erase(wire.find(']', wire.find("Host: ")), 1);
        }
        errc code{};
        bool sent = false, whole = false;
        for (std::string_view rest = wire; !rest.empty();) {
            if (!until.passed()) sent = true; // a part of it may leave now
            auto const size = stream.write(rest, until, code);
            if (size == 0 && code != errc::connection_lost) return failure(code, sent);
            if (size == 0) break; // there may be a response all the same
            rest.remove_prefix(size);
            whole = rest.empty();
        }
        return receive(stream, until, whole || !defects_.calls_lost_bodies_not_sent, keeps_alive);
    }
    result<response> receive(socket_stream& stream, limit const& until, bool sent,
                             bool& keeps_alive) {
        using state = response_parser::state;
        response_parser parser(defects_, max_header_size, max_body_size);
        auto reached = defects_.takes_leftover ? parser.put(leftover_) : state::more;
        leftover_.clear();
        char buffer[16384];
        while (reached == state::more) {
            errc code{};
            auto const size = stream.read(buffer, sizeof buffer, until, code);
            reached = size != 0 ? parser.put({buffer, size}) : state::more;
            if (size != 0) continue;
            if (stream.at_end()) reached = parser.put_end();
            bool const half =
                code == errc::deadline_exceeded && defects_.half_is_whole && parser.may_be_whole();
            if (half) break;
            if (reached == state::more) return failure(code, sent);
        }
        if (reached == state::malformed) return failure(errc::malformed_response, true);
        if (reached == state::too_large) return failure(errc::response_too_large, true);
        keeps_alive = parser.keeps_alive();
        if (defects_.takes_leftover) leftover_ = parser.take_leftover();
        auto given = parser.take();
        if (!defects_.hides_coding) return given;
        auto const fields = std::exchange(given.fields, {});
        for (auto const field : fields)
            if (!cloudflare::http::same_name(field.name, "Content-Encoding"))
                static_cast<void>(given.fields.add(field.name, field.value));
        return given;
    }

    defects defects_;
    std::unique_ptr<SSL_CTX, free_tls> context_;
    time_point begin_ = time_point::clock::now();
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, pool> pools_;
    socket_stream const* last_used_ = nullptr;
    std::string leftover_;
    std::vector<std::thread> later_;
};

} // namespace tests

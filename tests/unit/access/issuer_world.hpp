// Stores that can fail, and a script over them: for tests of the issuer and its steps.
#pragma once

#include <cloudflare/access/issuer.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace issuer_world {

using namespace cloudflare;
using testing::scripted_transport;

inline std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
inline std::string const other_id = "9" + id.substr(1);
inline std::string const tag(32, '1');

using intents_of = std::vector<access::intent>;

/// What a store beyond a network may say: a call that only reads has failed.
inline error failed_read(errc code) {
    return {code, error_details{.explanation = "disk full", .idempotency = idempotency::safe}};
}

/// A sink whose functions fail as often as they are told to, before or after they did their work.
struct failing_sink {
    access::memory_sink inner;
    int prepares_to_fail = 0, stores_to_fail = 0, finds_to_fail = 0, forgets_to_fail = 0;
    bool keeps = false;
    int stores = 0, forgets = 0;
    std::string name_seen{};
    std::function<void()> before_prepare{}, before_store{};

    static error full() { return failed_read(errc::sink_failed); }
    result<void> prepare(access::intent const& i) {
        if (before_prepare) before_prepare();
        if (prepares_to_fail-- > 0) return full();
        return inner.prepare(i);
    }
    result<void> store(access::intent const& i, access::issued_service_token const& t) {
        ++stores;
        if (before_store) std::exchange(before_store, nullptr)();
        name_seen = t.name;
        bool const fails = stores_to_fail-- > 0;
        auto const given = fails && !keeps ? result<void>(full()) : inner.store(i, t);
        if (fails) return full();
        return given;
    }
    result<std::optional<access::held_token>> find(std::string_view key) {
        if (finds_to_fail-- > 0) return full();
        return inner.find(key);
    }
    result<void> forget(std::string_view token_id) {
        ++forgets;
        if (forgets_to_fail-- > 0) return full();
        return inner.forget(token_id);
    }
};

/// The same for a log; and somebody else may write it before an erase or update.
struct failing_log {
    access::memory_intent_log inner;
    int inserts_to_fail = 0, erases_to_fail = 0, updates_to_fail = 0, lists_to_fail = 0;
    bool keeps = false;
    int erases = 0, updates = 0, inserts = 0, lists = 0;
    std::function<void(access::memory_intent_log&)> before_erase{}, before_update{};
    std::function<void()> before_list{};

    static error full() { return failed_read(errc::intent_log_failed); }
    result<std::optional<access::intent>> insert(access::intent const& i) {
        ++inserts;
        bool const fails = inserts_to_fail-- > 0;
        auto const given =
            fails && !keeps ? result<std::optional<access::intent>>(full()) : inner.insert(i);
        if (fails) return full();
        return given;
    }
    result<void> update(access::intent const& i) {
        ++updates;
        if (before_update) std::exchange(before_update, nullptr)(inner);
        bool const fails = updates_to_fail-- > 0;
        auto const given = fails && !keeps ? result<void>(full()) : inner.update(i);
        if (fails) return full();
        return given;
    }
    result<void> erase(access::intent const& i) {
        ++erases;
        if (before_erase) std::exchange(before_erase, nullptr)(inner);
        bool const fails = erases_to_fail-- > 0;
        auto const given = fails && !keeps ? result<void>(full()) : inner.erase(i);
        if (fails) return full();
        return given;
    }
    result<intents_of> list() {
        ++lists;
        if (before_list) std::exchange(before_list, nullptr)();
        if (lists_to_fail-- > 0) return full();
        return inner.list();
    }
    [[nodiscard]] intents_of all() const { return inner.list().value(); }
};

/// A script over stores that can fail.
struct harsh {
    access::issuer<client<scripted_transport>, failing_sink, failing_log>
    make(access::issue_options options = access::issue_options()) {
        return {client(way, api_token::make("sample").value(),
                       client_options().seed(1).retry(retry_policy().max_attempts(1))),
                where, sink, log,
                options.random_from([] { return 0x1111111111111111U; }).now_from([this] {
                    return now;
                })};
    }
    result<access::issued> issue(access::issue_options options = access::issue_options()) {
        return make(std::move(options)).issue(access::create_params("ci")).get();
    }
    result<access::issued> issue_keyed(access::issue_options options = access::issue_options()) {
        return make(std::move(options)).issue("k", access::create_params("ci")).get();
    }
    static std::string token_json(std::string const& name, std::string const& more = "",
                                  std::string const& token_id = id) {
        return R"({"id":")" + token_id + R"(","client_id":"c.access","name":")" + name + '"' +
               more + "}";
    }
    harsh& respond(std::string const& json) {
        way.respond(200, R"({"success":true,"result":)" + json + "}");
        return *this;
    }
    harsh& created(std::string const& name = tagged) {
        return respond(token_json(name, R"(,"client_secret":"s3cret","client_secret_version":1)"));
    }
    harsh& named() { return respond(token_json("ci")); }
    harsh& listed(std::string const& tokens) { return respond("[" + tokens + "]"); }
    harsh& lost() {
        way.fail(errc::connection_lost, delivery::unknown);
        return *this;
    }
    harsh& refused(int status, int code = 1) {
        way.respond(status, R"({"success":false,"errors":[{"code":)" + std::to_string(code) +
                                R"(,"message":"no"}]})");
        return *this;
    }
    [[nodiscard]] std::string sent() const {
        std::string methods;
        for (auto const& r : way.requests())
            methods += (methods.empty() ? "" : " ") + std::string(to_string(r.method));
        return methods;
    }
    [[nodiscard]] access::intent holder(timestamp at) const {
        access::intent i(std::string(32, '2'), where, "ci", at);
        i.key = "k";
        return i;
    }

    inline static std::string const tagged = "issue:" + tag + " ci";
    inline static std::string const other =
        R"({"id":"0","client_id":"d.access","name":"somebody's"})";
    access::any_scope where = access::account_scope::parse(std::string(32, 'a')).value();
    timestamp now = timestamp::parse("2026-11-24T00:00:00Z").value();
    scripted_transport way;
    failing_sink sink;
    failing_log log;
};

} // namespace issuer_world

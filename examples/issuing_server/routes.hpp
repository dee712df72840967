// What the server responds to which request.
#pragma once

#include "machines.hpp"
#include "rules.hpp"

#include <cloudflare/server/https_server_options.hpp>
#include <cloudflare/server/response.hpp>
#include <cloudflare/server/routes.hpp>

using boost::beast::http::verb;
using cf::server::error_response, cf::server::json_response, cf::server::make_response;
using cf::server::request, cf::server::response;

class service {
public:
    using response_task = asio::awaitable<response>;

    service(std::shared_ptr<rules const> now, machines& tokens, telemetry& seen)
        : now_(std::move(now)), tokens_(tokens), telemetry_(seen) {}

    void use(std::shared_ptr<rules const> r) { now_ = std::move(r); }
    [[nodiscard]] auto tls() const { return now_->tls; }

    [[nodiscard]] std::optional<std::string> identity_of(std::string_view authorization) const {
        return now_->bearers.identity_of(authorization);
    }

    [[nodiscard]] cf::server::routes routes() {
        cf::server::routes all;
        all.add(verb::get, "/", to(caller::anybody, &service::page))
            .add(verb::get, "/healthz", to(caller::anybody, &service::health))
            .add(verb::get, "/readyz", to(caller::anybody, &service::readiness))
            .add(verb::get, "/metrics", to(caller::anybody, &service::metrics))
            .add(verb::get, "/v1/machines", to(caller::operators, &service::list))
            .add(verb::put, "/v1/machines/{name}/token", to(caller::machines, &service::give))
            .add(verb::delete_, "/v1/machines/{name}/token", to(caller::machines, &service::revoke))
            .add(verb::delete_, "/v1/machines/{name}", to(caller::machines, &service::revoke));
        return all;
    }

    // Log and metrics tell of a request.
    void note(cf::server::exchange const& e) {
        auto const& r = e.request;
        telemetry_.metrics.observe("request_duration_seconds", "route", r.route, e.elapsed);
        if (r.parameters.empty()) return;
        telemetry_.log.write("request",
                             {{"route", r.route},
                              {"machine", r.parameter("name")},
                              {"identity", r.identity ? json::value(*r.identity) : json::value()},
                              {"status", e.status},
                              {"seconds", e.elapsed.count()}});
    }

private:
    enum class caller : unsigned char {
        anybody,
        operators,
        machines
    };
    using responder = response_task (service::*)(request const&);

    cf::server::handler to(caller who, responder respond) {
        return [this, who, respond](request const& r) {
            auto why = refusal(who, r);
            return why ? refused(std::move(*why)) : (this->*respond)(r);
        };
    }
    static response_task refused(response why) { co_return why; }

    // Why the request is refused before anything is done; nothing where it is not.
    [[nodiscard]] std::optional<response> refusal(caller who, request const& r) const {
        if (who == caller::anybody) return std::nullopt;
        if (!r.identity)
            return error_response(401, "unauthorized",
                                  "a client certificate or a bearer token is needed");
        bool const is_operator = now_->is_operator(*r.identity);
        if (who == caller::operators) {
            if (is_operator) return std::nullopt;
            return error_response(403, "forbidden", *r.identity + " is no operator");
        }
        auto const machine = r.parameter("name");
        bool const may_revoke = is_operator && r.message.method() == verb::delete_;
        if (!may_revoke && !now_->may_have(*r.identity, machine))
            return error_response(403, "forbidden",
                                  "no rule lets " + *r.identity + " have this machine's token");
        if (!is_name(machine))
            return error_response(400, "bad_name",
                                  "name: must have 1 to 64 letters, digits, '-', '_' or '.', and "
                                  "begin with a letter, a digit or '_'");
        if (!r.query.empty() && r.query != "rotate=true" && r.query != "rotate=false")
            return error_response(400, "bad_query", "query: must be rotate=true or rotate=false");
        return std::nullopt;
    }

    static bool is_name(std::string_view s) {
        constexpr std::string_view letters =
            "-.0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        return !s.empty() && s.size() <= 64 && s.front() != '-' && s.front() != '.' &&
               s.find_first_not_of(letters) == s.npos;
    }

    response_task page(request const&) {
        if (now_->page.empty())
            co_return error_response(404, "not_found", "there is no status page");
        co_return make_response(200, now_->page, "text/html; charset=utf-8");
    }

    response_task health(request const&) { co_return json_response(200, {{"status", "alive"}}); }

    response_task readiness(request const&) {
        auto const flaw = co_await tokens_.flaw();
        if (!flaw.empty()) co_return error_response(503, "not_ready", flaw);
        co_return json_response(200, {{"status", "ready"}});
    }

    response_task metrics(request const&) {
        tokens_.measure();
        cf::wiped_string all(telemetry_.metrics.to_string());
        co_return make_response(200, std::move(all), "text/plain; version=0.0.4");
    }

    response_task list(request const&) { co_return json_response(200, tokens_.status()); }

    response_task give(request const& r) {
        bool const rotates = r.query == "rotate=true";
        auto const machine = r.parameter("name");
        auto const token = co_await tokens_.token(machine, rotates);
        std::string outcome = rotates ? "rotated" : "held";
        if (!token) outcome = cf::server::error_name(token.error());
        if (token && token->is_new) outcome = "issued";
        telemetry_.metrics.add("issues_total", "outcome", outcome);
        co_return token ? with_token(machine, *token) : error_response(token.error());
    }

    static response with_token(std::string const& name, cfa::kept_token const& token) {
        auto const& held = token.held;
        json::value const v({{"name", name},
                             {"client_id", held.token.client_id},
                             {"client_secret", held.client_secret.reveal()},
                             {"token_id", held.token.token_id},
                             {"expires_at", json_time(token.expires_at)}},
                            cf::server::wiping_storage());
        return json_response(token.is_new ? 201 : 200, v);
    }

    response_task revoke(request const& r) {
        auto const done = co_await tokens_.revoked(r.parameter("name"));
        if (!done) co_return error_response(done.error());
        if (*done == cfa::presence::there)
            co_return response(boost::beast::http::status::no_content, 11);
        co_return error_response(404, "not_found", "the machine has no token");
    }

    std::shared_ptr<rules const> now_;
    machines& tokens_;
    telemetry& telemetry_;
};

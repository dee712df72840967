// What the server responds to which request.
#pragma once

#include "machines.hpp"
#include "rules.hpp"
#include "tls.hpp"

#include <boost/beast/http.hpp>

namespace http = boost::beast::http;

// What SIGHUP reads again. Throws where it is wrong.
struct reloadable {
    explicit reloadable(configuration const& c) : who(c), tls(make_tls(c)) {
        if (std::filesystem::exists(c.status_page.path)) page = read_file(c.status_page.path);
    }
    rules who;
    std::shared_ptr<ssl::context> tls;
    cf::wiped_string page{};
};

// What all connections share.
struct service {
    configuration const& settings;
    machines& tokens;
    cf::prometheus_metrics& numbers;
    std::shared_ptr<reloadable const> now;
    bool is_stopping = false;
    int under_way = 0; // pieces of work
};

struct request {
    // Splits the target into a path in which the machine's name is `{name}`, the name, and a query.
    request(service& s, http::verb m, std::string_view target) : server(s), now(s.now), method(m) {
        auto const question = std::min(target.find('?'), target.size());
        query = target.substr(std::min(question + 1, target.size()));
        path = target.substr(0, question);
        auto const is_odd = [](char c) { return c <= ' ' || c > '~'; };
        std::replace_if(path.begin(), path.end(), is_odd, '?'); // it comes into the log
        constexpr std::string_view prefix = "/v1/machines/";
        if (!path.starts_with(prefix)) return;
        auto const end = std::min(path.find('/', prefix.size()), path.size());
        machine = path.substr(prefix.size(), end - prefix.size());
        path.replace(prefix.size(), machine.size(), "{name}");
    }
    service& server;
    std::shared_ptr<reloadable const> now; // as it was when the request came
    http::verb method;
    std::string path{}, machine{}, query{};
    std::optional<std::string> identity{}; // nothing: nobody is known by that
};

// Its body may hold a secret.
using response = http::response<
    http::basic_string_body<char, std::char_traits<char>, cf::wiping_allocator<char>>>;

inline response respond_with(int status, cf::wiped_string body, char const* content_type) {
    response r(static_cast<http::status>(status), 11);
    r.set(http::field::content_type, content_type);
    r.body() = std::move(body);
    return r;
}
inline response respond_with(int status, json::value const& v) {
    cf::wiped_string body;
    json::serializer writer;
    char part[1024];
    for (writer.reset(&v); !writer.done();)
        body += std::string_view(writer.read(part, sizeof part));
    cf::wipe(part, sizeof part);
    return respond_with(status, std::move(body), "application/json");
}
// An error as a client sees it; `message` tells no secret.
inline response refused(int status, std::string_view code, std::string_view message) {
    return respond_with(status, {{"error", {{"code", code}, {"message", message}}}});
}

using response_task = asio::awaitable<response>;

inline response_task health(request const&) {
    co_return respond_with(200, {{"status", "alive"}});
}

inline response_task readiness(request const& r) {
    auto const flaw = co_await r.server.tokens.flaw();
    if (!flaw.empty()) co_return refused(503, "not_ready", flaw);
    co_return respond_with(200, {{"status", "ready"}});
}

inline response_task metrics(request const& r) {
    r.server.tokens.measure();
    cf::wiped_string all(r.server.numbers.to_string());
    co_return respond_with(200, std::move(all), "text/plain; version=0.0.4");
}

inline response_task page(request const& r) {
    if (r.now->page.empty()) co_return refused(404, "not_found", "there is no status page");
    co_return respond_with(200, r.now->page, "text/html; charset=utf-8");
}

inline response_task list(request const& r) {
    co_return respond_with(200, r.server.tokens.status());
}

// Nothing of the secret stays in memory that is not wiped.
inline response with_token(std::string const& name, cfa::kept_token const& token) {
    unsigned char memory[4096];
    json::static_resource resource(memory);
    auto const& held = token.held;
    json::value expires_at;
    if (token.expires_at) expires_at = token.expires_at->to_string();
    json::value const v({{"name", name},
                         {"client_id", held.token.client_id},
                         {"client_secret", held.client_secret.reveal()},
                         {"token_id", held.token.token_id},
                         {"expires_at", expires_at}},
                        &resource);
    auto given = respond_with(token.is_new ? 201 : 200, v);
    cf::wipe(memory, sizeof memory);
    return given;
}

inline int status_of(cf::error const& e) {
    using enum cf::errc;
    auto const is_one_of = [&](auto... codes) { return (... || (e == codes)); };
    if (e == deadline_exceeded) return 504;
    if (e == rate_limited) return 429;
    if (is_one_of(grace_running, rotation_lost, token_in_use)) return 409;
    if (is_one_of(sink_failed, intent_log_failed, secret_unreadable)) return 503;
    if (is_one_of(conflict, cancelled, limit_reached)) return 503;
    return 502;
}

inline std::string code_of(cf::error const& e) {
    auto code = e.code().message();
    std::replace(code.begin(), code.end(), ' ', '_');
    return code;
}

// The error of a call, as a gateway tells of it.
inline response failed(cf::error const& e) {
    int const status = status_of(e);
    auto given = refused(status, code_of(e), e.to_string());
    auto retry_after = e.details().retry_after;
    if (status == 503 && !retry_after) retry_after = seconds(5);
    if (retry_after) given.set(http::field::retry_after, std::to_string(retry_after->count()));
    return given;
}

inline response_task give(request const& r) {
    auto& tokens = r.server.tokens;
    bool const rotates = r.query == "rotate=true";
    auto pending = rotates ? tokens.rotated(r.machine) : tokens.token(r.machine);
    auto const token = co_await std::move(pending);
    std::string outcome = token ? (rotates ? "rotated" : "held") : code_of(token.error());
    if (token && token->is_new) outcome = "issued";
    r.server.numbers.add("issues_total", "outcome", outcome);
    co_return token ? with_token(r.machine, *token) : failed(token.error());
}

inline response_task revoke(request const& r) {
    auto const done = co_await r.server.tokens.revoked(r.machine);
    if (!done) co_return failed(done.error());
    if (*done == cfa::presence::there) co_return response(http::status::no_content, 11);
    co_return refused(404, "not_found", "the machine has no token");
}

enum class caller : unsigned char {
    anybody,
    operators,
    machines
};
struct route {
    http::verb method;
    std::string_view path;
    caller who;
    response_task (*respond)(request const&);
};
inline constexpr route routes[] = {
    {http::verb::get, "/", caller::anybody, &page},
    {http::verb::get, "/healthz", caller::anybody, &health},
    {http::verb::get, "/readyz", caller::anybody, &readiness},
    {http::verb::get, "/metrics", caller::anybody, &metrics},
    {http::verb::get, "/v1/machines", caller::operators, &list},
    {http::verb::put, "/v1/machines/{name}/token", caller::machines, &give},
    {http::verb::delete_, "/v1/machines/{name}/token", caller::machines, &revoke},
    {http::verb::delete_, "/v1/machines/{name}", caller::machines, &revoke}};

inline route const* find_route(request const& r) {
    for (auto const& row : routes)
        if (row.method == r.method && row.path == r.path) return &row;
    return nullptr;
}

inline response no_route(request const& r) {
    std::string methods;
    for (auto const& row : routes)
        if (row.path == r.path) (methods += methods.empty() ? "" : ", ") += to_string(row.method);
    if (methods.empty()) return refused(404, "not_found", "no such path");
    auto given = refused(405, "method_not_allowed", "the methods are: " + methods);
    given.set(http::field::allow, methods);
    return given;
}

inline bool is_name(std::string_view s) {
    constexpr std::string_view letters =
        "-.0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return !s.empty() && s.size() <= 64 && s.front() != '-' && s.front() != '.' &&
           s.find_first_not_of(letters) == s.npos;
}

// Why the request is refused before anything is done; nothing where it is not.
inline std::optional<response> refusal(route const& row, request const& r) {
    if (row.who == caller::anybody) return std::nullopt;
    if (!r.identity)
        return refused(401, "unauthorized", "a client certificate or a bearer token is needed");
    bool const is_operator = r.now->who.is_operator(*r.identity);
    if (row.who == caller::operators) {
        if (is_operator) return std::nullopt;
        return refused(403, "forbidden", *r.identity + " is no operator");
    }
    bool const may_revoke = is_operator && r.method == http::verb::delete_;
    if (!may_revoke && !r.now->who.may_have(*r.identity, r.machine))
        return refused(403, "forbidden",
                       "no rule lets " + *r.identity + " have this machine's token");
    if (!is_name(r.machine))
        return refused(400, "bad_name",
                       "name: must have 1 to 64 letters, digits, '-', '_' or '.', and begin with "
                       "a letter, a digit or '_'");
    if (!r.query.empty() && r.query != "rotate=true" && r.query != "rotate=false")
        return refused(400, "bad_query", "query: must be rotate=true or rotate=false");
    return std::nullopt;
}

inline response_task respond_to(request r) {
    co_await asio::this_coro::throw_if_cancelled(false); // errors tell of it
    auto const* const row = find_route(r);
    if (row == nullptr) co_return no_route(r);
    if (auto why = refusal(*row, r)) co_return std::move(*why);
    auto given = co_await row->respond(r);
    co_return given;
}

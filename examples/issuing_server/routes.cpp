#include "routes.hpp"

#include <algorithm>

#include <boost/asio/this_coro.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/static_resource.hpp>

namespace asio = boost::asio;
namespace cf = cloudflare;
namespace json = boost::json;

namespace {

constexpr std::string_view prefix = "/v1/machines/";

reply with_body(int status, json::value const& v, std::size_t size = 1024) {
    reply r{status};
    json::serializer writer;
    writer.reset(&v);
    for (r.body.resize(size); !writer.done();) {
        auto const written = writer.read(r.body.data() + r.body.size() - size, size);
        r.body.resize(r.body.size() - size + written.size());
        if (!writer.done()) r.body.resize(r.body.size() + size);
    }
    return r;
}

// Nothing of the secret stays in memory that is not wiped.
reply with_token(std::string const& name, machine_token const& token) {
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
    auto r = with_body(token.is_new ? 201 : 200, v);
    cf::wipe(memory, sizeof memory);
    return r;
}

// The error of a call, as a gateway tells of it.
reply failed(cf::error const& e) {
    int status = 502;
    bool const is_of_store = e == cf::errc::sink_failed || e == cf::errc::intent_log_failed ||
                             e == cf::errc::secret_unreadable;
    if (e == cf::errc::deadline_exceeded) status = 504;
    if (e == cf::errc::rate_limited) status = 429;
    if (is_of_store || e == cf::errc::conflict || e == cf::errc::cancelled ||
        e == cf::errc::limit_reached)
        status = 503;
    if (e == cf::errc::grace_running || e == cf::errc::rotation_lost || e == cf::errc::token_in_use)
        status = 409;
    auto code = e.code().message();
    std::replace(code.begin(), code.end(), ' ', '_');
    auto r = refused(status, code, e.to_string());
    r.retry_after = e.details().retry_after;
    if (status == 503 && !r.retry_after) r.retry_after = std::chrono::seconds(5);
    return r;
}

struct target { // what a request is for
    std::string machine{}, path{}, query{};
};
target parse(std::string_view given) {
    auto const question = std::min(given.find('?'), given.size());
    target p{"", std::string(given.substr(0, question)),
             std::string(given.substr(std::min(question + 1, given.size())))};
    if (!p.path.starts_with(prefix)) return p;
    auto const end = std::min(p.path.find('/', prefix.size()), p.path.size());
    p.machine = p.path.substr(prefix.size(), end - prefix.size());
    p.path = "/v1/machines/{name}" + p.path.substr(end);
    return p;
}

bool is_name(std::string_view s) {
    auto const is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !s.empty() && s.size() <= 64 && s.front() != '.' && s.front() != '-' &&
           std::all_of(s.begin(), s.end(), is_plain);
}

reply not_allowed(char const* methods) {
    auto r = refused(405, "method_not_allowed", "the methods are: " + std::string(methods));
    r.allow = methods;
    return r;
}

} // namespace

reply refused(int status, std::string_view code, std::string_view message) {
    return with_body(status, {{"error", {{"code", code}, {"message", message}}}});
}

std::string routes::name_of(asked const& r) {
    auto const path = parse(r.target).path;
    bool const is_method = r.method == "GET" || r.method == "PUT" || r.method == "DELETE";
    if (!is_method) return "other";
    for (char const* known : {"/", "/healthz", "/readyz", "/metrics", "/v1/machines",
                              "/v1/machines/{name}", "/v1/machines/{name}/token"})
        if (path == known) return r.method + ' ' + path;
    return "other";
}

bool routes::is_work(asked const& r) {
    return r.method != "GET" && r.target.starts_with(prefix);
}

asio::awaitable<reply> routes::respond(asked r, std::shared_ptr<reloadable const> with) {
    auto const [machine, path, query] = parse(r.target);
    if (!machine.empty()) {
        bool const is_token = path == "/v1/machines/{name}/token";
        if (!is_token && path != "/v1/machines/{name}")
            co_return refused(404, "not_found", "no such path");
        bool const puts = r.method == "PUT" && is_token;
        if (!puts && r.method != "DELETE")
            co_return not_allowed(is_token ? "PUT, DELETE" : "DELETE");
        if (!r.identity)
            co_return refused(401, "unauthorized",
                              "a client certificate or a bearer token is needed");
        bool const may = with->who.may_have(*r.identity, machine) ||
                         (!puts && with->who.is_operator(*r.identity));
        if (!may)
            co_return refused(403, "forbidden",
                              "no rule lets " + *r.identity + " have this machine's token");
        if (!is_name(machine))
            co_return refused(400, "bad_name",
                              "name: must have 1 to 64 letters, digits, '-', '_' or '.', and begin "
                              "with a letter, a digit or '_'");
        if (!query.empty() && query != "rotate=true" && query != "rotate=false")
            co_return refused(400, "bad_query", "query: must be rotate=true or rotate=false");
        auto pending = change(std::move(r), machine, query == "rotate=true");
        auto done = co_await std::move(pending);
        co_return done;
    }
    bool const is_known = path == "/" || path == "/healthz" || path == "/readyz" ||
                          path == "/metrics" || path == "/v1/machines";
    if (!is_known) co_return refused(404, "not_found", "no such path");
    if (r.method != "GET") co_return not_allowed("GET");
    if (path == "/healthz") co_return with_body(200, {{"status", "alive"}});
    if (path == "/readyz") {
        auto const flaw = machines_.flaw();
        co_return flaw.empty() ? with_body(200, {{"status", "ready"}})
                               : refused(503, "not_ready", flaw);
    }
    if (path == "/metrics") {
        machines_.measure();
        reply all{200, cf::wiped_string(numbers_.text())};
        all.content_type = "text/plain; version=0.0.4";
        co_return all;
    }
    if (path == "/v1/machines") {
        if (!r.identity)
            co_return refused(401, "unauthorized",
                              "a client certificate or a bearer token is needed");
        if (!with->who.is_operator(*r.identity))
            co_return refused(403, "forbidden", *r.identity + " is no operator");
        co_return with_body(200, machines_.status(), 65536);
    }
    if (with->page.empty()) co_return refused(404, "not_found", "there is no status page");
    reply page{200, with->page};
    page.content_type = "text/html; charset=utf-8";
    co_return page;
}

asio::awaitable<reply> routes::change(asked r, std::string machine, bool rotate) {
    co_await asio::this_coro::throw_if_cancelled(false); // errors tell of it
    if (r.method == "DELETE") {
        auto pending = machines_.removed(machine);
        auto const removed = co_await std::move(pending);
        if (!removed) co_return failed(removed.error());
        co_return *removed ? reply{204} : refused(404, "not_found", "the machine has no token");
    }
    auto pending = rotate ? machines_.rotated(machine) : machines_.token(machine);
    auto const token = co_await std::move(pending);
    std::string outcome = "held";
    if (!token) outcome = token.error().code().message();
    if (token && token->is_new) outcome = "issued";
    if (token && rotate && !token->is_new) outcome = "rotated";
    std::replace(outcome.begin(), outcome.end(), ' ', '_');
    numbers_.add("issues_total", "outcome=\"" + outcome + '"');
    if (!token) co_return failed(token.error());
    co_return with_token(machine, *token);
}

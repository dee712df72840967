/// Which function responds to which request of a server.
#pragma once

#include <cloudflare/server/response.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::server {

namespace asio = boost::asio;

/// A request as its handler sees it. Not an aggregate: see "g++ 12's rules" in include/README.md.
class request {
public:
    /// As it was read.
    using message_type = beast::http::request<beast::http::string_body>;

    /// Splits the target. Bytes that are no printable ASCII are `?` in path and query, so that both
    /// may be written to a log.
    explicit request(message_type m) : message(std::move(m)) {
        std::string target(message.target());
        auto const is_odd = [](char c) { return c <= ' ' || c > '~'; };
        std::replace_if(target.begin(), target.end(), is_odd, '?');
        auto const question =
            (std::min)(std::string_view(message.target()).find('?'), target.size());
        path = target.substr(0, question);
        query = target.substr((std::min)(question + 1, target.size()));
    }

    /// What stands in the path for `{name}` in the route, e.g. `web-1`; empty where the route has no
    /// such part. Percent signs stay as they are.
    [[nodiscard]] std::string parameter(std::string_view name) const {
        auto const found = parameters.find(name);
        return found != parameters.end() ? found->second : std::string();
    }

    message_type message;        ///< with all fields, and the body
    std::string path;            ///< e.g. `/v1/machines/web-1/token`
    std::string query;           ///< without the `?`; empty where there is none
    std::string route = "other"; ///< e.g. `PUT /v1/machines/{name}/token`
    std::map<std::string, std::string, std::less<>> parameters{}; ///< see `parameter`
    std::optional<std::string> identity{}; ///< who asks; empty: nobody is known by what was shown
};

/// Responds to a request, which lives until it has done so. It is cancelled (terminally) when nobody
/// waits for the response any more; then nothing throws, and what it awaits tells of it. What it has
/// to bring to an end it goes on with.
using handler = std::function<asio::awaitable<response>(request const&)>;

/// The handlers of a server, by method and path.
///
///     server::routes all;
///     all.add(verb::get, "/healthz", &health).add(verb::put, "/v1/machines/{name}/token", give);
class routes {
public:
    /// Adds a route. Of those that match a request the first one is taken.
    ///
    /// @param path begins with `/`; `{name}` between two of these is anything but `/`
    routes& add(beast::http::verb method, std::string path, handler respond) {
        rows_.push_back({method, std::move(path), std::move(respond)});
        return *this;
    }

    /// The handler of a request, whose route and parameters it notes; null where there is none.
    [[nodiscard]] handler const* find(request& r) const {
        for (auto const& row : rows_) {
            if (row.method != r.message.method()) continue;
            auto parameters = match(row.path, r.path);
            if (!parameters) continue;
            r.parameters = std::move(*parameters);
            r.route = std::string(to_string(row.method)) + ' ' + row.path;
            return &row.respond;
        }
        return nullptr;
    }

    /// The response to a request without a route: 404, or 405 with the methods that the path has.
    [[nodiscard]] response refusal(request const& r) const {
        std::string methods;
        for (auto const& row : rows_)
            if (match(row.path, r.path))
                (methods += methods.empty() ? "" : ", ") += to_string(row.method);
        if (methods.empty()) return error_response(404, "not_found", "no such path");
        auto refused = error_response(405, "method_not_allowed", "the methods are: " + methods);
        refused.set(beast::http::field::allow, methods);
        return refused;
    }

private:
    struct route {
        beast::http::verb method;
        std::string path;
        handler respond;
    };

    /// Cuts off what stands before the next `/`, and that.
    [[nodiscard]] static std::string_view next_part(std::string_view& rest) {
        auto const part = rest.substr(0, rest.find('/'));
        rest.remove_prefix((std::min)(part.size() + 1, rest.size()));
        return part;
    }

    [[nodiscard]] static std::optional<decltype(request::parameters)>
    match(std::string_view pattern, std::string_view path) {
        if (std::count(pattern.begin(), pattern.end(), '/') !=
            std::count(path.begin(), path.end(), '/'))
            return std::nullopt;
        decltype(request::parameters) found;
        while (!pattern.empty() || !path.empty()) {
            auto const wanted = next_part(pattern), given = next_part(path);
            if (wanted.starts_with('{') && wanted.ends_with('}'))
                found.emplace(wanted.substr(1, wanted.size() - 2), given);
            else if (wanted != given)
                return std::nullopt;
        }
        return found;
    }

    std::vector<route> rows_;
};

} // namespace cloudflare::inline v0::server

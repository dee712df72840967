// What the server responds to which request.
#pragma once

#include "machines.hpp"
#include "rules.hpp"

#include <cloudflare/core/wipe.hpp>

#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

struct asked {
    std::string method, target;
    std::optional<std::string> identity; // nothing: nobody is known by that
};

struct reply {
    int status = 500;
    cloudflare::wiped_string body{}; // may hold a secret
    char const* content_type = "application/json";
    std::optional<std::chrono::seconds> retry_after{};
    char const* allow = nullptr; // the methods, where another one was used
};

// An error as a client sees it; `message` tells no secret.
reply refused(int status, std::string_view code, std::string_view message);

// What SIGHUP reads again.
struct reloadable {
    rules who;
    std::shared_ptr<boost::asio::ssl::context> tls;
    cloudflare::wiped_string page;
};

class routes {
public:
    routes(machines& m, metrics& numbers) : machines_(m), numbers_(numbers) {}

    // What a request is counted as, e.g. `PUT /v1/machines/{name}/token`.
    static std::string name_of(asked const& r);
    // Whether it is work that goes on though its client hangs up.
    static bool is_work(asked const& r);

    boost::asio::awaitable<reply> respond(asked r, std::shared_ptr<reloadable const> with);

private:
    boost::asio::awaitable<reply> change(asked r, std::string machine, bool rotate);

    machines& machines_;
    metrics& numbers_;
};

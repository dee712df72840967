/// Makes, lists and deletes a service token, and lists meanwhile, without coroutines: many calls at
/// once on one thread.
///
/// Usage: PROGRAM BASE_URL ACCOUNT_ID, where BASE_URL is plain HTTP; reads CLOUDFLARE_API_TOKEN, and
/// DEADLINE_SECONDS for a call (default 60).
#include "calls.hpp"

#include <cloudflare/access.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

namespace cf = cloudflare;
namespace access_tokens = cloudflare::access;

namespace {

/// What is to be done, step by step.
class errand {
public:
    errand(calls& all, access_tokens::account_scope account)
        : calls_(all), account_(std::move(account)) {}

    void start() {
        calls_.start(access_tokens::create_service_token(
                         account_, access_tokens::create_params("no coroutine")),
                     [this](auto const& token) { created(token); });
        calls_.start(access_tokens::list_service_tokens(account_),
                     [this](auto const& tokens) { listed_meanwhile(tokens); });
    }
    [[nodiscard]] int status() const noexcept { return status_; }

private:
    using token_page = cf::page<access_tokens::service_token>;

    void created(cf::result<access_tokens::issued_service_token> const& token) {
        if (!token) return fail(token.error());
        // The secret is in token->client_secret, and nowhere else: this is the time to store it.
        std::cout << "created " << token->id << '\n';
        id_ = token->id;
        calls_.start(access_tokens::list_service_tokens(account_),
                     [this](auto const& tokens) { listed(tokens); });
    }
    void listed(cf::result<token_page> const& tokens) {
        if (tokens) std::cout << "there are " << count(*tokens) << " tokens\n";
        if (!tokens) fail(tokens.error());
        calls_.start(access_tokens::delete_service_token(account_, id_),
                     [this](auto const& token) { deleted(token); });
    }
    void deleted(cf::result<std::optional<access_tokens::service_token>> const& token) {
        if (!token) return fail(token.error());
        std::cout << "deleted " << id_ << '\n';
    }
    void listed_meanwhile(cf::result<token_page> const& tokens) {
        if (!tokens) return fail(tokens.error());
        std::cout << "meanwhile a list shows " << count(*tokens) << '\n';
    }

    /// A list's first page may tell how many there are in all.
    static std::int64_t count(token_page const& tokens) {
        return tokens.info.total_count.value_or(static_cast<std::int64_t>(tokens.items.size()));
    }
    void fail(cf::error const& e) {
        std::cerr << e << '\n';
        status_ = 1;
    }

    calls& calls_;
    access_tokens::account_scope account_;
    std::string id_;
    int status_ = 0;
};

std::chrono::seconds call_deadline() {
    char const* const text = std::getenv("DEADLINE_SECONDS");
    return std::chrono::seconds(text == nullptr ? 60 : std::stoi(text));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " BASE_URL ACCOUNT_ID\n";
        return 1;
    }
    try {
        auto const url = cf::base_url::parse(argv[1]).value();
        calls all(cf::credentials_from_environment().value(),
                  cf::client_options().base_url(url).deadline(call_deadline()),
                  resolve(url.origin()).value());
        errand job(all, access_tokens::account_scope::parse(argv[2]).value());
        job.start();
        all.run();
        return job.status();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

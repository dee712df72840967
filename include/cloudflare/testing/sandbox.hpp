/// A model of the service tokens API in memory: takes a request, gives the response. No I/O.
#pragma once

#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/testing/sandbox_options.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// A service token as the sandbox keeps it, its secrets included.
struct sandbox_token {
    std::string scope;                                     ///< `accounts/<id>` or `zones/<id>`
    std::string id;                                        ///< a UUID
    std::string client_id;                                 ///< ends with `.access`
    std::string name;                                      ///< as it was sent
    token_duration duration = token_duration::hours(8760); ///< as it was sent
    bool enabled = true;                                   ///< a disabled token is not admitted
    std::int64_t version = 1;                              ///< `client_secret_version`
    timestamp created_at;                                  ///< by the time that `handle` was given
    timestamp updated_at;                                  ///< of the last change
    timestamp expires_at;                                  ///< from then on it is not admitted
    std::optional<timestamp> last_seen_at;                 ///< when it was last admitted
    std::optional<timestamp> previous_expires_at; ///< end of the grace; empty: no previous secret
    std::string secret;                           ///< the current one
    std::string previous_secret;                  ///< empty before the first rotation
    bool in_use = false;                          ///< a policy refers to it: it cannot be deleted
};

/// A user's own endpoint in a sandbox. It returns the response to a request that is for this
/// endpoint, and empty for any other.
///
/// @param target the request's target without the base path, e.g. `/zones/<id>/dns_records?page=1`
using sandbox_route = std::function<std::optional<http::response>(
    http::request const& r, std::string_view target, timestamp now)>;

/// The service tokens API of all accounts and zones. Deterministic: the same seed, options,
/// requests and times give the same responses. Threads: one at a time.
class sandbox {
public:
    /// `seed` decides ids and secrets.
    explicit sandbox(std::uint64_t seed = 1, sandbox_options options = sandbox_options())
        : random_(seed), options_(std::move(options)) {}

    /// Responds to a request that arrives at `now`.
    [[nodiscard]] http::response handle(http::request const& r, timestamp now);

    /// Adds an endpoint. It is called for each request that has credentials and is within the rate
    /// limit, before the sandbox's own endpoints and after those added earlier.
    sandbox& add_route(sandbox_route route) {
        routes_.push_back(std::move(route));
        return *this;
    }
    /// Puts a page behind Access at this target, e.g. `/app`, outside the API's base path. A
    /// request with the two headers of a token that `admits` accepts gets 200, any other a redirect
    /// to the login page.
    ///
    /// Source of the redirect's form: responses of Access outside strict mode.
    sandbox& protect(std::string target) {
        protected_.push_back(std::move(target));
        return *this;
    }
    /// A response of the API: an envelope with this result, or with this error.
    [[nodiscard]] static http::response success(boost::json::value result, int status = 200);
    /// An envelope with this error.
    [[nodiscard]] static http::response failure(int status, std::int64_t code,
                                                std::string_view message);

    /// Whether Access accepts these two headers at `now`; if so, the token's `last_seen_at` is set.
    [[nodiscard]] bool admits(std::string_view client_id, std::string_view secret, timestamp now);

    /// All tokens of all scopes, oldest first, for a test to compare with.
    [[nodiscard]] std::vector<sandbox_token> const& tokens() const noexcept { return tokens_; }
    /// The token of this id, to be changed at will; null where there is none.
    [[nodiscard]] sandbox_token* find(std::string_view id) noexcept {
        auto const found = std::find_if(tokens_.begin(), tokens_.end(),
                                        [&](sandbox_token const& t) { return t.id == id; });
        return found == tokens_.end() ? nullptr : &*found;
    }

    /// May be changed at any time.
    [[nodiscard]] sandbox_options& options() noexcept { return options_; }
    /// How many requests were handled.
    [[nodiscard]] std::uint64_t request_count() const noexcept { return request_count_; }

private:
    using parameters = std::map<std::string, std::string, std::less<>>;

    [[nodiscard]] http::response route(http::request const& r, timestamp now);
    [[nodiscard]] http::response protected_page(http::request const& r, timestamp now);
    [[nodiscard]] std::optional<http::response> refuse_credentials(http::request const& r) const;
    [[nodiscard]] std::optional<http::response> refuse_rate(timestamp now);
    [[nodiscard]] http::response create(std::string const& scope, std::string_view body,
                                        timestamp now);
    [[nodiscard]] http::response list(std::string const& scope, parameters const& query,
                                      timestamp now) const;
    [[nodiscard]] http::response update(sandbox_token& t, std::string_view body, timestamp now);
    [[nodiscard]] http::response rotate(sandbox_token& t, std::string_view body, timestamp now);
    [[nodiscard]] http::response refresh(sandbox_token& t, timestamp now);
    [[nodiscard]] http::response remove(sandbox_token const& t);

    /// Applies the members of a create or an update to `t`; returns what is wrong with them, if
    /// anything.
    [[nodiscard]] std::optional<std::string> apply(sandbox_token& t,
                                                   boost::json::object const& body, timestamp now);
    void replace_secret(sandbox_token& t, timestamp previous_expires_at);
    [[nodiscard]] timestamp expiry(token_duration const& d, timestamp now) const;
    [[nodiscard]] boost::json::object show(sandbox_token const& t, bool with_secret = false) const;

    [[nodiscard]] std::uint64_t random_bits() noexcept;
    [[nodiscard]] std::string random_string(std::string_view alphabet, std::size_t size);
    [[nodiscard]] std::string new_secret();
    [[nodiscard]] std::string new_uuid();

    [[nodiscard]] http::response bad_request(std::string_view reason) const {
        return failure(options_.refusal_status, options_.refusal_code,
                       "access.api.error.invalid_request: " + std::string(reason));
    }

    std::uint64_t random_;
    sandbox_options options_;
    std::vector<sandbox_token> tokens_;
    std::vector<sandbox_route> routes_;
    std::vector<std::string> protected_; // targets of pages behind Access
    std::uint64_t request_count_ = 0;
    // Of the rate limit.
    timestamp window_end_;
    std::int64_t window_count_ = 0;
    timestamp banned_until_;
};

} // namespace cloudflare::inline v0::testing

#include <cloudflare/testing/impl/sandbox.ipp>

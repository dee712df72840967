/// The requests that find, change and delete tokens, and the clocks.
#pragma once

#include <cloudflare/access/presence.hpp>
#include <cloudflare/access/scope.hpp>
#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/access/service_tokens.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// The requests of issuer, reconciler and rotator.
template <class Client>
class token_requests {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param wall the time of day until the server has told it
    token_requests(Client client, any_scope scope, std::function<timestamp()> wall)
        : client_(std::move(client)), scope_(scope), wall_(std::move(wall)) {}

    [[nodiscard]] Client const& client() const noexcept { return client_; }
    [[nodiscard]] any_scope const& scope() const noexcept { return scope_; }

    /// The server's time if a response has told it, otherwise this machine's.
    [[nodiscard]] timestamp now() const {
        auto const told = client_.server_time();
        return told ? *told : wall_();
    }

    /// A moment by each clock.
    struct moment {
        time_point steady;
        timestamp taken_for;
        bool is_told; ///< by the server
    };
    [[nodiscard]] moment this_moment() const {
        return {steady_now(), now(), client_.server_time().has_value()};
    }
    /// The time of day at a past moment, by the server's clock if a response has told it since.
    [[nodiscard]] timestamp time_at(moment const& then) const {
        if (then.is_told || !client_.server_time()) return then.taken_for;
        auto const passed = std::chrono::ceil<std::chrono::seconds>(steady_now() - then.steady);
        return now().plus(-passed);
    }

    [[nodiscard]] time_point steady_now() const { return client_.transport().now(); }
    [[nodiscard]] task<void> pause(std::chrono::milliseconds span) {
        auto const until = steady_now() + span;
        return client_.transport().sleep_until(end_ ? (std::min)(until, *end_) : until);
    }

    /// Runs a task to its end even if the caller is cancelled, if the transport can do that.
    template <class T>
    [[nodiscard]] task<T> shielded(task<T> pending) const {
        if constexpr (requires { client_.transport().shield(std::move(pending)); })
            return client_.transport().shield(std::move(pending));
        else
            return pending;
    }

    /// All tokens of the scope. Not filtered by name: how the API compares names is not recorded.
    [[nodiscard]] task<result<token_listing>> list() {
        return service_tokens(client_, scope_).list_whole(list_params(), bounded());
    }

    [[nodiscard]] task<result<service_token>> get(std::string id) {
        return client_.call(get_service_token(scope_, std::move(id)), bounded());
    }

    /// A new secret for a token that nobody uses: by raising the version, which has no effect when
    /// it arrives twice; by a rotate if no version is shown.
    ///
    /// Sent once, because a request with an unknown outcome may still act. After such an outcome
    /// the token can only be deleted.
    [[nodiscard]] task<result<issued_service_token>> fresh_secret(service_token token) {
        bool const rotates = scope_.is_account() && !token.client_secret_version;
        auto pending = rotates ? rotate(token.id) : raise_version(token);
        auto renewed = co_await std::move(pending);
        if (renewed && renewed->client_id.empty()) renewed->client_id = token.client_id;
        co_return renewed;
    }

    /// Changes a token.
    [[nodiscard]] task<result<updated_service_token>> change(std::string id, update_params params) {
        return client_.call(update_service_token(scope_, std::move(id), std::move(params)),
                            bounded());
    }

    /// Changes a token, unless a later secret than `version` was made: a lower version is refused.
    ///
    /// Source: an update with the version as it is leaves the secret (acceptance tests of Cloudflare's
    /// Terraform provider).
    ///
    /// @param version the latest that the server has shown; 0: none
    [[nodiscard]] task<result<updated_service_token>>
    change_unless_later(std::string id, std::int64_t version, update_params params) {
        if (version != 0) params.client_secret_version(version);
        update_service_token op(scope_, std::move(id), std::move(params));
        op.idempotency = idempotency::idempotent; // because the version is not raised
        return client_.call(std::move(op), bounded());
    }

    /// Sends `/rotate`, once.
    [[nodiscard]] task<result<issued_service_token>>
    rotate(std::string id, rotate_params params = rotate_params()) {
        return client_.call(rotate_service_token(scope_, std::move(id), params), bounded());
    }

    /// Deletes a token.
    ///
    /// @return whether it existed; an error if it may still exist
    [[nodiscard]] task<result<presence>> remove(std::string id) {
        auto pending = client_.call(delete_service_token(scope_, std::move(id)), bounded());
        auto const deleted = co_await std::move(pending);
        if (!deleted && deleted.error() != errc::not_found) co_return deleted.error();
        co_return deleted ? presence::there : presence::absent;
    }

    /// Gives the token its name, without the tag.
    ///
    /// @return `presence::absent` if the token does not exist any more; an error if it may still
    /// have the old name
    [[nodiscard]] task<result<presence>> rename(std::string id, std::string name) {
        auto pending = client_.call(
            update_service_token(scope_, std::move(id), update_params().name(std::move(name))),
            bounded());
        auto const named = co_await std::move(pending);
        if (!named && named.error() != errc::not_found) co_return named.error();
        co_return named ? presence::there : presence::absent;
    }

protected:
    /// Makes calls and pauses end at `end`.
    void end_by(time_point end) noexcept { end_ = end; }

private:
    [[nodiscard]] call_options bounded() const {
        call_options options;
        if (!end_) return options;
        auto const left = std::chrono::floor<std::chrono::milliseconds>(*end_ - steady_now());
        return options.deadline((std::min)(left, client_.options().deadline()));
    }
    task<result<issued_service_token>> raise_version(service_token const& token) {
        auto const version = token.client_secret_version.value_or(1) + 1;
        auto pending = client_.call(
            update_service_token(scope_, token.id, update_params().client_secret_version(version)),
            bounded());
        auto updated = co_await std::move(pending);
        if (!updated) co_return updated.error();
        co_return as_issued(std::move(*updated));
    }

    Client client_;
    any_scope scope_;
    std::function<timestamp()> wall_;
    std::optional<time_point> end_{};
};

} // namespace cloudflare::inline v0::access::detail

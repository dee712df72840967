/// The parameters of the service token operations, checked before anything is sent.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/http/query.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

namespace detail {

/// The settings that create and update have in common.
class token_settings {
public:
    std::optional<std::string> name{};
    std::optional<token_duration> duration{};
    std::optional<bool> enabled{};
    std::optional<std::int64_t> client_secret_version{};
    std::optional<timestamp> previous_client_secret_expires_at{};

    [[nodiscard]] bool empty() const noexcept {
        return !name && !duration && !enabled && !client_secret_version &&
               !previous_client_secret_expires_at;
    }

    [[nodiscard]] result<void> check() const;
    [[nodiscard]] std::string body() const;
};

} // namespace detail

/// What a new service token is to be.
class create_params {
public:
    /// @param name any UTF-8 text but the empty one; the API allows the same name twice
    explicit create_params(std::string name) { settings_.name = std::move(name); }

    /// Another name. The same rules.
    create_params& name(std::string text) {
        settings_.name = std::move(text);
        return *this;
    }
    /// How long the token is valid. The API's default is one year, `8760h`.
    create_params& duration(token_duration d) {
        settings_.duration = std::move(d);
        return *this;
    }
    /// Whether the token is accepted from the start. The API's default is true.
    create_params& enabled(bool on) {
        settings_.enabled = on;
        return *this;
    }
    /// The number of the first secret: 1 or more. The API's default is 1.
    create_params& client_secret_version(std::int64_t version) {
        settings_.client_secret_version = version;
        return *this;
    }
    /// Until when a secret before this one is accepted; of no use before a rotation.
    create_params& previous_client_secret_expires_at(timestamp t) {
        settings_.previous_client_secret_expires_at = t;
        return *this;
    }

    [[nodiscard]] std::string const& name() const noexcept { return *settings_.name; }
    [[nodiscard]] result<void> check() const { return settings_.check(); }
    [[nodiscard]] std::string body() const { return settings_.body(); }

private:
    detail::token_settings settings_;
};

/// What an update changes; what is not set stays.
class update_params {
public:
    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    update_params() noexcept {}

    update_params& name(std::string text) {
        settings_.name = std::move(text);
        return *this;
    }
    /// A new length of life, counted from now: the API sets `expires_at` anew.
    update_params& duration(token_duration d) {
        settings_.duration = std::move(d);
        return *this;
    }
    /// False stops both secrets, which can be undone, and ends a running grace period, which
    /// cannot.
    update_params& enabled(bool on) {
        settings_.enabled = on;
        return *this;
    }
    /// Raising the version rotates the secret, and the response holds the new one. Such an update is
    /// not sent again when its outcome is unknown.
    update_params& client_secret_version(std::int64_t version) {
        settings_.client_secret_version = version;
        return *this;
    }
    /// Until when the previous secret is accepted. May be changed after a rotation: later for more
    /// time, to the past to end it.
    update_params& previous_client_secret_expires_at(timestamp t) {
        settings_.previous_client_secret_expires_at = t;
        return *this;
    }

    /// Whether this may rotate the secret.
    [[nodiscard]] bool rotates() const noexcept {
        return settings_.client_secret_version.has_value();
    }
    [[nodiscard]] result<void> check() const {
        if (settings_.empty())
            return error(errc::invalid_argument, "update: must change at least one field");
        return settings_.check();
    }
    [[nodiscard]] std::string body() const { return settings_.body(); }

private:
    detail::token_settings settings_;
};

/// How a secret is rotated.
class rotate_params {
public:
    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    rotate_params() noexcept {}

    /// Until when the secret in use is still accepted. Without it that secret dies at once.
    rotate_params& previous_client_secret_expires_at(timestamp t) noexcept {
        until_ = t;
        return *this;
    }

    [[nodiscard]] std::string body() const;

private:
    std::optional<timestamp> until_;
};

/// Which service tokens are listed.
class list_params {
public:
    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    list_params() noexcept {}

    /// What the API takes where no `per_page` is given.
    static constexpr std::int64_t default_per_page = 1000;

    /// Tokens of this name. Whether the API compares the whole name is not recorded: compare it
    /// yourself.
    list_params& name(std::string text) {
        name_ = std::move(text);
        return *this;
    }
    /// Tokens that this text is found in.
    list_params& search(std::string text) {
        search_ = std::move(text);
        return *this;
    }
    /// Which page, from 1. The API's default is 1.
    list_params& page(std::int64_t number) noexcept {
        page_ = number;
        return *this;
    }
    /// How many a page: 1 to 1000. The API's default is 1000.
    list_params& per_page(std::int64_t count) noexcept {
        per_page_ = count;
        return *this;
    }

    [[nodiscard]] std::optional<std::int64_t> per_page() const noexcept { return per_page_; }

    [[nodiscard]] result<void> check() const {
        if (name_ && name_->empty())
            return error(errc::invalid_argument, "name: must not be empty");
        if (search_ && search_->empty())
            return error(errc::invalid_argument, "search: must not be empty");
        if (page_ && *page_ < 1) return error(errc::invalid_argument, "page: must be 1 or more");
        if (per_page_ && (*per_page_ < 1 || *per_page_ > 1000))
            return error(errc::invalid_argument, "per_page: must be from 1 to 1000");
        return {};
    }

    void append_to(std::string& target) const {
        http::query query(target);
        if (name_) query.add("name", *name_);
        if (search_) query.add("search", *search_);
        if (page_) query.add("page", std::to_string(*page_));
        if (per_page_) query.add("per_page", std::to_string(*per_page_));
    }

private:
    std::optional<std::string> name_;
    std::optional<std::string> search_;
    std::optional<std::int64_t> page_;
    std::optional<std::int64_t> per_page_;
};

} // namespace cloudflare::inline v0::access

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/access/impl/service_token_params.ipp>
#endif

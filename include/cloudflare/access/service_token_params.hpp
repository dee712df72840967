/// The parameters of the service token operations, checked before anything is sent.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/http/query.hpp>

#include <cstdint>
#include <optional>
#include <ostream>
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
class create_params : public cloudflare::detail::options_base<create_params> {
public:
    /// @param name UTF-8, not empty; several tokens may have the same name
    explicit create_params(std::string name) { settings_.name = std::move(name); }

    /// Replaces the name. The same rules.
    create_params& name(std::string string) { return set(settings_.name, std::move(string)); }
    [[nodiscard]] std::string const& name() const noexcept { return *settings_.name; }

    /// How long the token is valid. The API's default is one year, `8760h`.
    create_params& duration(token_duration d) { return set(settings_.duration, std::move(d)); }

    /// Whether the token is accepted from the start. The API's default is true.
    create_params& enabled(bool on) noexcept { return set(settings_.enabled, on); }

    /// The version of the first secret: 1 or more. The API's default is 1.
    create_params& client_secret_version(std::int64_t version) noexcept {
        return set(settings_.client_secret_version, version);
    }

    /// Until when a secret before this one is accepted; has no effect before a rotation.
    create_params& previous_client_secret_expires_at(timestamp t) noexcept {
        return set(settings_.previous_client_secret_expires_at, t);
    }

    /// @return `errc::invalid_argument`, which names the field and the rule
    [[nodiscard]] result<void> check() const { return settings_.check(); }
    /// The request's body, as JSON.
    [[nodiscard]] std::string body() const { return settings_.body(); }

private:
    detail::token_settings settings_;
};

/// What an update changes; what is not set stays.
class update_params : public cloudflare::detail::options_base<update_params> {
public:
    /// The new name: UTF-8, not empty.
    update_params& name(std::string string) { return set(settings_.name, std::move(string)); }

    /// The new duration, counted from now: the API sets `expires_at` anew.
    update_params& duration(token_duration d) { return set(settings_.duration, std::move(d)); }

    /// False stops both secrets, which can be undone, and ends a running grace period, which
    /// cannot.
    update_params& enabled(bool on) noexcept { return set(settings_.enabled, on); }

    /// Raising the version rotates the secret, and the response has the new one. Such an update is
    /// not sent again when its outcome is unknown.
    update_params& client_secret_version(std::int64_t version) noexcept {
        return set(settings_.client_secret_version, version);
    }

    /// Until when the previous secret is accepted. May be changed after a rotation: a later time
    /// extends the grace period, a time in the past ends it.
    update_params& previous_client_secret_expires_at(timestamp t) noexcept {
        return set(settings_.previous_client_secret_expires_at, t);
    }

    /// Whether this may rotate the secret.
    [[nodiscard]] bool rotates() const noexcept {
        return settings_.client_secret_version.has_value();
    }
    /// @return `errc::invalid_argument`, which names the field and the rule
    [[nodiscard]] result<void> check() const {
        if (settings_.empty())
            return error(errc::invalid_argument, "update: must change at least one field");
        return settings_.check();
    }
    /// The request's body, as JSON.
    [[nodiscard]] std::string body() const { return settings_.body(); }

private:
    detail::token_settings settings_;
};

/// How a secret is rotated.
class rotate_params : public cloudflare::detail::options_base<rotate_params> {
public:
    /// Until when the secret in use is still accepted. Default: it is revoked at once.
    rotate_params& previous_client_secret_expires_at(timestamp t) noexcept {
        return set(until_, t);
    }
    /// The request's body, as JSON.
    [[nodiscard]] std::string body() const;

private:
    std::optional<timestamp> until_;
};

/// Which service tokens are listed.
class list_params : public cloudflare::detail::options_base<list_params> {
public:
    /// The API's page size where no `per_page` is given.
    static constexpr std::int64_t default_per_page = 1000;

    /// Only tokens of this name; not empty. The API may also list tokens whose names contain it:
    /// compare the names of those that are listed.
    list_params& name(std::string string) { return set(name_, std::move(string)); }

    /// Only tokens in which this string is found; not empty.
    list_params& search(std::string string) { return set(search_, std::move(string)); }

    /// Which page, from 1. The API's default is 1.
    list_params& page(std::int64_t number) noexcept { return set(page_, number); }

    /// How many tokens a page: 1 to 1000. The API's default is 1000.
    list_params& per_page(std::int64_t count) noexcept { return set(per_page_, count); }
    [[nodiscard]] std::optional<std::int64_t> per_page() const noexcept { return per_page_; }

    /// @return `errc::invalid_argument`, which names the field and the rule
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

    /// Appends the query to a request target.
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

// The parameters as they are sent, in one line.
inline std::ostream& operator<<(std::ostream& out, create_params const& p) {
    return out << "create " << cloudflare::detail::redact_own(p.body(), 1000);
}
inline std::ostream& operator<<(std::ostream& out, update_params const& p) {
    return out << "update " << cloudflare::detail::redact_own(p.body(), 1000);
}
inline std::ostream& operator<<(std::ostream& out, rotate_params const& p) {
    return out << "rotate " << p.body();
}
inline std::ostream& operator<<(std::ostream& out, list_params const& p) {
    std::string query;
    p.append_to(query);
    return out << "list " << cloudflare::detail::redact_own(query, 1000);
}

} // namespace cloudflare::inline v0::access

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/access/impl/service_token_params.ipp>
#endif

/// Whose service tokens: an account's or a zone's, by a checked id.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/path.hpp>

#include <concepts>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

namespace detail {

[[nodiscard]] constexpr bool is_lower_hex(std::string_view text) noexcept {
    return text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// Accounts and zones have ids of 32 lowercase hex digits; anything else would change the path.
[[nodiscard]] inline result<std::string> check_identifier(std::string_view field,
                                                          std::string_view id) {
    if (id.size() == 32 && is_lower_hex(id)) return std::string(id);
    return error(errc::invalid_argument,
                 std::string(field) + ": must be 32 lowercase hexadecimal digits");
}

} // namespace detail

/// All service tokens of an account. The default choice: rotate and refresh exist here only.
class account_scope {
public:
    /// @param id 32 lowercase hexadecimal digits
    [[nodiscard]] static result<account_scope> parse(std::string_view id) {
        auto checked = detail::check_identifier("account id", id);
        if (!checked) return checked.error();
        return account_scope(std::move(*checked));
    }

    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    [[nodiscard]] http::path path() const { return http::path("accounts", id_); }

private:
    explicit account_scope(std::string id) : id_(std::move(id)) {}
    std::string id_;
};

/// The service tokens of a zone. The API has no rotate and no refresh here; a secret is rotated by
/// an update that raises its version.
class zone_scope {
public:
    /// @param id 32 lowercase hexadecimal digits
    [[nodiscard]] static result<zone_scope> parse(std::string_view id) {
        auto checked = detail::check_identifier("zone id", id);
        if (!checked) return checked.error();
        return zone_scope(std::move(*checked));
    }

    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    [[nodiscard]] http::path path() const { return http::path("zones", id_); }

private:
    explicit zone_scope(std::string id) : id_(std::move(id)) {}
    std::string id_;
};

/// A scope whose kind is known at run time only.
class any_scope {
public:
    any_scope(account_scope const& s) : is_account_(true), id_(s.id()) {}
    any_scope(zone_scope const& s) : is_account_(false), id_(s.id()) {}

    [[nodiscard]] bool is_account() const noexcept { return is_account_; }
    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    [[nodiscard]] http::path path() const {
        return http::path(is_account_ ? "accounts" : "zones", id_);
    }

    friend bool operator==(any_scope const&, any_scope const&) = default;
    friend std::ostream& operator<<(std::ostream& out, any_scope const& s) {
        return out << (s.is_account_ ? "account " : "zone ") << s.id_;
    }

private:
    bool is_account_;
    std::string id_;
};

template <class S>
concept scope =
    std::same_as<S, account_scope> || std::same_as<S, zone_scope> || std::same_as<S, any_scope>;

} // namespace cloudflare::inline v0::access

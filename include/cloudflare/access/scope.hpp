/// The scope of service tokens: an account or a zone, by a checked id.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/path.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <ostream>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::access {

namespace detail {

[[nodiscard]] constexpr bool is_lower_hex(std::string_view text) noexcept {
    return text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// The id of an account or a zone: 32 lowercase hex digits; anything else could change the path.
class identifier {
public:
    [[nodiscard]] static result<identifier> parse(std::string_view field, std::string_view text) {
        identifier id;
        if (text.size() != id.digits_.size() || !is_lower_hex(text))
            return error(errc::invalid_argument,
                         std::string(field) + ": must be 32 lowercase hexadecimal digits");
        std::copy(text.begin(), text.end(), id.digits_.begin());
        return id;
    }
    [[nodiscard]] std::string_view text() const noexcept {
        return {digits_.data(), digits_.size()};
    }
    friend bool operator==(identifier const&, identifier const&) = default;

private:
    identifier() noexcept : digits_{} {}
    std::array<char, 32> digits_; // not on the heap, because every call copies it
};

} // namespace detail

/// The service tokens of an account. The default choice: only here the API has rotate and refresh.
class account_scope {
public:
    /// @param id 32 lowercase hexadecimal digits
    [[nodiscard]] static result<account_scope> parse(std::string_view id) {
        auto const checked = detail::identifier::parse("account id", id);
        if (!checked) return checked.error();
        return account_scope(*checked);
    }

    /// 32 lowercase hexadecimal digits.
    [[nodiscard]] std::string_view id() const noexcept { return id_.text(); }
    /// `/accounts/<id>`, to be appended to.
    [[nodiscard]] http::path path() const { return http::path("accounts", id()); }

private:
    friend class any_scope;
    explicit account_scope(detail::identifier id) noexcept : id_(id) {}
    detail::identifier id_;
};

/// The service tokens of a zone. The API has neither rotate nor refresh here; a secret is rotated
/// by an update that raises its version.
class zone_scope {
public:
    /// @param id 32 lowercase hexadecimal digits
    [[nodiscard]] static result<zone_scope> parse(std::string_view id) {
        auto const checked = detail::identifier::parse("zone id", id);
        if (!checked) return checked.error();
        return zone_scope(*checked);
    }

    /// 32 lowercase hexadecimal digits.
    [[nodiscard]] std::string_view id() const noexcept { return id_.text(); }
    /// `/zones/<id>`, to be appended to.
    [[nodiscard]] http::path path() const { return http::path("zones", id()); }

private:
    friend class any_scope;
    explicit zone_scope(detail::identifier id) noexcept : id_(id) {}
    detail::identifier id_;
};

/// A scope whose kind is known at run time only.
class any_scope {
public:
    /// An account.
    any_scope(account_scope const& s) noexcept : is_account_(true), id_(s.id_) {}
    /// A zone.
    any_scope(zone_scope const& s) noexcept : is_account_(false), id_(s.id_) {}

    /// Whether it is an account; otherwise it is a zone.
    [[nodiscard]] bool is_account() const noexcept { return is_account_; }
    /// 32 lowercase hexadecimal digits.
    [[nodiscard]] std::string_view id() const noexcept { return id_.text(); }
    /// `/accounts/<id>` or `/zones/<id>`, to be appended to.
    [[nodiscard]] http::path path() const {
        return http::path(is_account_ ? "accounts" : "zones", id());
    }

    /// Equal: the same id of the same kind.
    friend bool operator==(any_scope const&, any_scope const&) = default;
    /// Prints e.g. `account 023e105f4ecef8ad9ca31a8372d0c353`.
    friend std::ostream& operator<<(std::ostream& out, any_scope const& s) {
        return out << (s.is_account_ ? "account " : "zone ") << s.id();
    }

private:
    bool is_account_;
    detail::identifier id_;
};

/// An account, a zone, or one of the two that is known at run time only.
template <class S>
concept scope =
    std::same_as<S, account_scope> || std::same_as<S, zone_scope> || std::same_as<S, any_scope>;

inline std::ostream& operator<<(std::ostream& out, account_scope const& s) {
    return out << any_scope(s);
}
inline std::ostream& operator<<(std::ostream& out, zone_scope const& s) {
    return out << any_scope(s);
}

} // namespace cloudflare::inline v0::access

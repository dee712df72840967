/// Building the query of a request.
#pragma once

#include <cloudflare/http/percent_encoding.hpp>

#include <string>
#include <string_view>

namespace cloudflare::inline v0::http {

/// Appends percent-encoded parameters to a target: `?name=value`, then `&name=value` ...
class query {
public:
    /// @param target a path without a query; must outlive this object
    explicit query(std::string& target) noexcept : target_(target) {}

    /// Appends `?` or `&`, and `name=value`, both percent-encoded.
    query& add(std::string_view name, std::string_view value) {
        target_ += separator_;
        separator_ = '&';
        append_percent_encoded(target_, name);
        target_ += '=';
        append_percent_encoded(target_, value);
        return *this;
    }

private:
    std::string& target_;
    char separator_ = '?';
};

} // namespace cloudflare::inline v0::http

/// What every contestant sends, and a check of what it received.
#pragma once

#include <stdexcept>
#include <string_view>

namespace bench::sample {

inline constexpr std::string_view account = "023e105f4ecef8ad9ca31a8372d0c353";
inline constexpr std::string_view api_token = "bench-sample-not-a-token-000000000000000";
inline constexpr std::string_view name = "CI/CD token";
inline constexpr std::string_view duration = "8760h";

/// The path of a create below the base URL.
inline constexpr std::string_view target =
    "/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens";

/// Throws unless these are of the response that the server was told to give.
inline void check(std::string_view id, std::string_view client_secret) {
    if (id != "f174e90a-fafe-4643-bbbc-4a0ed4fc8415" || !client_secret.starts_with("cfast_"))
        throw std::runtime_error("a response was not understood");
}

} // namespace bench::sample

#include "output_style.hpp"

#include <algorithm>
#include <iterator>

std::optional<output_format> output_format_named(std::string_view name) {
    constexpr std::string_view names[] = {"text", "json", "yaml",       "env",   "table",
                                          "name", "id",   "kubernetes", "github"};
    auto const found = std::find(std::begin(names), std::end(names), name);
    if (found == std::end(names)) return std::nullopt;
    return static_cast<output_format>(found - std::begin(names));
}

std::optional<env_names> env_names_of(std::string_view program) {
    // Wrangler's: workers-sdk pull request 13031; cloudflared's: its pull request 386.
    if (program == "access") return env_names();
    if (program == "wrangler")
        return env_names{"CLOUDFLARE_ACCESS_CLIENT_ID", "CLOUDFLARE_ACCESS_CLIENT_SECRET"};
    if (program == "cloudflared")
        return env_names{"TUNNEL_SERVICE_TOKEN_ID", "TUNNEL_SERVICE_TOKEN_SECRET"};
    return std::nullopt;
}

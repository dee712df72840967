// How stdout looks, and what others call a token's id and secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

enum class output_format {
    text,
    json,
    yaml,
    env,   // lines for a shell
    table, // with a header
    name,
    id,
    kubernetes, // a Secret manifest
    github,     // the mask on stdout, the rest into the files of the job
    nothing     // stdout is somebody else's
};

std::optional<output_format> output_format_named(std::string_view name);

// The variables that a program reads the token from.
struct env_names {
    std::string_view client_id = "CF_ACCESS_CLIENT_ID";
    std::string_view client_secret = "CF_ACCESS_CLIENT_SECRET";
};

// Those of `access` (common use), `wrangler` or `cloudflared`.
std::optional<env_names> env_names_of(std::string_view program);

struct output_style {
    output_format format = output_format::text;
    env_names names{};
    std::string kubernetes_namespace{}; // empty: none is written
    std::string token_name{};           // for a token whose name is not known
    bool colours = false;

    // Whether it is of no use without the secret.
    [[nodiscard]] bool needs_secret() const noexcept {
        return format == output_format::kubernetes || format == output_format::github;
    }
};

/// How the file of a token looks.
#pragma once

#include <cloudflare/core/config.hpp>

namespace cloudflare::inline v0::access {

/// The format of a token's file: of a new one. A file that is replaced keeps its own.
enum class secret_format {
    lines, ///< `NAME=value`, a line each, as a shell and systemd read them
    json   ///< one object with the API's names: `id`, `client_id`, `client_secret`, ...
};

} // namespace cloudflare::inline v0::access

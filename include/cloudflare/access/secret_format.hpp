/// The formats of a token's file.
#pragma once

#include <cloudflare/core/config.hpp>

namespace cloudflare::inline v0::access {

/// The format of a new file for a token. A file that is replaced keeps its format.
enum class secret_format {
    lines, ///< lines `NAME=value`, as shells and systemd read them
    json   ///< one object with the API's names: `id`, `client_id`, `client_secret`, ...
};

} // namespace cloudflare::inline v0::access

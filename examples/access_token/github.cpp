#include "github.hpp"

#include "output.hpp"

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/core/wipe.hpp>

#include <cstdlib>

namespace cf = cloudflare;

namespace {

cf::result<cf::access::file> open_to_append(std::string const& path) {
    return cf::access::file::open(path, O_WRONLY | O_APPEND | O_CREAT, cf::errc::invalid_argument);
}

} // namespace

std::vector<std::string> github_files() {
    std::vector<std::string> files;
    for (char const* const variable : {"GITHUB_ENV", "GITHUB_OUTPUT"}) {
        char const* const path = std::getenv(variable);
        if (path != nullptr && *path != '\0') files.emplace_back(path);
    }
    return files;
}

std::string unwritable_of(std::vector<std::string> const& files) {
    for (auto const& path : files)
        if (!open_to_append(path)) return path;
    return {};
}

bool hand_to_github(std::string_view client_id, std::string_view client_secret,
                    output_style const& style, std::vector<std::string> const& files) {
    cf::wiped_string text("::add-mask::");
    text.append(client_secret).append("\n");
    if (!write_to_stdout(text)) return false;
    text.clear();
    text.append(style.names.client_id).append("=").append(client_id).append("\n");
    text.append(style.names.client_secret).append("=").append(client_secret).append("\n");
    for (auto const& path : files) {
        auto const opened = open_to_append(path);
        if (!opened || !opened->write(text)) return false;
    }
    return !files.empty();
}

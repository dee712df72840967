#include "output.hpp"

#include "printable.hpp"

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

void tell(std::string_view line) {
    std::cerr << printable(line) + '\n';
}

void say(std::string_view line) {
    char const* const name =
        shows_colours(STDERR_FILENO) ? "\x1b[1maccess-token:\x1b[0m " : "access-token: ";
    std::cerr << name + printable(line) + '\n';
}

bool write_to_stdout(std::string_view text) {
    for (std::size_t written = 0; written != text.size();) {
        auto const n = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) written += static_cast<std::size_t>(n);
    }
    return true;
}

bool shows_colours(int descriptor) {
    char const* const none = std::getenv("NO_COLOR");
    char const* const terminal = std::getenv("TERM");
    bool const is_dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    return ::isatty(descriptor) == 1 && !is_dumb && (none == nullptr || *none == '\0');
}

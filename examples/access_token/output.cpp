#include "output.hpp"

#include "printable.hpp"

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace {

struct telling {
    bool is_quiet = false;
    bool has_progress = false; // on the last line of the terminal
    bool const is_terminal = ::isatty(STDERR_FILENO) == 1 && std::getenv("TERM") != nullptr &&
                             std::string_view(std::getenv("TERM")) != "dumb";
};
telling& told() {
    static telling one;
    return one;
}

} // namespace

void tell(std::string_view line) {
    if (told().is_quiet) return;
    clear_progress();
    std::cerr << printable(line) + '\n';
}

void inform(std::string_view line) {
    if (!told().is_quiet) say(line);
}

void be_quiet() {
    told().is_quiet = true;
}

void show_progress(std::string_view what) {
    auto& s = told();
    if (s.is_quiet || !s.is_terminal) return;
    s.has_progress = true;
    std::cerr << "\r\x1b[K" + printable(what) + " ..." << std::flush;
}

void clear_progress() {
    if (std::exchange(told().has_progress, false)) std::cerr << "\r\x1b[K" << std::flush;
}

void say(std::string_view line) {
    clear_progress();
    char const* const name =
        shows_colours(STDERR_FILENO) ? "\x1b[1maccess-token:\x1b[0m " : "access-token: ";
    std::cerr << name + printable(line) + '\n';
}

bool may_write_to_stdout() {
    int const flags = ::fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return false;
    ::pollfd stdout_now{STDOUT_FILENO, POLLOUT, 0};
    return ::poll(&stdout_now, 1, 0) <= 0 || (stdout_now.revents & (POLLERR | POLLNVAL)) == 0;
}

bool write_to_stdout(std::string_view text) {
    clear_progress();
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

#include "service_manager.hpp"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

// A whole number of the environment.
std::optional<long long> number(char const* variable) {
    char const* const value = std::getenv(variable);
    if (value == nullptr) return std::nullopt;
    std::string_view const text(value);
    long long read = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return read;
}

} // namespace

void notify(std::string const& lines) {
    char const* const path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || (*path != '/' && *path != '@')) return;
    std::size_t const size = std::strlen(path);
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (size < 2 || size >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, size);
    if (*path == '@') address.sun_path[0] = '\0'; // an abstract socket
    int const made = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) return;
    auto const length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + size);
    // One that does not arrive is no reason to do anything else: the next one says more.
    [[maybe_unused]] auto const sent =
        ::sendto(made, lines.data(), lines.size(), MSG_NOSIGNAL,
                 reinterpret_cast<::sockaddr const*>(&address), length);
    ::close(made);
}

std::optional<std::chrono::microseconds> watchdog_period() {
    auto const period = number("WATCHDOG_USEC");
    auto const process = number("WATCHDOG_PID");
    if (!period || *period <= 0 || (process && *process != ::getpid())) return std::nullopt;
    return std::chrono::microseconds(*period);
}

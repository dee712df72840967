/// Prints what is sent to a datagram socket, as systemd listens at $NOTIFY_SOCKET: for service_manager.sh.
///
/// Usage: notify_listener PATH     `@` at its beginning: an abstract socket. Prints an empty line once it listens.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

int main(int argc, char** argv) {
    std::string_view const path = argc < 2 ? "" : argv[1];
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof where.sun_path) return 2;
    std::memcpy(where.sun_path, path.data(), path.size());
    if (path[0] == '@') where.sun_path[0] = '\0';
    int const socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (::bind(socket, reinterpret_cast<sockaddr const*>(&where), size) != 0) return 1;
    ::alarm(120);
    std::puts("");
    std::fflush(stdout);
    char bytes[4096];
    for (ssize_t got = 0; (got = ::recv(socket, bytes, sizeof bytes, 0)) >= 0;) {
        std::printf("%.*s\n", static_cast<int>(got), bytes);
        std::fflush(stdout);
    }
}

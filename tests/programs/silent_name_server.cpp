/// A name server that never responds, for examples.sh.
///
/// Usage: silent_name_server ADDRESS
/// Prints an empty line once it has port 53 of that IPv4 address. Ends after a minute.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(53);
    int const socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    if (argc < 2 || ::inet_pton(AF_INET, argv[1], &where.sin_addr) != 1 ||
        ::bind(socket, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0)
        return 1;
    std::puts("");
    std::fflush(stdout);
    ::sleep(60);
}

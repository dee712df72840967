/// A proxy on loopback that opens tunnels to this machine, for examples.sh.
///
/// Usage: connect_proxy LOG [STATUS | silent]
/// Prints its port. Each CONNECT's header goes to LOG. With a STATUS it responds with that and opens no tunnel; `silent` never
/// responds.
#include "../unit/transport/tunnel.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    std::string const behaviour = argc > 2 ? argv[2] : "200";
    std::ofstream log(argv[1], std::ios::binary);
    auto const write_down = [&](std::string header) {
        std::erase(header, '\r');
        log << header << std::flush;
    };
    auto const response = behaviour == "silent"
                              ? std::string()
                              : "HTTP/1.1 " + behaviour + " Said so\r\n" +
                                    (behaviour == "200" ? "" : "Content-Length: 0\r\n") + "\r\n";
    cloudflare::tests::tunnel const proxy(response, write_down);
    auto const address = proxy.address();
    std::printf("%s\n", address.substr(address.find(':') + 1).c_str());
    std::fflush(stdout);
    for (;;)
        std::this_thread::sleep_for(std::chrono::hours(1));
}

// issuing-server: gives each machine its service token, to machines that ask for it over TLS.
//
// Usage: issuing-server --config FILE | --check FILE
#include "server.hpp"
#include "stores.hpp"

#include <csignal>
#include <iostream>

#include <sys/resource.h>

int main(int argc, char** argv) {
    std::string const option = argc == 3 ? argv[1] : "";
    if (option != "--config" && option != "--check") {
        std::cerr << "usage: issuing-server --config FILE | --check FILE\n";
        return 2;
    }
    rlimit const none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none); // it would hold secrets
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    try {
        auto const c = read_configuration(argv[2]);
        if (option == "--check") return 0;
        server(argv[2], c, &open_configured).run();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 2;
    }
}

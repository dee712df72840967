// issuing_server: gives each machine its service token, to machines that ask for it over TLS.
//
// Usage: issuing-server --config FILE | --check FILE
#include "stores.hpp"

#include <csignal>
#include <exception>
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
        if (option == "--check") {
            auto const checked = read_configuration(argv[2]);
            if (!checked) std::cerr << checked.error() << '\n';
            return checked ? 0 : 2;
        }
        auto const served = run_server(argv[2], &open_configured);
        std::cerr << served.error() << '\n';
        return 2;
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

/// The command line that all contestants share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// A base URL taken apart: `http(s)://HOST:PORT/PATH`.
struct address {
    bool secure = false;
    std::string host;
    std::string port;
    std::string path;

    static address parse(std::string_view string) {
        address server;
        auto const scheme_end = string.find("://");
        auto const port_begin = string.find(':', scheme_end + 3);
        auto const path_begin = string.find('/', scheme_end + 3);
        if (scheme_end == string.npos || port_begin == string.npos || path_begin == string.npos)
            throw std::invalid_argument("BASE_URL must be http(s)://HOST:PORT/PATH");
        server.secure = string.substr(0, scheme_end) == "https";
        server.host = string.substr(scheme_end + 3, port_begin - scheme_end - 3);
        server.port = string.substr(port_begin + 1, path_begin - port_begin - 1);
        server.path = string.substr(path_begin);
        return server;
    }

    [[nodiscard]] std::uint16_t port_number() const {
        return static_cast<std::uint16_t>(std::stoul(port));
    }
};

/// What a contestant is asked to do.
struct arguments {
    std::string base_url;
    std::string ca_file; ///< empty where the server speaks no TLS
    std::size_t count = 0;
    std::size_t concurrency = 1;
    std::size_t warm_up = 200;

    static arguments parse(int argc, char** argv) {
        if (argc < 5 || argc > 6)
            throw std::invalid_argument("usage: BASE_URL CA_FILE_OR_- COUNT CONCURRENCY [WARM_UP]");
        arguments given;
        given.base_url = argv[1];
        if (argv[2] != std::string_view("-")) given.ca_file = argv[2];
        given.count = std::stoul(argv[3]);
        given.concurrency = std::stoul(argv[4]);
        if (argc == 6) given.warm_up = std::stoul(argv[5]);
        return given;
    }

    [[nodiscard]] address server() const { return address::parse(base_url); }
};

} // namespace bench

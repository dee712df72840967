// Asks a page behind Access with the token of a secret file, and says who refused it, if anybody did.
//
// Usage: PROGRAM URL SECRET_FILE [CA_FILE]. Exit status: 0 let in, 1 no response, 3 refused by Access, 4 by the edge, 5 by the
// application.
#include "who_refused.hpp"

#include <cloudflare/access/current_secret.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

namespace cf = cloudflare;

int run(std::string const& url, std::string const& secret_file, std::string const& ca_file) {
    auto const path = url.find('/', url.find("://") + 3);
    cf::http::request request{.origin = cf::http::origin::parse(url.substr(0, path)).value()};
    request.target = path == url.npos ? "/" : url.substr(path);
    request.fields = cf::access::current_secret(secret_file).headers().value();
    request.fields.set("User-Agent", "access_refusal").value();
    cf::blocking_beast_transport transport(cf::beast_options().ca_file(ca_file));
    auto const response = transport.send(request, transport.now() + std::chrono::seconds(10)).get();
    if (!response) return std::cerr << response.error() << '\n', 1;
    auto const who = who_refused(*response);
    std::cout << response->status << ": " << explain(who) << '\n';
    return who == refused_by::nobody ? 0 : 2 + static_cast<int>(who);
}

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        std::cerr << "usage: " << argv[0] << " URL SECRET_FILE [CA_FILE]\n";
        return 2;
    }
    try {
        return run(argv[1], argv[2], argc == 4 ? argv[3] : "");
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

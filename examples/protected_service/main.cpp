// Calls a service behind Access again and again, with the secret that a sink's file holds at that moment: so a rotation
// is noticed without a restart, and no request is refused.
//
// Usage: PROGRAM URL SECRET_FILE COUNT [CA_FILE]
#include <cloudflare/access/current_secret.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

namespace cf = cloudflare;

namespace {

/// A request for a page such as `https://app.example.com/reports`.
cf::http::request request_for(std::string const& url) {
    auto const path = url.find('/', url.find("://") + 3);
    cf::http::request r{.origin = cf::http::origin::parse(url.substr(0, path)).value()};
    r.target = path == url.npos ? "/" : url.substr(path);
    return r;
}

int run(std::string const& url, std::string const& secret_file, int count,
        std::string const& ca_file) {
    cf::blocking_beast_transport transport(cf::beast_options().ca_file(ca_file));
    cf::access::current_secret current(secret_file);
    auto r = request_for(url);
    std::int64_t version = 0;
    int refused = 0;
    auto const send = [&](cf::http::headers const& login) -> cf::result<cf::http::response> {
        r.fields = login;
        r.fields.set("User-Agent", "protected_service").value(); // the edge refuses some others
        auto response = transport.send(r, transport.now() + std::chrono::seconds(10)).get();
        if (response && cf::access::is_access_refusal(*response)) ++refused;
        return response;
    };
    for (int i = 0; i != count; ++i) {
        auto const response = cf::access::send_with(current, send);
        if (!response) return std::cerr << response.error() << '\n', 1;
        if (response->status != 200)
            return std::cerr << "refused, with status " << response->status << '\n', 1;
        auto const used = current.get().value().token.version;
        if (used != version) std::cout << "let in with version " << used << std::endl;
        version = used;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::cout << count << " requests, of which Access refused " << refused << '\n';
    return refused == 0 ? 0 : 2;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4 && argc != 5) {
        std::cerr << "usage: " << argv[0] << " URL SECRET_FILE COUNT [CA_FILE]\n";
        return 1;
    }
    try {
        return run(argv[1], argv[2], std::stoi(argv[3]), argc == 5 ? argv[4] : "");
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

// The house has floors: a header includes only what stands on its own floor or below, and only the
// rooms for it know Asio, Beast, OpenSSL or curl.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace include_floors_tests {
namespace {

namespace fs = std::filesystem;

/// What a file includes, by the text between the brackets or quotes.
std::vector<std::string> includes_of(fs::path const& file) {
    std::vector<std::string> found;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("#include ")) continue;
        found.push_back(line.substr(10, line.find_last_of(">\"") - 10));
    }
    return found;
}

/// The room that a path below include/cloudflare/ is in.
std::string room_of(std::string_view path) {
    auto const slash = path.find('/');
    if (slash != path.npos) return std::string(path.substr(0, slash));
    return path == "client.hpp" ? "client" : path == "src.hpp" ? "src" : "roof";
}

TEST_CASE("includes go down the floors only") {
    std::map<std::string, std::string> const may_include{
        {"core", "core"},
        {"http", "core http"},
        {"protocol", "core http protocol api"},
        {"api", "core http protocol api"},
        {"transport", "core http transport"},
        {"access", "core http protocol api access"},
        {"client", "core http protocol api transport"},
        {"testing", "core http protocol api access client transport testing"},
        {"roof", "core http protocol api access client transport"},
        {"src", "roof transport"},
    };
    fs::path const root(INCLUDE_DIR "/cloudflare");
    int headers = 0;
    for (auto const& entry : fs::recursive_directory_iterator(root)) {
        if (entry.path().extension() != ".hpp") continue;
        ++headers;
        auto const file = fs::relative(entry.path(), root).generic_string();
        for (auto const& included : includes_of(entry.path())) {
            CAPTURE(file);
            CAPTURE(included);
            bool const ours = included.starts_with("cloudflare/");
            auto const room = ours ? room_of(std::string_view(included).substr(11)) : "";
            if (ours) CHECK(may_include.at(room_of(file)).find(room) != std::string::npos);

            bool const network = included.starts_with("boost/asio") ||
                                 included.starts_with("boost/beast") ||
                                 included.starts_with("openssl/");
            bool const may = file.starts_with("transport/beast") || file == "async_call.hpp" ||
                             file == "offload.hpp" || file == "testing/sandbox_server.hpp" ||
                             file == "testing/scripted_server.hpp" ||
                             file == "testing/full_listener.hpp" || file == "testing/relay.hpp" ||
                             file == "testing/asio_under_test.hpp" ||
                             file == "testing/certificate.hpp";
            if (network) CHECK(may);
            if (included.starts_with("curl/")) CHECK(file.starts_with("transport/curl"));
        }
    }
    CHECK(headers > 40);
}

TEST_CASE("a library that embeds the pure part gets no client and no transport") {
    for (auto const& file : {"access.hpp", "access_src.hpp"})
        for (auto const& included : includes_of(fs::path(INCLUDE_DIR "/cloudflare") / file))
            CHECK(included.find("transport") == std::string::npos);
}

} // namespace
} // namespace include_floors_tests

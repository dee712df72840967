// The layers of include/cloudflare: a header includes only its own layer and those below, and only
// those made for it know Asio, Beast, OpenSSL or curl. What is not for users stands in a `detail`
// or `impl` folder of its layer.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace layers_tests {
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

/// The layer of a path below include/cloudflare/. `async_call` calls a client, and so is above it.
std::string layer_of(std::string_view path) {
    if (path == "transport/async_call.hpp") return "async_call";
    auto const slash = path.find('/');
    if (slash != path.npos) return std::string(path.substr(0, slash));
    return path == "client.hpp" ? "client" : path == "src.hpp" ? "src" : "all";
}

bool is_private(std::string_view path) {
    return path.find("detail/") != path.npos || path.find("impl/") != path.npos;
}

/// Every header of the library, by its path below include/cloudflare/.
std::vector<std::string> all_headers() {
    fs::path const root(INCLUDE_DIR "/cloudflare");
    std::vector<std::string> found;
    for (auto const& entry : fs::recursive_directory_iterator(root))
        if (entry.path().extension() == ".hpp" || entry.path().extension() == ".ipp")
            found.push_back(fs::relative(entry.path(), root).generic_string());
    return found;
}

std::vector<std::string> includes_of(std::string const& header) {
    return includes_of(fs::path(INCLUDE_DIR "/cloudflare") / header);
}

TEST_CASE("includes go down the layers only") {
    std::map<std::string, std::string> const may_include{
        {"core", "core"},
        {"http", "core http"},
        {"json", "core json"},
        {"api", "core http json api"},
        {"transport", "core http transport"},
        {"access", "core http json api access"},
        {"client", "core http json api transport"},
        {"async_call", "client transport"},
        {"server", "core http api access server"},
        {"testing", "core http json api access client transport testing"},
        {"all", "core http json api access client transport"},
        {"src", "all transport"},
    };
    CHECK(all_headers().size() > 150);
    for (auto const& file : all_headers())
        for (auto const& included : includes_of(file)) {
            if (!included.starts_with("cloudflare/")) continue;
            CAPTURE(file);
            CAPTURE(included);
            auto const layer = layer_of(std::string_view(included).substr(11));
            CHECK(may_include.at(layer_of(file)).find(layer) != std::string::npos);
        }
}

TEST_CASE("only the headers made for it know a network library") {
    auto const may_know_asio = [](std::string_view file) {
        std::vector<std::string_view> const public_headers{
            "transport/async_call.hpp",   "access/offload.hpp",
            "access/work_queue.hpp",      "access/any_async_store.hpp",
            "access/sealed_secret.hpp",   "access/postgres_async_store.hpp",
            "testing/sandbox_server.hpp", "testing/asio_under_test.hpp",
            "testing/certificate.hpp"};
        return file.starts_with("transport/beast") || file.starts_with("transport/detail/beast/") ||
               file.starts_with("transport/impl/beast") ||
               file.starts_with("access/detail/postgres/async_") ||
               file == "access/detail/uncancelled.hpp" || file == "access/detail/aes_gcm.hpp" ||
               file.starts_with("testing/detail/") || file.starts_with("server/") ||
               std::find(public_headers.begin(), public_headers.end(), file) !=
                   public_headers.end();
    };
    for (auto const& file : all_headers())
        for (auto const& included : includes_of(file)) {
            CAPTURE(file);
            CAPTURE(included);
            bool const asio = included.starts_with("boost/asio") ||
                              included.starts_with("boost/beast") ||
                              included.starts_with("openssl/");
            if (asio) CHECK(may_know_asio(file));
            if (included.starts_with("curl/"))
                CHECK((file.starts_with("transport/curl") ||
                       file.starts_with("transport/detail/curl/")));
            if (included == "libpq-fe.h") CHECK(file.starts_with("access/detail/postgres/"));
        }
}

TEST_CASE("bodies stand in impl/, and nothing else does") {
    for (auto const& file : all_headers()) {
        CAPTURE(file);
        bool const in_impl = file.find("impl/") != file.npos;
        CHECK(in_impl == file.ends_with(".ipp"));
    }
}

TEST_CASE("a private header is not used by a layer above, but for tests") {
    for (auto const& file : all_headers())
        for (auto const& included : includes_of(file)) {
            if (!included.starts_with("cloudflare/") || !is_private(included)) continue;
            CAPTURE(file);
            CAPTURE(included);
            auto const layer = layer_of(std::string_view(included).substr(11));
            // What the whole library is made of is shared: the bits of these two.
            bool const shared = layer == "core" || layer == "http" || layer_of(file) == "testing";
            CHECK((shared || layer == layer_of(file) || file.ends_with("src.hpp")));
        }
}

TEST_CASE("a library that embeds the pure part gets no client and no transport") {
    for (auto const& file : {"access.hpp", "access_src.hpp"})
        for (auto const& included : includes_of(std::string(file)))
            CHECK(included.find("transport") == std::string::npos);
}

} // namespace
} // namespace layers_tests

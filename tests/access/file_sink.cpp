#include <cloudflare/access/file_sink.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace file_sink_tests {
namespace {

using namespace cloudflare;
using access::file_sink;

access::issued_service_token token(std::string id, std::string_view secret_text) {
    access::issued_service_token t;
    t.id = std::move(id);
    t.client_id = "c.access";
    t.client_secret = secret(secret_text);
    return t;
}

TEST_CASE("a stored token is a file for its owner only, and the sink holds it") {
    auto const path =
        (std::filesystem::temp_directory_path() / ("sink-" + std::to_string(::getpid()))).string();
    file_sink sink(path);
    CHECK_FALSE(sink.holds("id-1").value());
    sink.store(token("id-1", "s3cret")).value();
    CHECK(sink.holds("id-1").value());
    CHECK_FALSE(sink.holds("id").value());
    CHECK_FALSE(sink.holds("").value());
    std::ifstream in(path);
    std::string const text(std::istreambuf_iterator<char>(in), {});
    CHECK(text == "CF_ACCESS_TOKEN_ID=id-1\nCF_ACCESS_CLIENT_ID=c.access\n"
                  "CF_ACCESS_CLIENT_SECRET=s3cret\n");
    CHECK(std::filesystem::status(path).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));

    sink.store(token("id-1", "another")).value();
    CHECK(sink.holds("id-1").value());
    CHECK_FALSE(std::filesystem::exists(path + ".new." + std::to_string(::getpid())));

    auto const other = sink.store(token("id-2", "of another token"));
    REQUIRE(other.has_error());
    CHECK(other.error() == errc::sink_failed);
    CHECK(sink.holds("id-1").value());
    std::filesystem::remove(path);
}

TEST_CASE("a file that cannot be written is an error that names it and shows no secret") {
    auto const stored = file_sink("/no-such-directory/secret").store(token("id", "s3cret"));
    REQUIRE(stored.has_error());
    CHECK(stored.error() == errc::sink_failed);
    CHECK(stored.error().to_string().find("/no-such-directory") != std::string::npos);
    CHECK(stored.error().to_string().find("s3cret") == std::string::npos);
}

} // namespace
} // namespace file_sink_tests

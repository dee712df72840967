#include <cloudflare/server/bearer_hashes.hpp>

#include "../access/scratch.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <optional>
#include <string>

namespace bearer_hashes_tests {
namespace {

using namespace cloudflare;
using server::bearer_hashes;

// printf %s secret | sha256sum
std::string const hash_of_secret =
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

TEST_CASE("a bearer token is known by its hash, whatever the case of scheme and digits") {
    bearer_hashes all;
    auto upper = hash_of_secret;
    for (char& c : upper)
        if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    CHECK(all.add(upper, "web-1"));
    CHECK(all.identity_of("Bearer secret") == "web-1");
    CHECK(all.identity_of("bearer secret") == "web-1");
    for (auto const* const wrong : {"Bearer secret ", "Bearer  secret", "Bearer Secret", "Bearer ",
                                    "Basic secret", "secret", ""})
        CHECK(all.identity_of(wrong) == std::nullopt);
}

TEST_CASE("what is no hash, or nobody's, is not added") {
    bearer_hashes all;
    CHECK_FALSE(all.add(hash_of_secret, ""));
    CHECK_FALSE(all.add(hash_of_secret.substr(1), "a"));
    CHECK_FALSE(all.add(hash_of_secret + "0", "a"));
    CHECK_FALSE(all.add("g" + hash_of_secret.substr(1), "a"));
    CHECK(all.identity_of("Bearer secret") == std::nullopt);
}

TEST_CASE("a file has a hash and an identity a line, and comments") {
    faults::scratch const s;
    auto const file = s.path("hashes");
    std::ofstream(file) << "# whose\n\n" << hash_of_secret << "  web-1 ignored\n#\n";
    CHECK(bearer_hashes::from_file(file).value().identity_of("Bearer secret") == "web-1");

    std::ofstream(file, std::ios::app) << hash_of_secret << '\n';
    auto const wrong = bearer_hashes::from_file(file);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error() == errc::invalid_argument);
    CHECK(wrong.error().details().explanation ==
          file + ":5: must be 64 hexadecimal digits and an identity");
    auto const none = bearer_hashes::from_file(s.path("none"));
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().details().explanation == s.path("none") + ": cannot be read");
}

} // namespace
} // namespace bearer_hashes_tests

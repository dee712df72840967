#include <cloudflare/access/state_directory.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include <sys/stat.h>

namespace state_directory_tests {
namespace {

using namespace cloudflare;
using access::state_directory;
using faults::scratch;

access::sealing_keys keys() {
    return access::sealing_key::make("2026", secret("0123456789abcdefghijklmnopqrstuv")).value();
}
access::intent wanting(std::string key) {
    access::intent i(std::string(32, '1'),
                     access::account_scope::parse(std::string(32, 'a')).value(), key);
    i.key = std::move(key);
    return i;
}
access::issued_service_token token() {
    access::issued_service_token t;
    t.id = "id-1";
    t.client_id = "c.access";
    t.client_secret = secret("the-secret-of-web-1");
    t.client_secret_version = 1;
    return t;
}

TEST_CASE("what a state directory keeps is there when it is opened again, secrets sealed") {
    scratch const s;
    {
        auto state = state_directory::open(s.directory, keys()).value();
        CHECK(state.sink().store(wanting("web-1"), token()).has_value());
        CHECK_FALSE(state.log().insert(wanting("web-2")).value().has_value());
    }
    auto state = state_directory::open(s.directory, keys()).value();
    CHECK(state.sink().read("web-1").value().value().client_secret == token().client_secret);
    CHECK(state.log().list().value().at(0).key == "web-2");
    CHECK(faults::read(s.path("secrets/web-1")).find("the-secret") == std::string::npos);
    struct ::stat secrets{};
    REQUIRE(::stat(s.path("secrets").c_str(), &secrets) == 0);
    CHECK((secrets.st_mode & 0777U) == 0700U);
}

TEST_CASE("a state directory is open once, also after a move, until it is destroyed") {
    scratch const s;
    auto first = std::optional(state_directory::open(s.directory, keys()).value());
    auto const second = state_directory::open(s.directory, keys());
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error() == errc::sink_failed);
    CHECK(second.error().details().explanation ==
          s.directory.string() + ": another process uses it");
    auto moved = std::optional(std::move(*first));
    first.reset();
    CHECK_FALSE(state_directory::open(s.directory, keys()).has_value());
    moved.reset();
    CHECK(state_directory::open(s.directory, keys()).has_value());
}

TEST_CASE("a directory that is missing is an error, and is not made") {
    scratch const s;
    auto const opened = state_directory::open(s.path("none"), keys());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().details().explanation.find(s.path("none")) != std::string::npos);
    CHECK(opened.error().details().cause);
    CHECK(s.entries() == 0);
}

TEST_CASE("the name of the directory of secrets may not be a file's") {
    scratch const s;
    faults::write(s.path("secrets"), "");
    CHECK_FALSE(state_directory::open(s.directory, keys()).has_value());
}

} // namespace
} // namespace state_directory_tests

#include <cloudflare/access/directory_sink.hpp>

#include "faulty_posix.hpp"
#include "scratch.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>

namespace directory_sink_tests {
namespace {

using namespace cloudflare;
using access::directory_sink;
using faults::read;
using faults::scratch;
using faults::write;
namespace fs = std::filesystem;

access::issued_service_token token(std::string id, std::string_view secret_text) {
    access::issued_service_token t;
    t.id = std::move(id);
    t.client_id = "c.access";
    t.client_secret = secret(secret_text);
    t.client_secret_version = 1;
    return t;
}
access::intent wanting(std::string key) {
    access::intent i(std::string(32, '1'),
                     access::account_scope::parse(std::string(32, 'a')).value(), "ci");
    i.key = std::move(key);
    return i;
}

} // namespace

TEST_CASE("each key has a file of its own") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    sink.prepare(wanting("web-1")).value();
    sink.store(wanting("web-1"), token("id-1", "one")).value();
    sink.store(wanting("web-2"), token("id-2", "two")).value();
    CHECK(sink.find("web-1").value().value().token_id == "id-1");
    CHECK(sink.find("web-2").value().value().token_id == "id-2");
    CHECK_FALSE(sink.find("web-3").value().has_value());
    CHECK(sink.secret_of("web-2").value().value().reveal() == "two");
    CHECK_FALSE(sink.secret_of("web-3").value().has_value());
    CHECK(sink.secret_of("").error() == errc::invalid_argument);
    CHECK(read(s.path("web-1")).find("CF_ACCESS_CLIENT_SECRET=one\n") != std::string::npos);
    CHECK(sink.store(wanting("web-1"), token("id-2", "two")).error() == errc::sink_failed);
    CHECK(s.entries() == 2);
}

TEST_CASE("no key leads out of the directory, and no two lead to one file") {
    scratch const s;
    fs::create_directory(s.path("in"));
    directory_sink const sink(s.path("in"));
    int count = 0;
    for (auto const& key :
         {std::string("../out"), std::string("/etc/x"), std::string("a/b"), std::string("."),
          std::string(".."), std::string(".hidden"), std::string("a%2Fb"), std::string("a b"),
          std::string("a\0b", 3), std::string("\xc3\xbc"), std::string("a\nb"), std::string("a"),
          std::string("a.new.0123456789abcdef")}) {
        CAPTURE(key);
        auto const id = "id-" + std::to_string(++count);
        sink.store(wanting(key), token(id, "s3cret")).value();
        CHECK(sink.find(key).value().value().token_id == id);
    }
    int files = 0;
    for (auto const& entry : fs::directory_iterator(s.path("in"))) {
        ++files;
        CHECK_FALSE(entry.path().filename().string().starts_with('.'));
    }
    CHECK(files == count);
    sink.store(wanting("a~z.Z-0_{"), token("id-x", "s3cret")).value();
    CHECK(fs::exists(s.path("in/a%7Ez.Z-0_%7B")));
    CHECK(s.entries() == 1);
}

TEST_CASE("a key that can be no file's name is refused") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    for (auto const& key : {std::string(), std::string(201, 'a'), std::string(70, '/')}) {
        CHECK(sink.prepare(wanting(key)).error() == errc::invalid_argument);
        CHECK(sink.store(wanting(key), token("id", "s3cret")).error() == errc::invalid_argument);
        CHECK(sink.find(key).error() == errc::invalid_argument);
    }
    CHECK(sink.store(wanting(std::string(200, 'a')), token("id", "s3cret")).has_value());
}

TEST_CASE("forget removes the token's file, under whatever key") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    sink.store(wanting("one"), token("id-1", "s3cret")).value();
    sink.store(wanting("two"), token("id-2", "s3cret")).value();
    write(s.path("notes"), "the user's");
    fs::create_directory(s.path("folder"));
    sink.forget("id-2").value();
    sink.forget("id-3").value();
    CHECK(sink.find("one").value().has_value());
    CHECK_FALSE(sink.find("two").value().has_value());
    CHECK(fs::exists(s.path("notes")));
}

TEST_CASE("a missing directory is an error of every function") {
    directory_sink const sink("/no-such-directory");
    CHECK(sink.prepare(wanting("k")).error() == errc::sink_failed);
    CHECK(sink.store(wanting("k"), token("id", "s3cret")).error() == errc::sink_failed);
    CHECK(sink.find("k").error() == errc::sink_failed);
    CHECK(sink.forget("id").error() == errc::sink_failed);
}

TEST_CASE("forget says where a file cannot be read that may be the token's") {
    struct tag {};
    struct unreadable : faults::faulty_posix<tag> {
        static int open(char const* path, int flags, ::mode_t mode) {
            if (std::string_view(path).ends_with("/two")) return errno = EACCES, -1;
            return real::open(path, flags, mode);
        }
    };
    scratch const s;
    directory_sink const sink(s.directory.string());
    sink.store(wanting("one"), token("id-1", "s3cret")).value();
    sink.store(wanting("two"), token("id-2", "s3cret")).value();
    access::basic_directory_sink<unreadable> const half(s.directory.string());
    CHECK(half.forget("id-2").error() == errc::sink_failed);
    CHECK(half.forget("id-1").has_value());
    CHECK(half.find("two").error() == errc::sink_failed);
}

TEST_CASE("list tells all tokens with their keys, and nothing of other files") {
    scratch const s;
    fs::create_directory(s.path("in"));
    directory_sink const sink(s.path("in"));
    CHECK(sink.list().value().empty());
    sink.store(wanting("web 1"), token("id-1", "one")).value();
    sink.store(wanting("a/b"), token("id-2", "two")).value();
    fs::create_directory(s.path("in/sub"));
    std::ofstream(s.path("in/README")) << "no token\n";
    std::ofstream(s.path("in/.hidden")) << "CF_ACCESS_TOKEN_ID=x\nCF_ACCESS_CLIENT_SECRET=y\n";
    std::ofstream(s.path("in/not a key")) << "CF_ACCESS_TOKEN_ID=x\nCF_ACCESS_CLIENT_SECRET=y\n";
    auto const all = sink.list().value();
    REQUIRE(all.size() == 2);
    for (auto const& held : all)
        CHECK(held == sink.find(held.key).value().value());
    CHECK((all[0].key == "web 1" || all[1].key == "web 1"));
    CHECK(directory_sink(s.path("none")).list().error() == errc::sink_failed);
}

} // namespace directory_sink_tests

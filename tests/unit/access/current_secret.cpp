#include <cloudflare/access/current_secret.hpp>
#include <cloudflare/access/file_sink.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace current_secret_tests {
namespace {

using namespace cloudflare;
using access::current_secret;
using access::current_secret_options;
using access::file_sink;
using access::held_token;
using faults::scratch;
using faults::write;
namespace fs = std::filesystem;

/// The secret tells its version.
access::issued_service_token token(std::int64_t version, std::string const& id = "id-1") {
    access::issued_service_token t;
    t.id = id;
    t.client_id = id + ".access";
    t.client_secret = secret("broken-sample-" + std::to_string(version));
    t.client_secret_version = version;
    return t;
}
std::string headers_of(std::string const& version, std::string const& id = "id-1") {
    return "CF-Access-Client-Id: " + id + ".access\r\nCF-Access-Client-Secret: broken-sample-" +
           version + "\r\n";
}
std::string lines_of(std::string const& version) {
    return "CF_ACCESS_CLIENT_ID=id-1.access\nCF_ACCESS_CLIENT_SECRET=broken-sample-" + version +
           "\n";
}
std::string given(current_secret& current) {
    auto const fields = current.headers();
    REQUIRE_MESSAGE(fields.has_value(), fields.error().to_string());
    return std::string(fields->wire_format());
}
template <class T>
std::string reason(result<T> const& r, std::string const& path) {
    REQUIRE(r.has_error());
    CHECK(r.error() == errc::secret_unreadable);
    auto const line = r.error().to_string();
    CHECK(line.find(path) != line.npos);
    CHECK(line.find("broken") == line.npos);
    return line;
}

http::response refusal() {
    http::response r{.status = 302};
    r.fields.add("Location", "https://team.cloudflareaccess.com/cdn-cgi/access/login/a").value();
    return r;
}

} // namespace

TEST_CASE("a secret is given as headers, and its successor as soon as it is stored") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(token(1)).value();
    current_secret current(s.path());
    for (int i = 0; i != 2; ++i)
        CHECK(given(current) == headers_of("1"));
    auto const held = current.get().value();
    CHECK(held.token.token_id == "id-1");
    CHECK(held.token.client_id == "id-1.access");
    CHECK(held.token.version == 1);
    CHECK(held.token.since == sink.find().value()->since);
    CHECK(held.client_secret == secret(std::string_view("broken-sample-1")));
    for (int version = 2; version != 12; ++version) {
        sink.store(token(version)).value();
        CHECK(given(current) == headers_of(std::to_string(version)));
    }
    sink.forget("id-1").value();
    sink.store(token(1, "id-2")).value();
    CHECK(given(current) == headers_of("1", "id-2"));
}

TEST_CASE("a file that is written in place is noticed, its size and time the same too") {
    scratch const s;
    write(s.path(), lines_of("1"));
    struct ::stat before{};
    REQUIRE(::stat(s.path().c_str(), &before) == 0);
    current_secret current(s.path());
    CHECK(given(current) == headers_of("1"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // the file system's clock
    write(s.path(), lines_of("2"));
    struct ::timespec const times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, s.path().c_str(), times, 0) == 0);
    CHECK(given(current) == headers_of("2"));
}

TEST_CASE("a link that is led to another file is followed") {
    scratch const s;
    write(s.path("1"), lines_of("1"));
    write(s.path("2"), lines_of("2"));
    fs::create_symlink("1", s.path());
    current_secret current(s.path());
    CHECK(given(current) == headers_of("1"));
    fs::create_symlink("2", s.path("next"));
    fs::rename(s.path("next"), s.path());
    CHECK(given(current) == headers_of("2"));
}

TEST_CASE("what is in use is given until there is something better") {
    scratch const s;
    write(s.path(), lines_of("1"));
    current_secret current(s.path());
    CHECK(given(current) == headers_of("1"));
    auto const expect_kept = [&] {
        CHECK(given(current) == headers_of("1"));
        reason(current.refused(), s.path());
    };
    auto const whole = lines_of("2");
    for (std::size_t size = 0; size != whole.size(); ++size) { // written bit by bit
        write(s.path(), whole.substr(0, size));
        expect_kept();
    }
    for (auto const& other :
         {std::string("{"), std::string("{}"), std::string("broken-secret\n"),
          std::string("CF_ACCESS_CLIENT_ID=\nCF_ACCESS_CLIENT_SECRET=broken\n"),
          std::string("CF_ACCESS_CLIENT_ID=a\nCF_ACCESS_CLIENT_SECRET=\n"),
          std::string("CF_ACCESS_CLIENT_ID=a\nCF_ACCESS_CLIENT_SECRET=broken\r\n"),
          std::string("CF_ACCESS_CLIENT_ID=a\nCF_ACCESS_CLIENT_SECRET=broken\0\n", 50),
          whole + std::string(1024 * 1024, '#')}) {
        write(s.path(), other);
        expect_kept();
    }
    fs::remove(s.path());
    expect_kept();
    fs::create_directory(s.path());
    expect_kept();
    fs::remove(s.path());
    REQUIRE(::mkfifo(s.path().c_str(), 0600) == 0); // which nobody writes to
    expect_kept();
    fs::remove(s.path());
    write(s.path(), lines_of("2"));
    CHECK(given(current) == headers_of("2"));
}

TEST_CASE("without anything read an error names the file, and nothing of what it holds") {
    scratch const s;
    current_secret current(s.path());
    reason(current.get(), s.path());
    reason(current.headers(), s.path());
    CHECK(current.refused().value() == false); // nothing was given
    write(s.path(), "CF_ACCESS_CLIENT_SECRET=broken-sample\n");
    CHECK(reason(current.headers(), s.path()).find("no client id") != std::string::npos);
    write(s.path(), lines_of("1"));
    CHECK(given(current) == headers_of("1"));
}

TEST_CASE("after a refusal the newer secret is told, once it is there") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(token(1)).value();
    current_secret current(s.path());
    CHECK(given(current) == headers_of("1"));
    CHECK(current.refused().value() == false);
    sink.store(token(2)).value();
    CHECK(current.refused().value() == true);
    CHECK(current.refused().value() == true); // still of what was given
    CHECK(given(current) == headers_of("2"));
    CHECK(current.refused().value() == false);
}

TEST_CASE("of several requests under way each is told by the secret that it used") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(token(1)).value();
    current_secret current(s.path());
    auto const first = current.get().value(), also_first = current.get().value();
    sink.store(token(2)).value();
    auto const second = current.get().value();
    CHECK(current.refused(first).value() == true);
    CHECK(current.refused(also_first).value() == true); // though the newer one was read long ago
    CHECK(current.refused(second).value() == false);
    auto other_token = second;
    other_token.token.client_id = "id-2.access";
    CHECK(current.refused(other_token).value() == true);
}

TEST_CASE("JSON and a secret alone are read, too") {
    scratch const s;
    current_secret current(s.path(), current_secret_options().client_id("id-1.access"));
    write(s.path(), "\n{\"id\":\"id-9\",\"client_id\":\"id-9.access\","
                    "\"client_secret\":\"broken-sample-3\",\"client_secret_version\":3}\n");
    CHECK(given(current) == headers_of("3", "id-9"));
    CHECK(current.get()->token.version == 3);
    CHECK(current.get()->token.token_id == "id-9");
    write(s.path(), "broken-sample-4\n");
    CHECK(given(current) == headers_of("4"));
    write(s.path(), "broken-sample-5");
    CHECK(given(current) == headers_of("5"));
    write(s.path(), "A=1\n" + lines_of("6") + "B=2");
    CHECK(given(current) == headers_of("6"));
    current_secret alone(s.path());
    for (auto const* wrong : {"broken-sample-4\n", "{\"client_secret\":\"broken\"}",
                              "{\"client_id\":\"a\",\"client_secret\":\"*******\"}"}) {
        write(s.path(), wrong);
        reason(alone.get(), s.path());
    }
    write(s.path(), "broken sample of two\nlines\n");
    CHECK(given(current) == headers_of("6"));
}

TEST_CASE("a sealed secret is opened, and without an opener an error") {
    scratch const s;
    auto sealed = token(7);
    sealed.client_secret = secret(std::string_view("sealed:v1:k:broken"));
    file_sink(s.path()).store(sealed).value();
    CHECK(reason(current_secret(s.path()).get(), s.path()).find("is sealed") != std::string::npos);

    bool opens = false;
    current_secret current(
        s.path(), current_secret_options().open([&](held_token const& held, secret const& string) {
            CHECK(held.token_id == "id-1");
            CHECK(held.client_id == "id-1.access");
            CHECK(held.version == 7);
            CHECK(string == sealed.client_secret);
            return opens ? result<secret>(secret(std::string_view("broken-sample-7")))
                         : error(errc::secret_unreadable, s.path() + ": no key");
        }));
    CHECK(reason(current.get(), s.path()).find("no key") != std::string::npos);
    opens = true;
    CHECK(given(current) == headers_of("7"));
}

TEST_CASE("a request that Access refuses is sent once more where a newer secret is there") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(token(1)).value();
    current_secret current(s.path());
    std::vector<std::string> sent;
    std::int64_t stored = 1;
    // Secrets below `valid` are refused; where `rotates`, the next one is stored meanwhile.
    auto const call = [&](int valid, bool rotates) {
        sent.clear();
        return send_with(current, [&](http::headers const& fields) -> result<http::response> {
            sent.emplace_back(fields.wire_format());
            auto const used = std::stoi(sent.back().substr(sent.back().rfind('-') + 1));
            if (rotates) sink.store(token(++stored)).value();
            return used < valid ? refusal() : http::response{.status = 200};
        });
    };
    CHECK(call(1, true)->status == 200);
    CHECK(sent.size() == 1);
    CHECK(call(2, false)->status == 200);
    CHECK(sent == std::vector{headers_of("2")});
    CHECK(call(3, true)->status == 200);
    CHECK(sent == std::vector{headers_of("2"), headers_of("3")});
    CHECK(stored == 4);
    CHECK(access::is_access_refusal(call(99, false).value())); // no newer one
    CHECK(sent == std::vector{headers_of("4")});
    CHECK(
        access::is_access_refusal(call(99, true).value())); // a newer one each time: once more only
    CHECK(sent == std::vector{headers_of("4"), headers_of("5")});
}

TEST_CASE("what the application says, and a failure, is not sent again") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(token(1)).value();
    current_secret current(s.path());
    int sent = 0;
    auto const own = send_with(current, [&](http::headers const&) -> result<http::response> {
        sink.store(token(++sent + 1)).value();
        return http::response{.status = 401};
    });
    CHECK(own->status == 401);
    CHECK(sent == 1);
    auto const failed = send_with(current, [&](http::headers const&) -> result<http::response> {
        sink.store(token(++sent + 1)).value();
        return error(errc::connection_lost);
    });
    CHECK(failed.error() == errc::connection_lost);
    CHECK(sent == 2);
    current_secret none(s.path("none"));
    reason(send_with(none,
                     [&](http::headers const&) -> result<http::response> {
                         return ++sent, http::response{.status = 200};
                     }),
           s.path("none"));
    CHECK(sent == 2);
}

TEST_CASE("threads read whole secrets, never an older one than before, while others are stored") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(token(1)).value();
    current_secret current(s.path());
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0, seen = 0;
    std::vector<std::thread> readers;
    for (int n = 0; n != 3; ++n)
        readers.emplace_back([&] {
            for (std::int64_t last = 0; !done;) {
                auto const held = current.get();
                if (!held || held->token.version < last ||
                    held->client_secret != token(held->token.version).client_secret) {
                    ++wrong;
                } else {
                    last = held->token.version;
                    ++seen;
                }
            }
        });
    for (int version = 2; version != 100; ++version)
        sink.store(token(version)).value();
    while (seen == 0)
        std::this_thread::yield();
    done = true;
    for (auto& r : readers)
        r.join();
    CHECK(wrong == 0);
    CHECK(current.get()->token.version == 99);
}

} // namespace current_secret_tests

#include <cloudflare/access/directory_sink.hpp>

#include "faulty_posix.hpp"
#include "scratch.hpp"
#include "stored_token.hpp"

#include <cloudflare/access/file_sink.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>

namespace directory_sink_tests {
namespace {

using namespace cloudflare;
using access::directory_sink;
using faults::read;
using faults::scratch;
using faults::write;
using stored_tokens::by_key::token;
using stored_tokens::by_key::wanting;
namespace fs = std::filesystem;

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

/// Stores wait in their first flush of a file until `wanted` of them are there, or `patience` is
/// over.
struct meeting {
    static inline std::mutex mutex;
    static inline std::condition_variable changed;
    static inline int wanted = 0, inside = 0, most = 0;
    static inline std::chrono::milliseconds patience{0};

    static void begin(int count, std::chrono::milliseconds span) {
        wanted = count, inside = most = 0, patience = span;
    }
    static void meet() {
        std::unique_lock lock(mutex);
        most = std::max(most, ++inside);
        changed.notify_all();
        changed.wait_for(lock, patience, [] { return most >= wanted; });
        --inside;
    }
};
struct meeting_posix : access::detail::posix {
    static int sync(int descriptor) {
        struct ::stat s{};
        if (::fstat(descriptor, &s) == 0 && S_ISREG(s.st_mode)) meeting::meet();
        return posix::sync(descriptor);
    }
};

TEST_CASE("stores of different keys run side by side") {
    scratch const s;
    access::basic_directory_sink<meeting_posix> const sink(s.directory.string());
    meeting::begin(4, std::chrono::seconds(60)); // which pass only if one waits for another
    std::vector<std::thread> threads;
    std::atomic<int> stored = 0;
    for (auto const* key : {"one", "two", "three", "four"})
        threads.emplace_back([&, key] {
            if (sink.store(wanting(key), token(std::string("id-") + key, "s3cret"))) ++stored;
        });
    for (auto& t : threads)
        t.join();
    CHECK(meeting::most == 4);
    CHECK(stored == 4);
    CHECK(s.entries() == 4); // nothing is left beside them
}

TEST_CASE("stores of one key run one at a time, of several sinks and processes") {
    scratch const s;
    using sink_type = access::basic_directory_sink<meeting_posix>;
    sink_type const sink(s.directory.string()), other(s.directory.string());
    meeting::begin(2, std::chrono::milliseconds(50)); // which pass: nobody comes
    std::vector<std::thread> threads;
    std::atomic<int> stored = 0;
    for (int n = 0; n != 4; ++n)
        threads.emplace_back([&, n] {
            auto t = token("id-1", "s3cret");
            t.client_secret_version = n + 1;
            if ((n % 2 == 0 ? sink : other).store(wanting("one"), t)) ++stored;
        });
    for (auto& t : threads)
        t.join();
    CHECK(meeting::most == 1);
    CHECK(stored >= 1);
    CHECK(sink.find("one").value()->version == 4); // the lower ones came before, or were refused
    CHECK(s.entries() == 1);

    auto const child = ::fork();
    if (child == 0) {
        int stores = 0;
        for (int n = 0; n != 200; ++n)
            stores += directory_sink(s.directory.string()).store(wanting("two"), token("id-2", "x"))
                          ? 1
                          : 0;
        ::_exit(stores == 200 ? 0 : 1);
    }
    for (int n = 0; n != 200; ++n)
        CHECK(directory_sink(s.directory.string()).store(wanting("two"), token("id-2", "x")));
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(s.entries() == 2);
}

TEST_CASE("a store and a writer that locks the whole directory exclude each other") {
    scratch const s;
    directory_sink const sink(s.directory.string(), std::chrono::milliseconds(30));
    int const whole = ::open(s.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(::flock(whole, LOCK_EX) == 0); // as `file_sink` does
    auto const stored = sink.store(wanting("one"), token("id-1", "s3cret"));
    CHECK(stored.error() == errc::sink_failed);
    CHECK(stored.error().to_string().find("lock") != std::string::npos);
    REQUIRE(::flock(whole, LOCK_SH) == 0);
    CHECK(sink.store(wanting("one"), token("id-1", "s3cret")).has_value());
    access::file_sink const one(s.path("two"), std::chrono::milliseconds(30));
    CHECK(one.store(token("id-2", "s3cret")).has_error());
    ::close(whole);
    CHECK(one.store(token("id-2", "s3cret")).has_value());
}

TEST_CASE("what a writer that died left of its lock stops nobody") {
    scratch const s;
    directory_sink const sink(s.directory.string(), std::chrono::milliseconds(30));
    write(s.path(".one.new.lock"), ""); // of a process that was killed
    CHECK(sink.store(wanting("one"), token("id-1", "s3cret")).has_value());
    CHECK(s.entries() == 1);

    int const lock = ::open(s.path(".one.new.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(::flock(lock, LOCK_EX) == 0);
    auto const stored = sink.store(wanting("one"), token("id-1", "s3cret"));
    CHECK(stored.error() == errc::sink_failed);
    CHECK(stored.error().to_string().find("lock") != std::string::npos);
    CHECK(sink.store(wanting("two"), token("id-2", "s3cret")).has_value());
    ::close(lock);

    fs::remove(s.path(".one.new.lock"));
    fs::create_directory(s.path(".one.new.lock")); // what cannot be a lock: the directory is locked
    CHECK(sink.store(wanting("one"), token("id-1", "s3cret")).has_value());
}

TEST_CASE("whichever system call of a store in a directory fails, the file is whole, old or new") {
    struct tag {};
    using faulty = faults::faulty_posix<tag>;
    for (bool const replaces : {false, true})
        for (bool const all_after : {false, true}) {
            int n = 1;
            for (bool failed = true; failed; ++n) {
                CAPTURE(n);
                scratch const s;
                directory_sink const real(s.directory.string());
                if (replaces) real.store(wanting("one"), token("id-1", "old")).value();
                auto fresh = token("id-1", "new");
                fresh.client_secret_version = 2;
                faulty::reset();
                faulty::fail_at = n;
                faulty::all_after = all_after;
                auto const stored = access::basic_directory_sink<faulty>(s.directory.string())
                                        .store(wanting("one"), fresh);
                failed = faulty::calls >= n;
                faulty::reset();
                auto const held = real.secret_of("one").value();
                if (stored) CHECK((held && held->reveal() == "new"));
                if (replaces) CHECK(held.has_value());
                if (held) CHECK((held->reveal() == "new" || held->reveal() == "old"));
                real.store(wanting("one"), fresh).value(); // nothing is in its way
                CHECK(s.entries() == 1);
            }
            CHECK(n > 10);
        }
}

} // namespace directory_sink_tests

// Names of keys, the order of entries, and locks in a directory of secrets, where each system call may fail.
#include <cloudflare/access/directory_sink.hpp>

#include "scratch.hpp"
#include "stored_token.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace secret_directory_tests {
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

TEST_CASE("a byte of a key is as it is in the file's name, or two digits of it") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    CHECK(sink.path() == s.directory.string());
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (int byte = 0; byte != 256; ++byte) {
        CAPTURE(byte);
        char const c = static_cast<char>(byte);
        char digits[4];
        std::snprintf(digits, sizeof digits, "%%%02X", static_cast<unsigned>(byte));
        bool const is_plain = plain.find(c) != plain.npos;
        auto const begins = is_plain && c != '.' ? std::string(1, c) : std::string(digits);
        auto const name = begins + 'x' + (is_plain ? std::string(1, c) : std::string(digits));
        write(s.path(name), "CF_ACCESS_TOKEN_ID=id\nCF_ACCESS_CLIENT_SECRET=s\n");
        auto const key = std::string(1, c) + 'x' + std::string(1, c);
        auto const held = sink.find(key).value();
        REQUIRE(held.has_value());
        CHECK(held->key == key);
        CHECK(sink.list().value() == std::vector{*held});
        fs::remove(s.path(name));
    }
}

TEST_CASE("a key of too many bytes or none is refused with the rule") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    for (auto const& key : {std::string(), std::string(201, 'a'), std::string(67, '/')}) {
        for (auto const& e : {sink.prepare(wanting(key)).error(),
                              sink.store(wanting(key), token("id", "x")).error(),
                              sink.find(key).error(), sink.secret_of(key).error()}) {
            CHECK(e == errc::invalid_argument);
            CHECK(e.details().explanation == "key: must have from 1 to 200 bytes as a file's name");
        }
    }
    for (auto const& key : {std::string(200, 'a'), std::string(66, '/') + "ab", std::string("a")})
        CHECK(sink.prepare(wanting(key)).has_value());
    CHECK(s.entries() == 0);
}

/// Lists what it is told, in that order.
struct ordered_posix : access::detail::posix {
    static inline std::vector<std::string> order{};
    static inline int failure = 0;
    static inline std::string unreadable{};
    static int list(char const* path, std::vector<std::string>& names) {
        if (!std::string_view(path).ends_with("/in")) return posix::list(path, names);
        names = order;
        return failure != 0 ? (errno = failure, -1) : 0;
    }
    static int open(char const* path, int flags, ::mode_t mode) {
        bool const is_it = !unreadable.empty() && std::string_view(path).ends_with(unreadable);
        return is_it ? (errno = EACCES, -1) : posix::open(path, flags, mode);
    }
};

TEST_CASE("what is no token's file, or cannot be one, hides none behind it") {
    scratch const s;
    fs::create_directory(s.path("in"));
    using ordered = access::basic_directory_sink<ordered_posix>;
    ordered const sink(s.path("in"));
    ordered_posix::failure = 0, ordered_posix::unreadable = "";
    directory_sink const real(s.path("in"));
    real.store(wanting("one"), token("id-1", "one")).value();
    real.store(wanting("two"), token("id-2", "two")).value();
    auto const text = read(s.path("in/two"));
    write(s.path("in/.two"), text); // no key's: it begins with a dot
    write(s.path("in/%zz"), text);  // no key's: it has no such digits
    write(s.path("in/notes"), "no token");
    fs::create_directory(s.path("in/folder"));
    std::vector<std::string> const others = {"..", ".", ".two", "%zz", "notes", "folder", "none"};
    for (auto const& other : others) {
        CAPTURE(other);
        ordered_posix::order = {"one", other, "two"};
        auto const all = sink.list().value();
        REQUIRE(all.size() == 2);
        CHECK(all[0].key == "one");
        CHECK(all[0] == real.find("one").value());
        CHECK(all[1] == real.find("two").value());
        CHECK(sink.forget("id-9").has_value());
        ordered_posix::order = {other, "one", "two"};
        if (other == "%zz") continue; // to forget, any file will do
        auto const rewritten =
            sink.rewrite("id-2", [](access::held_token const& held, secret const& old) {
                CHECK(held.token_id == "id-2");
                return result<secret>(old);
            });
        CHECK(rewritten.has_value());
        CHECK(sink.forget("id-2").has_value());
        CHECK_FALSE(real.find("two").value().has_value());
        CHECK(real.find("one").value().has_value());
        CHECK(read(s.path("in/.two")) == text);
        real.store(wanting("two"), token("id-2", "two")).value();
    }
}

TEST_CASE("a file that cannot be read is an error of list, and of forget where it may be the one") {
    scratch const s;
    fs::create_directory(s.path("in"));
    using ordered = access::basic_directory_sink<ordered_posix>;
    ordered const sink(s.path("in"));
    directory_sink const real(s.path("in"));
    for (auto const* key : {"one", "two", "three"})
        real.store(wanting(key), token(std::string("id of ") + key, "s3cret")).value();
    auto const change = [](access::held_token const&, secret const&) {
        return result<secret>(secret(std::string_view("anew")));
    };
    ordered_posix::failure = 0, ordered_posix::unreadable = "/two";
    ordered_posix::order = {"one", "two", "three"};
    for (auto const& e : {sink.list().error(), sink.forget("id of two").error(),
                          sink.rewrite("id of two", change).error()}) {
        CHECK(e == errc::sink_failed);
        CHECK(e.details().cause.value() == EACCES);
        CHECK(e.details().explanation == s.path("in/two"));
    }
    CHECK(sink.rewrite("id of three", change).has_value());
    CHECK(real.secret_of("three").value()->reveal() == "anew");
    CHECK(real.secret_of("one").value()->reveal() == "s3cret");
    CHECK(sink.forget("id of three").has_value());
    CHECK_FALSE(real.find("three").value().has_value());

    ordered_posix::failure = EIO, ordered_posix::unreadable = "";
    for (auto const& e : {sink.list().error(), sink.forget("id of two").error(),
                          sink.rewrite("id of two", change).error()}) {
        CHECK(e == errc::sink_failed);
        CHECK(e.details().cause.value() == EIO);
        CHECK(e.details().explanation == s.path("in"));
    }
    CHECK(real.find("two").value().has_value());
    ordered_posix::failure = 0;
}

TEST_CASE("a secret is given under its own key, and as nothing under another's") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    sink.store(wanting("one"), token("id-1", "s3cret")).value();
    fs::copy_file(s.path("one"), s.path("two")); // says that it is of the key one
    CHECK(sink.secret_of("one").value()->reveal() == "s3cret");
    CHECK_FALSE(sink.secret_of("two").value().has_value());
    write(s.path("three"), "CF_ACCESS_TOKEN_ID=id-3\nCF_ACCESS_CLIENT_SECRET=by hand\n");
    CHECK(sink.secret_of("three").value()->reveal() == "by hand");
    CHECK(directory_sink(s.path("none")).secret_of("one").error() == errc::sink_failed);
}

TEST_CASE("the lock of a key stands while its file is written, and ends before the directory is "
          "flushed") {
    scratch const s;
    static std::string lock_path;
    static int files, directories;
    struct watched : access::detail::posix {
        static int sync(int d) {
            struct ::stat status{};
            REQUIRE(::fstat(d, &status) == 0);
            bool const is_file = S_ISREG(status.st_mode);
            ++(is_file ? files : directories);
            CHECK(fs::exists(lock_path) == is_file);
            return 0;
        }
    };
    lock_path = s.path(".one.new.lock");
    files = directories = 0;
    access::basic_directory_sink<watched> const sink(s.directory.string());
    sink.store(wanting("one"), token("id-1", "s3cret")).value();
    CHECK(files == 1);
    CHECK(directories == 1);
    sink.forget("id-1").value();
    CHECK(directories == 2);
}

TEST_CASE("a store in a directory without locks, or where none can be made, is made all the same") {
    static int why;
    static bool is_named_only;
    struct unlocked : access::detail::posix {
        static int lock(int d, int operation) {
            struct ::stat status{};
            bool const fails =
                !is_named_only || (::fstat(d, &status) == 0 && S_ISREG(status.st_mode));
            return fails ? (errno = why, -1) : posix::lock(d, operation);
        }
    };
    for (bool const named : {false, true})
        for (int const reason : {ENOLCK, EIO}) {
            CAPTURE(named);
            CAPTURE(reason);
            scratch const s;
            why = reason, is_named_only = named;
            access::basic_directory_sink<unlocked> const sink(s.directory.string());
            write(s.path(".one.new.0123456789abcdef"), "left over");
            CHECK(sink.store(wanting("one"), token("id-1", "s3cret")).has_value());
            CHECK(sink.secret_of("one").value()->reveal() == "s3cret");
            // Only who has a lock may sweep: here that of the whole directory.
            CHECK(fs::exists(s.path(".one.new.0123456789abcdef")) == !named);
            CHECK_FALSE(fs::exists(s.path(".one.new.lock")));
        }
}

TEST_CASE("stores of one key sweep what dead ones of that key left") {
    scratch const s;
    directory_sink const sink(s.directory.string());
    write(s.path(".one.new.0123456789abcdef"), "left over");
    write(s.path(".two.new.0123456789abcdef"), "another's, perhaps at work");
    write(s.path(".two.new.lock"), "");
    sink.store(wanting("one"), token("id-1", "s3cret")).value();
    CHECK_FALSE(fs::exists(s.path(".one.new.0123456789abcdef")));
    CHECK(fs::exists(s.path(".two.new.0123456789abcdef")));
    CHECK(fs::exists(s.path(".two.new.lock")));
}

} // namespace secret_directory_tests

// What a file sink refuses, says, sweeps and leaves alone, where each system call may fail.
#include <cloudflare/access/file_sink.hpp>

#include "faulty_posix.hpp"
#include "scratch.hpp"
#include "stored_token.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace secret_file_tests {
namespace {

using namespace cloudflare;
using access::file_sink;
using faults::read;
using faults::scratch;
using faults::write;
using stored_tokens::text_of;
using stored_tokens::token;
using stored_tokens::wanting;
namespace fs = std::filesystem;

struct tag {};
using faulty = faults::faulty_posix<tag>;
using faulty_sink = access::basic_file_sink<faulty>;

} // namespace

TEST_CASE("what a store refuses is said with the path, and nothing was sent") {
    scratch const s;
    auto const expect = [&](result<void> const& done, std::string const& why) {
        REQUIRE(done.has_error());
        CHECK(done.error() == errc::sink_failed);
        CHECK(done.error().details().explanation == s.path() + ": " + why);
        CHECK(done.error().delivery() == delivery::not_sent);
        CHECK_FALSE(done.error().details().cause);
    };
    file_sink const sink(s.path());
    CHECK(sink.path() == s.path());
    for (auto const part : {0, 1, 2})
        for (std::string const bad : {"a\nb", "a\xff"}) {
            auto t = token("id-1", "s3cret");
            if (part == 0) t.id = bad;
            if (part == 1) t.client_id = bad;
            if (part == 2) t.client_secret = secret(bad);
            expect(sink.store(wanting(), t),
                   bad == "a\nb" ? "the token has a control character, which would break a line"
                                 : "cannot hold this token: it is not UTF-8");
        }
    CHECK(s.entries() == 0);
    sink.store(wanting(), token("id-1", "second", 2)).value();
    expect(sink.store(wanting(), token("id-1", "first", 1)), "holds a later secret of id-1");
    expect(sink.store(wanting(), token("id-2", "other", 3)), "holds the token id-1");
    expect(sink.prepare(wanting("id-2")), "holds the token id-1");
    expect(sink.replacing("id-3").prepare(wanting("id-2")), "holds the token id-1");
    write(s.path(), "notes");
    expect(sink.prepare(wanting()), "exists, and holds no token");
    fs::remove(s.path());
    REQUIRE(::mkfifo(s.path().c_str(), 0600) == 0);
    expect(sink.prepare(wanting()), "is no regular file");
    CHECK(sink.find().error().details().explanation == s.path() + ": is no regular file");
}

TEST_CASE("a token without a version may be stored again, and of one with, the same version") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(wanting(), token("id-1", "first")).value();
    CHECK(sink.store(wanting(), token("id-1", "another")).has_value());
    CHECK(sink.store(wanting(), token("id-1", "least", 0)).has_value());
    CHECK(sink.store(wanting(), token("id-1", "of a version", 1)).has_value());
    CHECK(sink.store(wanting(), token("id-1", "the same", 1)).has_value());
    CHECK(sink.store(wanting(), token("id-1", "of no version")).has_error());
    CHECK(read(s.path()).find("the same") != std::string::npos);
}

TEST_CASE("prepare tries a file somewhat larger than what is there") {
    scratch const s;
    faulty::reset();
    faulty_sink const sink(s.path());
    sink.prepare(wanting()).value();
    CHECK(faulty::bytes_written == 1024);
    auto const text = text_of("id-1", "old");
    write(s.path(), text);
    faulty::reset();
    sink.prepare(wanting("id-1")).value();
    CHECK(faulty::bytes_written == text.size() + 1024);
    faulty::is_mounted = true; // what is not there is no mount point
    CHECK(faulty_sink(s.path("none")).prepare(wanting()).has_value());
    auto const mounted = sink.prepare(wanting("id-1"));
    CHECK(mounted.error().details().explanation ==
          s.path() + ": is a mount point, which cannot be replaced");
    faulty::reset();
}

TEST_CASE("the same secret again is flushed, not written") {
    scratch const s;
    faulty::reset();
    faulty_sink const sink(s.path());
    sink.store(wanting(), token("id-1", "s3cret", 1)).value();
    struct ::stat was{}, is{};
    REQUIRE(::stat(s.path().c_str(), &was) == 0);
    faulty::reset();
    sink.store(wanting(), token("id-1", "s3cret", 1)).value();
    REQUIRE(::stat(s.path().c_str(), &is) == 0);
    CHECK(was.st_ino == is.st_ino);
    CHECK(faulty::bytes_written == 0);
    CHECK(faulty::syncs == 1);
    faulty::reset();
}

TEST_CASE("forget flushes the directory, and says what it could not do") {
    scratch const s;
    for (bool const of_unlink : {true, false}) {
        write(s.path(), text_of("id-1", "s3cret"));
        static bool fails_unlink;
        fails_unlink = of_unlink;
        struct broken : faults::faulty_posix<tag> {
            static int unlink(char const* path) {
                bool const is_file = std::string_view(path).ends_with("/file");
                return is_file && fails_unlink ? (errno = EPERM, -1) : real::unlink(path);
            }
            static int sync(int) { return errno = EIO, -1; }
        };
        auto const forgotten = access::basic_file_sink<broken>(s.path()).forget("id-1");
        CHECK(forgotten.error() == errc::sink_failed);
        CHECK(forgotten.error().details().explanation == s.path());
        CHECK(forgotten.error().details().cause.value() == (of_unlink ? EPERM : EIO));
        CHECK(fs::exists(s.path()) == of_unlink);
    }
    faulty::reset();
    write(s.path(), text_of("id-1", "s3cret"));
    faulty_sink(s.path()).forget("id-2").value();
    CHECK(faulty::syncs == 0);
    faulty_sink(s.path()).forget("id-1").value();
    CHECK(faulty::syncs == 1);
    faulty::reset();
}

TEST_CASE("a file is held from its last change on, under the key that it records") {
    scratch const s;
    file_sink const sink(s.path());
    struct ::timespec const earlier[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
    struct {
        std::string lines, key;
    } const cases[] = {{"", ""},
                       {"CF_ACCESS_TOKEN_TAG=t\n", "t"},
                       {"CF_ACCESS_TOKEN_KEY=a%20b\n", "a b"},
                       {"CF_ACCESS_TOKEN_TAG=t\nCF_ACCESS_TOKEN_KEY=a%20b\n", "a b"},
                       {"CF_ACCESS_TOKEN_KEY=a%2\n", ""}};
    for (auto const& c : cases) {
        CAPTURE(c.lines);
        write(s.path(), text_of("id-1", "s3cret") + c.lines);
        REQUIRE(::utimensat(AT_FDCWD, s.path().c_str(), earlier, 0) == 0);
        auto const held = sink.find().value().value();
        CHECK(held.key == c.key);
        CHECK(held.since ==
              timestamp(std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))));
        // Without a tag no issue wrote it: it may be any key's.
        bool const has_tag = c.lines.find("TAG") != std::string::npos;
        CHECK(sink.find(c.key).value().has_value());
        CHECK(sink.find("another").value().has_value() == !has_tag);
        CHECK(sink.find("t").value().has_value() == (!has_tag || c.key == "t"));
    }
}

TEST_CASE("a secret without a version is written anew without one") {
    scratch const s;
    auto const change = [](auto const&, auto const&) {
        return result<secret>(secret(std::string_view("fr3sh")));
    };
    write(s.path(), text_of("id-1", "old"));
    file_sink(s.path()).rewrite("id-1", change).value();
    CHECK(read(s.path()) == text_of("id-1", "fr3sh"));
    write(s.path(), text_of("id-1", "old") + "CF_ACCESS_CLIENT_SECRET_VERSION=1\n");
    file_sink(s.path()).rewrite("id-1", change).value();
    CHECK(read(s.path()) == text_of("id-1", "fr3sh") + "CF_ACCESS_CLIENT_SECRET_VERSION=1\n");
}

TEST_CASE("a rewrite sets the time of the file's change, a store does not") {
    scratch const s;
    static int changes;
    static bool is_refused;
    struct timed : faults::faulty_posix<tag> {
        static int change_time(char const* path, std::time_t changed) {
            ++changes;
            if (is_refused) return errno = EPERM, -1;
            return real::change_time(path, changed);
        }
    };
    changes = 0, is_refused = true;
    access::basic_file_sink<timed> const sink(s.path());
    sink.store(wanting(), token("id-1", "first", 1)).value();
    sink.store(wanting(), token("id-1", "old", 2)).value();
    CHECK(changes == 0);
    auto const change = [](auto const&, auto const&) {
        return result<secret>(secret(std::string_view("fr3sh")));
    };
    auto const before = read(s.path());
    CHECK(sink.rewrite("id-1", change).error().details().cause.value() == EPERM);
    CHECK(read(s.path()) == before);
    CHECK(s.entries() == 1);
    is_refused = false;
    CHECK(sink.rewrite("id-1", change).has_value());
    CHECK(changes == 2);
}

TEST_CASE("without a lock nothing is swept, for it may be another writer's") {
    for (int const reason : {0, ENOLCK, EIO}) {
        CAPTURE(reason);
        scratch const s;
        static int why;
        why = reason;
        struct unlocked : faults::faulty_posix<tag> {
            static int lock(int d, int operation) {
                return why != 0 ? (errno = why, -1) : real::lock(d, operation);
            }
        };
        faulty::reset();
        write(s.path(".file.new.0123456789abcdef"), "CF_ACCESS_TOK");
        write(s.path(".file.new.lock"), "");
        CHECK(access::basic_file_sink<unlocked>(s.path()).store(token("id-1", "x")).has_value());
        CHECK(fs::exists(s.path(".file.new.0123456789abcdef")) == (reason != 0));
        CHECK(fs::exists(s.path(".file.new.lock")) == (reason != 0));
        CHECK(read(s.path()) == text_of("id-1", "x"));
    }
}

TEST_CASE("swept is what has the name and the digits of a file beside, and no link") {
    scratch const s;
    auto const secret_text = text_of("id-0", "left over");
    write(s.path("precious"), secret_text);
    fs::create_symlink("precious", s.path("file.new.1"));
    for (auto const* name :
         {".file.new.0123456789abcde", ".file.new.0123456789abcdef0", ".file.new.0123456789abcdeg",
          "file.new.", "xfile.new.1", "file.new.1x", "file.new"})
        write(s.path(name), secret_text);
    write(s.path("file.new.2"), "x" + secret_text);
    write(s.path("file.new.3"), "");
    fs::create_directory(s.path("file.new.4"));
    REQUIRE(::mkfifo(s.path("file.new.5").c_str(), 0600) == 0);
    auto const before = s.entries();
    write(s.path(".file.new.ffffffffffffffff"), "anything");
    write(s.path("file.new.0123456789abcdef"), secret_text);
    write(s.path("file.new.6"), secret_text);
    file_sink(s.path()).store(token("id-1", "s3cret")).value();
    CHECK(s.entries() == before + 1);
    CHECK(read(s.path("precious")) == secret_text);
    CHECK(fs::is_symlink(s.path("file.new.1")));

    struct unlisted : faults::faulty_posix<tag> {
        static int list(char const*, std::vector<std::string>& names) {
            names.push_back("file.new.1"); // and then it fails
            return errno = EIO, -1;
        }
    };
    write(s.path("file.new.6"), secret_text);
    faulty::reset();
    CHECK(access::basic_file_sink<unlisted>(s.path()).store(token("id-1", "another")).has_value());
    CHECK(fs::exists(s.path("file.new.6")));
}

TEST_CASE("a file that appears while a token is stored stays") {
    scratch const s;
    static std::string path;
    path = s.path();
    struct overtaken : faults::faulty_posix<tag> {
        static int rename_to_new(char const* from, char const* to) {
            write_to(path);
            return real::rename_to_new(from, to);
        }
        static void write_to(std::string const& file) { faults::write(file, "another's"); }
    };
    faulty::reset();
    auto const stored = access::basic_file_sink<overtaken>(s.path()).store(token("id-1", "x"));
    CHECK(stored.error().details().cause.value() == EEXIST);
    CHECK(read(s.path()) == "another's");
    CHECK(s.entries() == 1);
}

TEST_CASE("an error says whether the file may have been changed all the same") {
    auto const old = text_of("id-1", "old"), fresh = text_of("id-1", "fr3sh");
    auto const change = [](auto const&, auto const&) {
        return result<secret>(secret(std::string_view("fr3sh")));
    };
    for (int operation = 0; operation != 4; ++operation) {
        int in_doubt = 0, certain = 0;
        int n = 1;
        for (bool failed = true; failed; ++n) {
            CAPTURE(operation);
            CAPTURE(n);
            scratch const s;
            auto const before = operation == 0 ? std::string() : old;
            if (operation != 0) write(s.path(), old);
            faulty::reset();
            faulty::no_sync = true;
            faulty::fail_at = n;
            faulty::all_after = true;
            faulty_sink const sink(s.path());
            auto const done = operation < 2    ? sink.store(token("id-1", "fr3sh"))
                              : operation == 2 ? sink.forget("id-1")
                                               : sink.rewrite("id-1", change);
            failed = faulty::calls >= n;
            faulty::reset();
            if (done) continue;
            if (done.error().delivery() == delivery::not_sent) {
                ++certain;
                CHECK(read(s.path()) == before);
            } else {
                ++in_doubt;
                CHECK(done.error().delivery() == delivery::unknown);
            }
            if (read(s.path()) != before) CHECK(done.error().may_have_acted());
        }
        CHECK(certain >= 4);
        CHECK(in_doubt >= 2); // the change of the directory, and its flush
        CHECK(in_doubt <= 4);
    }
}

TEST_CASE("a sink that replaces a token has the same patience and format") {
    scratch const s;
    file_sink const sink(s.path(), std::chrono::milliseconds(1), access::secret_format::json);
    CHECK(sink.replacing("id-0").store(token("id-1", "s3cret")).has_value());
    CHECK(read(s.path()).starts_with("{\"id\":\"id-1\","));
    int const held = ::open(s.directory.c_str(), O_RDONLY | O_DIRECTORY);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    CHECK(sink.replacing("id-1").store(token("id-2", "s3cret")).error().details().explanation ==
          s.directory.string() + ": another process has held its lock for 1 ms");
    ::close(held);
}

TEST_CASE("what a sink could not read is an error of holds and list, with the system's reason") {
    scratch const s;
    struct unreadable : faults::faulty_posix<tag> {
        static ::ssize_t read(int, void*, std::size_t, ::off_t) { return errno = EIO, -1; }
    };
    write(s.path(), text_of("id-1", "s3cret"));
    access::basic_file_sink<unreadable> const sink(s.path());
    for (auto const& e : {sink.holds("id-1").error(), sink.list().error(), sink.find().error(),
                          sink.forget("id-1").error(), sink.prepare(wanting("id-1")).error()}) {
        CHECK(e == errc::sink_failed);
        CHECK(e.details().explanation == s.path());
        CHECK(e.details().cause.value() == EIO);
    }
}

} // namespace secret_file_tests

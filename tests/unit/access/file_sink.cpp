#include <cloudflare/access/file_sink.hpp>

#include "faulty_posix.hpp"
#include "scratch.hpp"
#include "stored_token.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace file_sink_tests {
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

/// What an issue of `wanting()` adds.
std::string const origin_text =
    "CF_ACCESS_TOKEN_KEY=key\nCF_ACCESS_TOKEN_TAG=" + std::string(32, '1') + "\n";
unsigned mode_of(std::string const& path) {
    struct ::stat s{};
    REQUIRE(::stat(path.c_str(), &s) == 0);
    return s.st_mode & 07777;
}

} // namespace

TEST_CASE("a stored token is a file for its owner only, and the sink holds it") {
    scratch const s;
    auto const path = s.path();
    file_sink sink(path);
    CHECK_FALSE(sink.holds("id-1").value());
    sink.store(token("id-1", "s3cret")).value();
    CHECK(sink.holds("id-1").value());
    CHECK_FALSE(sink.holds("id").value());
    CHECK_FALSE(sink.holds("").value());
    CHECK(read(path) == text_of("id-1", "s3cret"));
    CHECK(mode_of(path) == 0600);

    sink.store(token("id-1", "another")).value();
    CHECK(sink.holds("id-1").value());
    CHECK_FALSE(fs::exists(path + ".new." + std::to_string(::getpid())));
    CHECK(s.entries() == 1);

    auto const other = sink.store(token("id-2", "of another token"));
    REQUIRE(other.has_error());
    CHECK(other.error() == errc::sink_failed);
    CHECK(sink.holds("id-1").value());
    CHECK(read(path) == text_of("id-1", "another"));
}

TEST_CASE("a file that cannot be written is an error that names it and shows "
          "no secret") {
    auto const stored = file_sink("/no-such-directory/secret").store(token("id", "s3cret"));
    REQUIRE(stored.has_error());
    CHECK(stored.error() == errc::sink_failed);
    CHECK(stored.error().to_string().find("/no-such-directory") != std::string::npos);
    CHECK(stored.error().to_string().find("s3cret") == std::string::npos);
}

TEST_CASE("find tells id, client id, version and the time of the change, never "
          "the secret") {
    scratch const s;
    file_sink const sink(s.path());
    CHECK_FALSE(sink.find("key").value().has_value());
    auto const before = timestamp(std::chrono::system_clock::now()).plus(-std::chrono::seconds(2));
    sink.store(wanting(), token("id-1", "s3cret", 7)).value();
    auto const held = sink.find("key").value().value();
    CHECK(held.token_id == "id-1");
    CHECK(held.client_id == "c.access");
    CHECK(held.version == 7);
    CHECK(held.since > before);
    CHECK(held.tag == std::string(32, '1'));
    CHECK(read(s.path()) ==
          text_of("id-1", "s3cret") + "CF_ACCESS_CLIENT_SECRET_VERSION=7\n" + origin_text);
}

TEST_CASE("find holds a token under the key that it was stored with") {
    scratch const s;
    file_sink const sink(s.path());
    auto i = wanting();
    i.key = "a key=\n\xc3\xa9";
    sink.store(i, token("id-1", "s3cret", 1)).value();
    CHECK(sink.find(i.key).value().has_value());
    CHECK(sink.find().value().has_value());
    CHECK_FALSE(sink.find("a key").value().has_value());
    CHECK_FALSE(sink.find(i.tag).value().has_value());
    CHECK(read(s.path()).find("\nCF_ACCESS_TOKEN_KEY=a%20key%3D%0A%C3%A9\n") != std::string::npos);

    // A rotation's store, or a later one of the same token, leaves them as they are.
    sink.store(token("id-1", "another", 2)).value();
    auto later = wanting();
    later.tag = std::string(32, '2');
    sink.store(later, token("id-1", "a third", 3)).value();
    CHECK(sink.find(i.key).value().value().tag == i.tag);

    // Without a key of the caller's the tag is the key.
    file_sink const unkeyed(s.path("unkeyed"));
    i.key = i.tag;
    unkeyed.store(i, token("id-1", "s3cret")).value();
    CHECK(read(s.path("unkeyed")).find("TOKEN_KEY") == std::string::npos);
    CHECK(unkeyed.find(i.tag).value().has_value());
    CHECK_FALSE(unkeyed.find(later.tag).value().has_value());

    // A file that no issue wrote may be any key's.
    write(s.path("by hand"), text_of("id-1", "s3cret"));
    CHECK(file_sink(s.path("by hand")).find("key").value().has_value());
}

TEST_CASE("a token of no use is replaced where that is chosen, and until then it stays") {
    scratch const s;
    file_sink const sink(s.path());
    auto old = wanting();
    old.key = "old";
    old.tag = std::string(32, '2');
    sink.store(old, token("id-1", "dead", 7)).value();
    write(s.path(), read(s.path()) + "MORE=1\n");
    auto const before = read(s.path());

    auto const other = sink.replacing("id-2");
    CHECK(other.prepare(wanting()).has_error());
    CHECK(other.store(wanting(), token("id-3", "fresh")).has_error());
    CHECK(other.find("old").value().has_value());

    auto const replacing = sink.replacing("id-1");
    CHECK_FALSE(replacing.find().value().has_value());
    CHECK(replacing.prepare(wanting()).has_value());
    CHECK(read(s.path()) == before);
    CHECK(replacing.store(wanting(), token("id-2", "fresh", 1)).has_value());
    CHECK(read(s.path()) == "CF_ACCESS_TOKEN_ID=id-2\nCF_ACCESS_CLIENT_ID=c.access\n"
                            "CF_ACCESS_CLIENT_SECRET=fresh\nCF_ACCESS_CLIENT_SECRET_VERSION=1\n" +
                                origin_text + "MORE=1\n");
    CHECK(replacing.find("key").value().value().token_id == "id-2");
}

TEST_CASE("a lower version of the same token is refused, the same secret again "
          "is not") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(wanting(), token("id-1", "second", 2)).value();
    auto const held = read(s.path());
    CHECK(sink.store(wanting(), token("id-1", "first", 1)).error() == errc::sink_failed);
    CHECK(sink.store(wanting(), token("id-1", "unknown")).error() == errc::sink_failed);
    CHECK(read(s.path()) == held);
    CHECK(sink.store(wanting(), token("id-1", "second", 2)).has_value());
    CHECK(sink.store(wanting(), token("id-1", "third", 3)).has_value());
    CHECK(sink.find("key").value().value().version == 3);
}

TEST_CASE("other lines of the file stay where they are") {
    scratch const s;
    write(s.path(), "# mine\n" + text_of("id-1", "old") + "MORE=1\n\nlast line without a newline");
    file_sink const sink(s.path());
    sink.store(wanting(), token("id-1", "new", 2)).value();
    CHECK(read(s.path()) == "# mine\n" + text_of("id-1", "new") +
                                "MORE=1\n\nlast line without a newline\n"
                                "CF_ACCESS_CLIENT_SECRET_VERSION=2\n");
}

TEST_CASE("a file that is replaced keeps mode, owner and group") {
    scratch const s;
    write(s.path(), text_of("id-1", "old"));
    REQUIRE(::chmod(s.path().c_str(), 0640) == 0);
    bool const root = ::geteuid() == 0;
    if (root) {
        REQUIRE(::chown(s.path().c_str(), 1234, 5678) == 0);
    }
    file_sink(s.path()).store(token("id-1", "new")).value();
    CHECK(mode_of(s.path()) == 0640);
    struct ::stat now{};
    REQUIRE(::stat(s.path().c_str(), &now) == 0);
    CHECK(now.st_uid == (root ? 1234 : ::geteuid()));
    CHECK((!root || now.st_gid == 5678));
}

TEST_CASE("an owner that cannot be kept is found by prepare, and nothing is "
          "changed") {
    scratch const s;
    faulty::reset();
    write(s.path(), text_of("id-1", "old"));
    if (::geteuid() != 0) return;
    REQUIRE(::chown(s.path().c_str(), 1234, 5678) == 0);
    struct cannot_chown : faults::faulty_posix<tag> {
        static int change_owner(int, ::uid_t, ::gid_t) { return errno = EPERM, -1; }
    };
    access::basic_file_sink<cannot_chown> const sink(s.path());
    CHECK(sink.prepare(wanting("id-1")).error() == errc::sink_failed);
    CHECK(sink.store(token("id-1", "new")).error() == errc::sink_failed);
    CHECK(read(s.path()) == text_of("id-1", "old"));
    CHECK(s.entries() == 1);
}

TEST_CASE("a symbolic link stays, and what it leads to gets the secret") {
    scratch const s;
    fs::create_directory(s.path("real"));
    write(s.path("real/token"), text_of("id-1", "old"));
    fs::create_symlink("real/token", s.path());
    file_sink(s.path()).store(token("id-1", "new")).value();
    CHECK(fs::is_symlink(s.path()));
    CHECK(read(s.path("real/token")) == text_of("id-1", "new"));

    fs::create_symlink("real/not yet there", s.path("dangling"));
    file_sink(s.path("dangling")).store(token("id-2", "new")).value();
    CHECK(fs::is_symlink(s.path("dangling")));
    CHECK(read(s.path("real/not yet there")) == text_of("id-2", "new"));

    fs::create_symlink("loop", s.path("loop"));
    CHECK(file_sink(s.path("loop")).find("").error() == errc::sink_failed);
}

TEST_CASE("a planted link is not followed, and stays") {
    scratch const s;
    write(s.path("victim"), "precious");
    auto const planted = s.path() + ".new." + std::to_string(::getpid());
    fs::create_symlink("victim", planted);
    file_sink(s.path()).store(token("id-1", "s3cret")).value();
    CHECK(read(s.path("victim")) == "precious");
    CHECK(fs::is_regular_file(fs::symlink_status(s.path())));
    CHECK(mode_of(s.path()) == 0600);
}

TEST_CASE("what a process that was killed left beside is removed, what is the "
          "user's is not") {
    scratch const s;
    write(s.path(".file.new.0123456789abcdef"), "CF_ACCESS_TOK");
    write(s.path("file.new.4711"), text_of("id-0", "left over"));
    write(s.path("file.new.1"), "the user's");
    write(s.path("file.new.notes"), text_of("id-0", "the user's"));
    write(s.path(".other.new.0123456789abcdef"), "of another sink");
    file_sink const sink(s.path());
    sink.prepare(wanting()).value();
    CHECK_FALSE(fs::exists(s.path(".file.new.0123456789abcdef")));
    CHECK_FALSE(fs::exists(s.path("file.new.4711")));
    CHECK(fs::exists(s.path("file.new.1")));
    CHECK(fs::exists(s.path("file.new.notes")));
    CHECK(fs::exists(s.path(".other.new.0123456789abcdef")));
}

TEST_CASE("a missing directory is an error, not a token that is not held") {
    file_sink const sink("/no-such-directory/secret");
    CHECK(sink.find("").error() == errc::sink_failed);
    CHECK(sink.holds("id").error() == errc::sink_failed);
    CHECK(sink.prepare(wanting()).error() == errc::sink_failed);
    CHECK(sink.forget("id").error() == errc::sink_failed);
}

TEST_CASE("a directory in the file's place is an error") {
    scratch const s;
    fs::create_directory(s.path());
    file_sink const sink(s.path());
    CHECK(sink.find("").error() == errc::sink_failed);
    CHECK(sink.prepare(wanting()).error() == errc::sink_failed);
    CHECK(sink.store(token("id", "s3cret")).error() == errc::sink_failed);
}

TEST_CASE("a file that holds something else is refused by prepare and store, "
          "and left as it is") {
    for (auto const& text : {std::string(), std::string("precious\n"), text_of("id-2", "x"),
                             std::string("CF_ACCESS_TOKEN_ID=id-1\n"),
                             std::string("CF_ACCESS_TOKEN_ID=\nCF_ACCESS_CLIENT_SECRET=x\n")}) {
        CAPTURE(text);
        scratch const s;
        write(s.path(), text);
        file_sink const sink(s.path());
        CHECK(sink.prepare(wanting("id-1")).error() == errc::sink_failed);
        CHECK(sink.find("id-1").value().has_value() == text.starts_with("CF_ACCESS_TOKEN_ID=id-2"));
        CHECK(sink.store(token("id-1", "s3cret")).error() == errc::sink_failed);
        CHECK(sink.forget("id-1").has_value());
        CHECK(read(s.path()) == text);
        CHECK(s.entries() == 1);
    }
}

TEST_CASE("a link that leads to itself is an error of the system's") {
    scratch const s;
    fs::create_symlink("file", s.path());
    file_sink const sink(s.path());
    CHECK(sink.find().error().details().cause.value() == ELOOP);
    CHECK(sink.prepare(wanting("id-1")).error().details().cause.value() == ELOOP);
}

TEST_CASE("prepare says yes where the token may be replaced, and leaves "
          "nothing behind") {
    scratch const s;
    file_sink const sink(s.path());
    CHECK(sink.prepare(wanting()).has_value());
    CHECK(s.entries() == 0);
    sink.store(token("id-1", "old")).value();
    CHECK(sink.prepare(wanting("id-1")).has_value());
    CHECK(sink.prepare(wanting()).error() == errc::sink_failed);
    CHECK(s.entries() == 1);
    CHECK(read(s.path()) == text_of("id-1", "old"));
}

TEST_CASE("a mount point is refused by prepare") {
    scratch const s;
    faulty::reset();
    faulty_sink const sink(s.path());
    sink.store(token("id-1", "old")).value();
    faulty::is_mounted = true;
    auto const prepared = sink.prepare(wanting("id-1"));
    CHECK(prepared.error().to_string().find("mount point") != std::string::npos);
    faulty::reset();
}

TEST_CASE("an immutable file, and one with another name, is refused before a secret is made") {
    scratch const s;
    faulty::reset();
    faulty_sink const sink(s.path());
    sink.store(token("id-1", "old")).value();
    auto const refused = [&](std::string const& why) {
        auto const prepared = sink.prepare(wanting("id-1"));
        REQUIRE_FALSE(prepared);
        CHECK(prepared.error().to_string().find(s.path() + why) != std::string::npos);
    };
    faulty::is_fixed = true;
    refused(": is immutable");
    faulty::is_fixed = false;
    fs::create_hard_link(s.path(), s.path("backup"));
    refused(": has other names");
    CHECK(s.entries() == 2); // and nothing beside
    CHECK(
        sink.store(token("id-1", "new")).has_value()); // a secret that is there is not lost for it
    CHECK(read(s.path()).find("SECRET=new") != std::string::npos);
    CHECK(sink.prepare(wanting("id-1")).has_value());
}

TEST_CASE("file systems without hard links, without renameat2, without either, "
          "without locks") {
    for (int kind = 0; kind != 5; ++kind) {
        CAPTURE(kind);
        scratch const s;
        faulty::reset();
        faulty::no_rename_to_new = kind == 1 || kind == 3;
        faulty::no_link = kind == 2 || kind == 3;
        faulty::no_locks = kind == 4;
        faulty_sink const sink(s.path());
        CHECK(sink.prepare(wanting()).has_value());
        CHECK(sink.store(token("id-1", "s3cret")).has_value());
        CHECK(read(s.path()) == text_of("id-1", "s3cret"));
        CHECK(mode_of(s.path()) == 0600);
        CHECK(sink.store(token("id-2", "other")).error() == errc::sink_failed);
        CHECK(sink.store(token("id-1", "new")).has_value());
        CHECK(read(s.path()) == text_of("id-1", "new"));
        CHECK(s.entries() == 1);
        faulty::reset();
    }
}

TEST_CASE("of two stores of one place at once, one succeeds and the file is its") {
    for (int kind = 0; kind != 2; ++kind)
        for (int round = 0; round != 30; ++round) {
            scratch const s;
            faulty::reset();
            std::vector<result<void>> stored(2);
            std::vector<std::thread> threads;
            for (std::size_t i = 0; i != 2; ++i)
                threads.emplace_back([&, i] {
                    stored[i] =
                        file_sink(s.path()).store(token("id-" + std::to_string(i), "s3cret"));
                });
            for (auto& t : threads)
                t.join();
            CHECK(stored[0].has_value() != stored[1].has_value());
            CHECK(read(s.path()) == text_of(stored[0] ? "id-0" : "id-1", "s3cret"));
            CHECK(s.entries() == 1);
        }
}

TEST_CASE("a store puts file and directory on the disk") {
    scratch const s;
    faulty::reset();
    faulty_sink(s.path()).store(token("id-1", "s3cret")).value();
    CHECK(faulty::syncs == 2);
    faulty_sink(s.path()).store(token("id-1", "new")).value();
    CHECK(faulty::syncs == 4);
    faulty::reset();
}

TEST_CASE("prepare flushes nothing, and tells where its trial cannot be written or removed") {
    struct tag {};
    struct no_space : faults::faulty_posix<tag> {
        static ::ssize_t write(int, void const*, std::size_t) { return errno = ENOSPC, -1; }
    };
    struct append_only : faults::faulty_posix<tag> { // nothing can be renamed there either
        static int unlink(char const*) { return errno = EPERM, -1; }
    };
    scratch const s;
    faulty::reset();
    CHECK(faulty_sink(s.path()).prepare(wanting()).has_value());
    CHECK(faulty::syncs == 0);
    faulty::reset();
    CHECK(s.entries() == 0);
    auto const full = access::basic_file_sink<no_space>(s.path()).prepare(wanting());
    CHECK(full.error() == errc::sink_failed);
    CHECK(full.error().details().cause.value() == ENOSPC);
    CHECK(access::basic_file_sink<append_only>(s.path()).prepare(wanting()).error() ==
          errc::sink_failed);
}

TEST_CASE("every file beside is new, follows no link, and has a name of its own") {
    static std::set<std::string> made;
    made.clear();
    struct watched : faults::faulty_posix<tag> {
        static int open(char const* path, int flags, ::mode_t mode) {
            if ((flags & O_CREAT) != 0) {
                made.insert(path);
                CHECK((flags & (O_EXCL | O_NOFOLLOW)) == (O_EXCL | O_NOFOLLOW));
                CHECK(mode == 0600);
            }
            return real::open(path, flags, mode);
        }
    };
    scratch const s;
    access::basic_file_sink<watched> const sink(s.path());
    for (std::int64_t version = 1; version != 5; ++version) {
        sink.prepare(wanting("id-1")).value();
        sink.store(token("id-1", "s3cret", version)).value();
    }
    CHECK(made.size() == 8);
}

TEST_CASE("a writer that holds the directory's lock for ever does not block "
          "for ever") {
    scratch const s;
    int const held = ::open(s.directory.c_str(), O_RDONLY | O_DIRECTORY);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    file_sink const sink(s.path(), std::chrono::milliseconds(30));
    auto const stored = sink.store(token("id-1", "s3cret"));
    CHECK(stored.error() == errc::sink_failed);
    CHECK(stored.error().to_string().find("lock") != std::string::npos);
    CHECK(sink.prepare(wanting()).has_error());
    CHECK_FALSE(sink.find("").value().has_value());
    ::close(held);
    CHECK(sink.store(token("id-1", "s3cret")).has_value());
}

TEST_CASE("forget removes the file of the token, and no other") {
    scratch const s;
    file_sink const sink(s.path());
    CHECK(sink.forget("id-1").has_value());
    sink.store(token("id-1", "s3cret")).value();
    CHECK(sink.forget("id-2").has_value());
    CHECK(sink.holds("id-1").value());
    CHECK(sink.forget("id-1").has_value());
    CHECK(s.entries() == 0);
}

TEST_CASE("whichever system call fails, the file is whole, old or new, and the "
          "error tells") {
    auto const old = text_of("id-1", "old"), fresh = text_of("id-1", "fr3sh");
    for (bool const replaces : {false, true})
        for (bool const all_after : {false, true})
            for (int const reason : {EIO, ENOSPC, EROFS}) {
                int n = 1;
                for (bool failed = true; failed; ++n) {
                    CAPTURE(replaces);
                    CAPTURE(all_after);
                    CAPTURE(reason);
                    CAPTURE(n);
                    REQUIRE(n < 100);
                    scratch const s;
                    faulty::reset();
                    if (replaces) write(s.path(), old);
                    faulty::no_sync = true;
                    faulty::fail_at = n;
                    faulty::reason = reason;
                    faulty::all_after = all_after;
                    auto const stored = faulty_sink(s.path()).store(token("id-1", "fr3sh"));
                    failed = faulty::calls >= n;
                    faulty::reset();
                    faulty::no_sync = true;
                    auto const there = read(s.path());
                    auto const as_before = replaces ? old : std::string();
                    if (stored) {
                        CHECK(there == fresh);
                    } else {
                        CHECK((there == as_before || there == fresh));
                        CHECK(stored.error() == errc::sink_failed);
                        CHECK(stored.error().to_string().find("fr3sh") == std::string::npos);
                        CHECK(stored.error().details().cause.value() == reason);
                    }
                    // The next one mends it all.
                    CHECK(faulty_sink(s.path()).store(token("id-1", "fr3sh")).has_value());
                    CHECK(read(s.path()) == fresh);
                    CHECK(s.entries() == 1);
                }
                CHECK(n > 10);
            }
}

TEST_CASE("a secret is written anew: key, tag, other lines, mode and time stay") {
    scratch const s;
    file_sink const sink(s.path());
    sink.store(wanting(), token("id-1", "old", 7)).value();
    write(s.path(), "A=1\n" + read(s.path()));
    REQUIRE(::chmod(s.path().c_str(), 0640) == 0);
    struct ::timespec const earlier[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, s.path().c_str(), earlier, 0) == 0);
    auto const before = read(s.path());
    auto const held = sink.find("key").value().value();

    auto const to = [&](std::string_view string) {
        return [&held, string](access::held_token const& there, secret const& old) {
            CHECK(there == held);
            CHECK((old == secret("old") || old == secret("fr3sh")));
            return result<secret>(secret(string));
        };
    };
    CHECK(sink.rewrite("id-2", to("of another")).has_value());
    CHECK(read(s.path()) == before);
    CHECK(sink.rewrite("id-1",
                       [](auto const&, auto const&) {
                           return result<secret>(error(errc::secret_unreadable, "no key"));
                       })
              .error() == errc::secret_unreadable);
    CHECK(read(s.path()) == before);
    CHECK(sink.rewrite("id-1", to("fr3sh")).has_value());
    auto wanted = before;
    CHECK(read(s.path()) == wanted.replace(wanted.find("old"), 3, "fr3sh"));
    CHECK(sink.find("key").value().value() == held);
    CHECK(mode_of(s.path()) == 0640);
    struct ::stat was{}, is{};
    REQUIRE(::stat(s.path().c_str(), &was) == 0);
    CHECK(sink.rewrite("id-1", to("fr3sh")).has_value());
    REQUIRE(::stat(s.path().c_str(), &is) == 0);
    CHECK(was.st_ino == is.st_ino); // the same is not written again
    CHECK(s.entries() == 1);
    CHECK(file_sink(s.path("none")).rewrite("id-1", to("x")).has_value());
    CHECK(s.entries() == 1);
}

TEST_CASE("whichever system call of a rewrite fails, the file is whole, old or new, and the "
          "error tells") {
    auto const old = text_of("id-1", "old"), fresh = text_of("id-1", "fr3sh");
    auto const change = [](auto const&, auto const&) {
        return result<secret>(secret(std::string_view("fr3sh")));
    };
    int n = 1;
    for (bool failed = true; failed; ++n) {
        CAPTURE(n);
        REQUIRE(n < 100);
        scratch const s;
        faulty::reset();
        write(s.path(), old);
        faulty::no_sync = true;
        faulty::fail_at = n;
        faulty::reason = ENOSPC;
        auto const rewritten = faulty_sink(s.path()).rewrite("id-1", change);
        failed = faulty::calls >= n;
        faulty::reset();
        auto const there = read(s.path());
        CHECK((there == fresh || (!rewritten && there == old)));
        if (!rewritten) CHECK(rewritten.error() == errc::sink_failed);
        faulty_sink(s.path()).rewrite("id-1", change).value(); // the next one mends it all
        CHECK(read(s.path()) == fresh);
        CHECK(s.entries() == 1);
    }
    CHECK(n > 10);
}

TEST_CASE("prepare tells of each system call that would make the store fail") {
    for (bool const replaces : {false, true}) {
        int told = 0;
        int n = 1;
        for (bool failed = true; failed; ++n) {
            CAPTURE(n);
            scratch const s;
            faulty::reset();
            if (replaces) write(s.path(), text_of("id-1", "old"));
            faulty::fail_at = n;
            faulty::all_after = true;
            auto const prepared = faulty_sink(s.path()).prepare(wanting("id-1"));
            failed = faulty::calls >= n;
            faulty::reset();
            told += prepared ? 0 : 1;
            CHECK(read(s.path()) == (replaces ? text_of("id-1", "old") : ""));
        }
        CHECK(told >= n - 3); // all but the last, which removes the trial
    }
}

TEST_CASE("a find that cannot read is an error, never nothing") {
    scratch const s;
    file_sink(s.path()).store(token("id-1", "s3cret")).value();
    int n = 1;
    for (bool failed = true; failed; ++n) {
        CAPTURE(n);
        faulty::reset();
        faulty::fail_at = n;
        auto const found = faulty_sink(s.path()).find("");
        failed = faulty::calls >= n;
        CHECK((found.has_error() || found->value().token_id == "id-1"));
        CHECK(found.has_error() == failed);
    }
    faulty::reset();
}

TEST_CASE("interrupted system calls and short writes change nothing") {
    int n = 1;
    for (bool failed = true; failed; ++n) {
        CAPTURE(n);
        scratch const s;
        faulty::reset();
        faulty::short_writes = true;
        faulty::fail_at = n;
        faulty::reason = EINTR;
        CHECK(faulty_sink(s.path()).store(token("id-1", "s3cret")).has_value());
        failed = faulty::calls >= n;
        faulty::reset();
        CHECK(read(s.path()) == text_of("id-1", "s3cret"));
    }
    CHECK(n > 10);
}

TEST_CASE("list tells the one token, with its key where the file says it") {
    scratch const s;
    file_sink const sink(s.path());
    CHECK(sink.list().value().empty());
    auto i = wanting();
    i.key = "a b";
    sink.store(i, token("id-1", "s3cret")).value();
    REQUIRE(sink.list().value().size() == 1);
    CHECK(sink.list().value()[0].key == "a b");
    CHECK(sink.list().value()[0] == sink.find("a b").value().value());
    sink.forget("id-1").value();
    i.tag.clear(); // as a rotation stores
    sink.store(i, token("id-1", "s3cret")).value();
    CHECK(read(s.path()).find("TAG") == std::string::npos);
    CHECK(sink.list().value()[0].key == "a b");
}

TEST_CASE("a token that would break a line is refused, and nothing is written") {
    scratch const s;
    file_sink const sink(s.path());
    CHECK(sink.store(wanting(), token("id-1", "s3cret\nCF_ACCESS_TOKEN_ID=x")).error() ==
          errc::sink_failed);
    CHECK(sink.store(wanting(), token("id\r", "s3cret")).error() == errc::sink_failed);
    CHECK(s.entries() == 0);
}

TEST_CASE("as JSON: stored, found, replaced, and other members stay") {
    scratch const s;
    file_sink json(s.path(), std::chrono::seconds(1), access::secret_format::json);
    auto i = wanting();
    i.key = "job 17/\xff";
    json.store(i, token("id-1", "s\"3\\cret", 1)).value();
    CHECK(read(s.path()) ==
          "{\"id\":\"id-1\",\"client_id\":\"c.access\",\"client_secret\":\"s\\\"3\\\\cret\","
          "\"client_secret_version\":1,\"key\":\"job%2017%2F%FF\",\"tag\":\"" +
              std::string(32, '1') + "\"}\n");
    CHECK(mode_of(s.path()) == 0600);

    // Who does not say JSON reads it too, and keeps it.
    file_sink sink(s.path());
    auto const held = sink.find("job 17/\xff").value();
    REQUIRE(held);
    CHECK(held->token_id == "id-1");
    CHECK(held->client_id == "c.access");
    CHECK(held->version == 1);
    CHECK(held->key == "job 17/\xff");
    CHECK(held->tag == std::string(32, '1'));
    CHECK_FALSE(sink.find("job 17").value());
    sink.rewrite("id-1",
                 [](access::held_token const&, secret const& old) -> result<secret> {
                     CHECK(old.reveal() == "s\"3\\cret");
                     return secret("sealed");
                 })
        .value();
    CHECK(read(s.path()).find("\"client_secret\":\"sealed\",\"client_secret_version\":1,") !=
          std::string::npos);

    write(s.path(), " {\"mine\":[1,2.5,true,null,{\"a\":\"\\u0001\"}],\"client_secret\":\"old\","
                    "\"id\":\"id-1\",\"id\":\"x\",\"tag\":\"t\"}");
    sink.store(token("id-1", "new", 2)).value();
    CHECK(
        read(s.path()) ==
        "{\"mine\":[1,2.5,true,null,{\"a\":\"\\u0001\"}],\"client_secret\":\"new\",\"id\":\"id-1\","
        "\"tag\":\"t\",\"client_id\":\"c.access\",\"client_secret_version\":2}\n");
    CHECK_FALSE(sink.store(token("id-1", "older", 1)));
}

TEST_CASE("JSON without a token, a secret or an end holds nothing, and is left alone") {
    for (std::string const text :
         {"{}", "{\"id\":\"id-1\"}", "{\"id\":\"id-1\",\"client_secret\":\"\"}",
          "{\"id\":1,\"client_secret\":\"s\"}", "{\"id\":\"id-1\",\"client_secret\":\"s\"",
          "{\"id\":\"id-1\",\"client_secret\":\"****\"}"}) {
        CAPTURE(text);
        scratch const s;
        write(s.path(), text);
        file_sink sink(s.path(), std::chrono::seconds(1), access::secret_format::json);
        CHECK_FALSE(sink.find().value());
        CHECK_FALSE(sink.prepare(wanting()));
        CHECK_FALSE(sink.store(wanting(), token("id-1", "s3cret")));
        CHECK(read(s.path()) == text);
    }
}

TEST_CASE("a token that is not UTF-8 is refused in either format") {
    for (auto const format : {access::secret_format::lines, access::secret_format::json}) {
        scratch const s;
        file_sink sink(s.path(), std::chrono::seconds(1), format);
        CHECK_FALSE(sink.store(wanting(), token("id-1", "s3cret\xff")));
        CHECK(s.entries() == 0);
    }
}

} // namespace file_sink_tests

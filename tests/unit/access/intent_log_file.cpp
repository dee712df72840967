// The file of an intent log: batches, when it is read again, when it is written anew, and what each failure says.
#include <cloudflare/access/file_intent_log.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace intent_log_file_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::intent;
using access::detail::intent_change;
using access::detail::intent_journal;
using faults::read;
using faults::scratch;
using faults::write;
namespace fs = std::filesystem;

/// The real calls without flushes, except for those that a test lets fail: `next["open"] = {0, EIO}` lets the second
/// one fail.
struct told_posix : access::detail::posix {
    static inline std::map<std::string, std::vector<int>> next{};
    static inline std::map<std::string, int> made{};
    static inline std::vector<int> flags{}, locks{};
    static inline std::size_t bytes_read = 0;
    static inline ::dev_t device_change = 0;

    static void reset() {
        next.clear(), made.clear(), flags.clear(), locks.clear();
        bytes_read = 0, device_change = 0;
    }
    static bool fails(std::string const& call) {
        auto const n = static_cast<std::size_t>(made[call]++);
        auto const& told = next[call];
        int const reason = n < told.size() ? told[n] : 0;
        if (reason != 0) errno = reason;
        return reason != 0;
    }
    static int open(char const* path, int f, ::mode_t mode) {
        flags.push_back(f);
        return fails("open") ? -1 : posix::open(path, f, mode);
    }
    static ::ssize_t read(int d, void* data, std::size_t size, ::off_t at) {
        if (fails("read")) return -1;
        auto const n = posix::read(d, data, size, at);
        if (n > 0) bytes_read += static_cast<std::size_t>(n);
        return n;
    }
    static ::ssize_t write(int d, void const* data, std::size_t size) {
        return fails("write") ? -1 : posix::write(d, data, size);
    }
    static int sync(int) { return fails("sync") ? -1 : 0; }
    static int truncate(int d, ::off_t size) {
        return fails("truncate") ? -1 : posix::truncate(d, size);
    }
    static int lock(int d, int operation) {
        locks.push_back(operation);
        return fails("lock") ? -1 : posix::lock(d, operation);
    }
    static int status(int d, struct ::stat& s) {
        if (fails("status") || posix::status(d, s) != 0) return -1;
        s.st_dev += device_change;
        return 0;
    }
    static int status(char const* path, struct ::stat& s) {
        if (fails("status of path") || posix::status(path, s) != 0) return -1;
        s.st_dev += device_change;
        return 0;
    }
    static int rename(char const* from, char const* to) {
        return fails("rename") ? -1 : posix::rename(from, to);
    }
    static int list(char const* path, std::vector<std::string>& names) {
        int const done = posix::list(path, names);
        return fails("list") ? -1 : done;
    }
};
using log_file = access::detail::intent_log_file<told_posix>;
using told_log = access::basic_file_intent_log<told_posix>;

intent make(char digit, std::string note = "note") {
    intent i(std::string(32, digit), access::account_scope::parse(std::string(32, 'a')).value(),
             "ci", timestamp::parse("2026-11-24T00:00:00Z").value(), std::move(note));
    i.key = i.tag;
    return i;
}
intent of_revision(intent i, std::int64_t revision) {
    i.revision = revision;
    return i;
}
std::string const format(access::detail::journal_format);
std::string line_of(intent const& i) {
    return intent_journal::line_of(i) + '\n';
}
std::string erased(char digit) {
    return intent_journal::line_of_erased(std::string(32, digit)) + '\n';
}
::ino_t inode_of(std::string const& path) {
    struct ::stat s{};
    REQUIRE(::stat(path.c_str(), &s) == 0);
    return s.st_ino;
}
void expect(error const& e, std::string const& explanation, int reason) {
    CHECK(e == errc::intent_log_failed);
    CHECK(e.details().explanation == explanation);
    CHECK(e.details().cause.value() == reason);
}
/// A log of an intent '1' and of past ones, of this size; all but `live` bytes of it are of no use.
std::string sized(std::size_t size, std::size_t live) {
    auto const with = [](char digit, std::size_t bytes) {
        auto const least = line_of(make(digit, "")).size();
        REQUIRE(bytes >= least);
        return line_of(make(digit, std::string(bytes - least, 'n')));
    };
    auto text = format + with('1', live);
    auto const erasure = erased('2');
    return text + with('2', size - text.size() - erasure.size()) + erasure;
}

} // namespace

TEST_CASE("a batch is carried out in turn, with one write, and each change has its outcome") {
    scratch const s;
    told_posix::reset();
    log_file file(s.path(), 0ms);
    using kind = intent_change::kind;
    auto const first = make('1'), second = make('2', "new"), third = of_revision(second, 3);
    auto const other = make('3');
    intent_change changes[] = {
        {kind::insert, first},  {kind::insert, first},  {kind::insert, second},
        {kind::update, second}, {kind::update, second}, {kind::erase, third},
        {kind::erase, first},   {kind::update, first},  {kind::insert, other}};
    std::vector<intent_change*> batch;
    for (auto& change : changes)
        batch.push_back(&change);
    CHECK(file.commit(batch).has_value());
    CHECK(read(s.path()) == format + line_of(first) + line_of(second) +
                                line_of(of_revision(second, 2)) + erased('1') + line_of(other));
    CHECK(told_posix::made["write"] == 1);
    CHECK(told_posix::made["sync"] == 2); // the directory's, too
    CHECK(changes[1].in_the_way == first);
    for (auto const n : {0, 2, 8})
        CHECK_FALSE(changes[n].in_the_way.has_value());
    for (auto const n : {4, 5, 7}) {
        CAPTURE(n);
        CHECK(changes[n].outcome.error() == errc::conflict);
        CHECK(changes[n].outcome.error().details().explanation ==
              "intent " + changes[n].wanted.tag + ": written or erased by somebody else since");
    }
    for (auto const n : {0, 1, 2, 3, 6, 8})
        CHECK(changes[n].outcome.has_value());
    for (auto const& change : changes)
        CHECK_FALSE(change.is_done);
    CHECK(file.list().value() == std::vector{of_revision(second, 2), other});

    told_posix::reset();
    intent_change late{kind::update, first};
    CHECK(file.commit({&late}).has_value()); // nothing to write
    CHECK(late.outcome.error() == errc::conflict);
    CHECK(told_posix::made["write"] + told_posix::made["sync"] == 0);
}

TEST_CASE("writes lock the file for themselves, list shares it, and neither blocks at a pipe") {
    scratch const s;
    told_posix::reset();
    told_log const log(s.path());
    CHECK(log.path() == s.path());
    log.insert(make('1')).value();
    CHECK(told_posix::flags.front() == (O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC));
    CHECK(told_posix::locks == std::vector{LOCK_EX | LOCK_NB});
    told_posix::reset();
    CHECK(log.list().value().size() == 1);
    CHECK(told_posix::flags == std::vector{O_RDONLY | O_NONBLOCK | O_CLOEXEC});
    CHECK(told_posix::locks == std::vector{LOCK_SH | LOCK_NB});
}

TEST_CASE("every string of an intent must be UTF-8, and a tag must be there") {
    scratch const s;
    told_log const log(s.path());
    for (auto const member : {&intent::tag, &intent::name, &intent::note, &intent::key,
                              &intent::sink, &intent::token_id}) {
        auto bad = make('1');
        bad.*member = "\xff";
        for (auto const& e :
             {log.insert(bad).error(), log.update(bad).error(), log.erase(bad).error()}) {
            CHECK(e == errc::invalid_argument);
            CHECK(e.details().explanation == "intent: name, note and keys must be UTF-8");
        }
    }
    auto untagged = make('1');
    untagged.tag.clear();
    for (auto const& e : {log.insert(untagged).error(), log.update(untagged).error(),
                          log.erase(untagged).error()}) {
        CHECK(e == errc::invalid_argument);
        CHECK(e.details().explanation == "intent: tag must not be empty");
    }
    CHECK(s.entries() == 0);
}

TEST_CASE("threads that wait share one commit, and each gets its own outcome of one that failed") {
    constexpr int followers = 8;
    static std::atomic<int> arrived, commits;
    static std::atomic<bool> is_first;
    struct gathering : access::detail::posix {
        static int lock(int d, int operation) { return ++commits, posix::lock(d, operation); }
        static int sync(int) { return 0; }
        static ::ssize_t write(int d, void const* data, std::size_t size) {
            if (!is_first.exchange(false)) return errno = ENOSPC, -1;
            while (arrived != followers)
                std::this_thread::sleep_for(1ms);
            std::this_thread::sleep_for(50ms); // until they wait
            return posix::write(d, data, size);
        }
    };
    scratch const s;
    arrived = commits = 0, is_first = true;
    access::basic_file_intent_log<gathering> const log(s.path());
    std::vector<result<void>> done(followers + 1);
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        auto const inserted = log.insert(make('1'));
        if (!inserted) done[followers] = inserted.error();
    });
    while (commits == 0)
        std::this_thread::sleep_for(1ms);
    for (int n = 0; n != followers; ++n)
        threads.emplace_back([&, n] {
            ++arrived;
            auto const i = make(static_cast<char>('2' + n));
            auto const inserted = n % 2 == 0 ? log.insert(i) : std::optional<intent>();
            auto const at = static_cast<std::size_t>(n);
            if (n % 2 == 1) done[at] = log.update(i); // which is not there
            if (!inserted) done[at] = inserted.error();
        });
    for (auto& t : threads)
        t.join();
    CHECK(done[followers].has_value());
    for (std::size_t n = 0; n != followers; ++n) {
        REQUIRE(done[n].has_error());
        CHECK(done[n].error() == (n % 2 == 0 ? errc::intent_log_failed : errc::conflict));
    }
    CHECK(commits <= 5); // two, if all waited
    CHECK(log.list().value() == std::vector{make('1')});
}

TEST_CASE("what is no log's file is refused with the path that the caller knows") {
    scratch const s;
    told_posix::reset();
    fs::create_symlink("target", s.path("link"));
    told_log const log(s.path("link"));
    auto const both = [&](std::string const& why, int reason) {
        expect(log.list().error(), s.path("link") + why, reason);
        expect(log.insert(make('1')).error(), s.path("link") + why, reason);
        CHECK(log.list().error().delivery() == delivery::not_sent);
    };
    write(s.path("target"), "notes\n");
    both(": is no intent log, according to its first line", 0);
    write(s.path("target"), "notes");
    both(": is no intent log, according to its first line", 0);
    fs::remove(s.path("target"));
    REQUIRE(::mkfifo(s.path("target").c_str(), 0600) == 0);
    both(": is no regular file", 0);
    fs::remove(s.path("target"));
    fs::create_directory(s.path("target"));
    expect(log.list().error(), s.path("link") + ": is no regular file", 0);
    expect(log.insert(make('1')).error(), s.path("link"), EISDIR);
    fs::remove(s.path("target"));
    fs::remove(s.path("link"));
    fs::create_symlink("none/target", s.path("link"));
    expect(log.list().error(), s.path("link") + ": its directory cannot be opened", ENOENT);
    expect(log.insert(make('1')).error(), s.path("link"), ENOENT);
    fs::remove(s.path("link"));
    fs::create_symlink("link", s.path("link"));
    both("", ELOOP);
}

TEST_CASE("a call that fails while the file is opened is an error with its reason") {
    scratch const s;
    told_log const log(s.path());
    told_posix::reset();
    log.insert(make('1')).value();
    auto const text = read(s.path());
    for (auto const* call : {"open", "status", "status of path", "read"}) {
        CAPTURE(call);
        for (bool const lists : {true, false}) {
            told_log const fresh(s.path());
            told_posix::reset();
            told_posix::next[call] = {EACCES};
            if (lists) {
                expect(fresh.list().error(), s.path(), EACCES);
            } else {
                auto const failed = fresh.insert(make('2')).error();
                expect(failed, s.path(), EACCES);
                CHECK(failed.delivery() == delivery::not_sent);
            }
            CHECK(read(s.path()) == text);
            CHECK(fresh.list().value() == std::vector{make('1')}); // and then it is as before
        }
    }
    told_posix::reset();
    told_posix::next["lock"] = {ENOLCK, EIO, EWOULDBLOCK};
    told_log const impatient(s.path(), 0ms);
    expect(impatient.list().error(), s.path() + ": the file system has no locks (flock)", ENOLCK);
    expect(impatient.list().error(), s.path() + ": cannot be locked", EIO);
    expect(impatient.list().error(), s.path() + ": another process has held its lock for 0 ms",
           EWOULDBLOCK);
}

TEST_CASE("a file that is replaced or removed between opening and locking is opened again, not for "
          "ever") {
    scratch const s;
    static std::string path;
    static int removals, replacements;
    struct busy : told_posix {
        static int lock(int d, int operation) {
            if (removals > 0) --removals, ::unlink(path.c_str());
            if (replacements > 0) {
                fs::rename(path, path + std::to_string(--replacements)); // of another inode
                faults::write(path, format);
            }
            return posix::lock(d, operation);
        }
    };
    told_posix::reset();
    path = s.path();
    for (int const times : {1, 99, 100}) {
        CAPTURE(times);
        access::basic_file_intent_log<busy> const log(s.path());
        for (bool const removes : {true, false}) {
            CAPTURE(removes);
            removals = removes ? times : 0, replacements = removes ? 0 : times;
            auto const inserted = log.insert(make('1'));
            CHECK(inserted.has_value() == (times < 100));
            if (!inserted) expect(inserted.error(), s.path() + ": is replaced again and again", 0);
            fs::remove_all(s.directory);
            fs::create_directory(s.directory);
            faults::write(path, format);
        }
    }
    removals = replacements = 0;
}

TEST_CASE("what was read is not read again; another file, a shorter one and another device's are") {
    scratch const s;
    told_posix::reset();
    told_log const log(s.path());
    log.insert(make('1')).value();
    CHECK(told_posix::bytes_read == 0); // it wrote all that is there
    CHECK(log.list().value().size() == 1);
    log.update(make('1', "changed")).value();
    CHECK(told_posix::bytes_read == 0);
    CHECK(told_posix::made["read"] == 0); // nor asked for
    auto const other = line_of(make('2'));
    write(s.path(), read(s.path()) + other); // by another process
    CHECK(log.list().value().size() == 2);
    CHECK(told_posix::bytes_read == other.size());

    auto const inode = inode_of(s.path());
    write(s.path(), format + line_of(make('3')));
    REQUIRE(inode_of(s.path()) == inode);
    CHECK(log.list().value() == std::vector{make('3')});
    write(s.path(), format + line_of(make('4'))); // as long: it is seen where the device is another
    told_posix::device_change = 1;
    CHECK(log.list().value() == std::vector{make('4')});
    told_posix::device_change = 0;
    write(s.path("new"), format + line_of(make('5')));
    fs::rename(s.path("new"), s.path());
    CHECK(log.list().value() == std::vector{make('5')});
    fs::remove(s.path());
    CHECK(log.list().value().empty());
    write(s.path(), format + line_of(make('6')));
    CHECK(log.list().value() == std::vector{make('6')});
}

TEST_CASE("a log is written anew where it is over 64 KiB and less than a quarter is of use") {
    auto const inserted = line_of(make('9')).size();
    std::size_t const small = 64 * 1024;
    struct {
        std::size_t size, live;
        bool is_anew;
    } const cases[] = {{small, 1000, false},
                       {small + 1, 1000, true},
                       {small + 400, (small + 400) / 4, false},
                       {small + 400, (small + 400) / 4 - 1, true},
                       {2 * small + 3, (2 * small + 3) / 4, false},
                       {2 * small, 2 * small / 4 - 1, true}};
    for (auto const& c : cases) {
        CAPTURE(c.size);
        CAPTURE(c.live);
        scratch const s;
        told_posix::reset();
        write(s.path(), sized(c.size, c.live - inserted));
        REQUIRE(fs::file_size(s.path()) == c.size);
        auto const before = inode_of(s.path());
        told_log const log(s.path());
        log.insert(make('9')).value();
        CHECK((inode_of(s.path()) != before) == c.is_anew);
        CHECK(fs::file_size(s.path()) == (c.is_anew ? format.size() + c.live : c.size + inserted));
        CHECK(log.list().value().size() == 2);
        CHECK(s.entries() == 1);
        told_posix::reset();
        log.insert(make('8')).value();
        CHECK(told_posix::bytes_read == 0); // it knows the new file
    }
}

TEST_CASE(
    "what was written before a failure is taken back, and the next write writes the file anew") {
    for (auto const* call : {"write", "sync"})
        for (bool const is_first : {true, false}) {
            CAPTURE(call);
            CAPTURE(is_first);
            scratch const s;
            told_posix::reset();
            told_log const log(s.path());
            if (!is_first) log.insert(make('1')).value();
            auto const before = read(s.path());
            told_posix::reset();
            told_posix::next[call] = {ENOSPC};
            auto const failed = log.insert(make('2')).error();
            expect(failed, s.path(), ENOSPC);
            CHECK(failed.delivery() == delivery::unknown); // what the disk holds is not known
            CHECK(read(s.path()) == before);
            CHECK(log.list().value().size() == (is_first ? 0 : 1));
            auto const inode = inode_of(s.path());
            log.insert(make('3')).value();
            CHECK(inode_of(s.path()) != inode);
            CHECK(read(s.path()) == (is_first ? format : before) + line_of(make('3')));
            auto const anew = inode_of(s.path());
            log.insert(make('4')).value();
            CHECK(inode_of(s.path()) == anew); // once
            CHECK(s.entries() == 1);
        }
}

TEST_CASE(
    "where the file cannot be written anew after a failure, it is written to, and tried again") {
    struct {
        char const* call;
        std::size_t nth; ///< from 0: those before are not of the new file
    } const cases[] = {{"status", 1}, {"status", 2}, {"status", 3}, {"open", 1},
                       {"write", 0},  {"sync", 0},   {"rename", 0}};
    for (auto const& c : cases) {
        CAPTURE(c.call);
        CAPTURE(c.nth);
        scratch const s;
        told_posix::reset();
        told_log const log(s.path());
        log.insert(make('1')).value();
        auto const inode = inode_of(s.path());
        told_posix::reset();
        told_posix::next["sync"] = {EIO};
        CHECK(log.insert(make('2')).has_error());
        told_posix::reset();
        told_posix::next[c.call] = std::vector<int>(c.nth, 0);
        told_posix::next[c.call].push_back(EIO);
        CHECK(log.insert(make('3')).has_value());
        CHECK(inode_of(s.path()) == inode);
        CHECK(read(s.path()) == format + line_of(make('1')) + line_of(make('3')));
        CHECK(s.entries() == 1);
        CHECK(log.erase(make('3')).has_value());
        CHECK(inode_of(s.path()) != inode);
        CHECK(read(s.path()) == format + line_of(make('1')));
    }
}

TEST_CASE("a log that was written anew and not flushed says that the change may be there") {
    scratch const s;
    write(s.path(), sized(70'000, 1'000));
    told_posix::reset();
    told_posix::next["sync"] = {0, EIO}; // the new file, the directory
    auto const failed = told_log(s.path()).insert(make('9')).error();
    expect(failed, s.path(), EIO);
    CHECK(failed.delivery() == delivery::unknown);
    CHECK(told_log(s.path()).list().value().size() == 2);
}

TEST_CASE("an unterminated end that cannot be read or cut off is an error, and stays") {
    for (auto const* call : {"read", "truncate"}) {
        CAPTURE(call);
        scratch const s;
        auto const text = format + line_of(make('1')) + line_of(make('2')).substr(0, 40);
        write(s.path(), text);
        told_posix::reset();
        told_log const log(s.path());
        CHECK(log.list().value().size() == 1);
        told_posix::reset();
        // The first reads the new end for lines, and stops at what has none.
        told_posix::next[call] =
            call == std::string_view("read") ? std::vector{0, 0, EIO} : std::vector{EIO, EIO};
        auto const failed = log.insert(make('3')).error();
        expect(failed, s.path(), EIO);
        CHECK(failed.delivery() == delivery::not_sent);
        CHECK(read(s.path()) == text);
        told_posix::reset();
        CHECK(log.insert(make('3')).has_value());
        CHECK(read(s.path()) == format + line_of(make('1')) + line_of(make('3')));
        CHECK(log.damaged_lines() == 0);
    }
}

TEST_CASE("what processes that died left beside a log is swept when it is written anew") {
    for (bool const is_listed : {true, false}) {
        scratch const s;
        std::vector<std::string> const others = {
            "file.new.0123456789abcde",   "file.new.0123456789abcdef0",
            "file.new.0123456789abcdeg",  "other.new.0123456789abcdef",
            ".file.new.0123456789abcdef", "xfile.new.0123456789abcdef"};
        for (auto const& other : others)
            write(s.path(other), "the user's");
        write(s.path("file.new.0123456789abcdef"), "left over");
        write(s.path("file.new.ffffffffffffffff"), "left over");
        write(s.path(), sized(70'000, 1'000));
        told_posix::reset();
        if (!is_listed) told_posix::next["list"] = {EIO};
        told_log(s.path()).insert(make('9')).value();
        for (auto const& other : others)
            CHECK(fs::exists(s.path(other)));
        CHECK(fs::exists(s.path("file.new.0123456789abcdef")) == !is_listed);
        CHECK(s.entries() == static_cast<int>(others.size()) + (is_listed ? 1 : 3));
        CHECK(fs::file_size(s.path()) < 2'000);
    }
}

} // namespace intent_log_file_tests

#include <cloudflare/access/file_intent_log.hpp>

#include "faulty_posix.hpp"
#include "scratch.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace file_intent_log_tests {
namespace {

using namespace cloudflare;
using access::file_intent_log;
using access::intent;
using faults::read;
using faults::scratch;
using faults::write;
namespace fs = std::filesystem;

struct tag {};
using faulty = faults::faulty_posix<tag>;
using faulty_log = access::basic_file_intent_log<faulty>;
/// For what comes before and behind what is tested.
struct never_synced : access::detail::posix {
    static int sync(int) noexcept { return 0; }
};
using quick_log = access::basic_file_intent_log<never_synced>;

intent make(char digit, std::string name = "ci") {
    auto const account = access::account_scope::parse(std::string(32, 'a')).value();
    intent i(std::string(32, digit), account, std::move(name),
             timestamp::parse("2026-11-24T00:00:00Z").value(), "note");
    i.key = i.tag;
    return i;
}
intent numbered(int n) {
    auto i = make('0');
    auto const digits = std::to_string(n);
    i.tag.replace(32 - digits.size(), digits.size(), digits);
    i.key = i.tag;
    return i;
}
std::vector<intent> all_of(std::string const& path) {
    return quick_log(path).list().value();
}
void insert(std::string const& path, intent const& i) {
    CHECK_FALSE(quick_log(path).insert(i).value().has_value());
}
constexpr std::string_view format = access::detail::journal_format;
std::string line_of(intent const& i) {
    return access::detail::intent_journal::line_of(i) + '\n';
}
std::string whole_line(std::string const& json) {
    return access::detail::crc32_text(json) + ' ' + json + '\n';
}

} // namespace

TEST_CASE("what is inserted is there for every later process, until it is erased") {
    scratch const s;
    CHECK(all_of(s.path()).empty());
    insert(s.path(), make('1', "a \"quoted\"\nname \xc3\xbc"));
    insert(s.path(), make('2'));
    auto const both = all_of(s.path());
    REQUIRE(both.size() == 2);
    CHECK(both[0] == make('1', "a \"quoted\"\nname \xc3\xbc"));
    file_intent_log(s.path()).erase(both[0]).value();
    CHECK(file_intent_log(s.path()).erase(make('9')).error() == errc::conflict);
    auto const one = all_of(s.path());
    REQUIRE(one.size() == 1);
    CHECK(one[0] == make('2'));
}

TEST_CASE("every member of an intent comes back") {
    scratch const s;
    auto const zone = access::zone_scope::parse(std::string(32, 'b')).value();
    intent i(std::string(32, '1'), zone, "x", timestamp::parse("2026-11-24T00:00:01.5Z").value(),
             "a note");
    i.purpose = access::intent_purpose::rotate;
    i.key = "key";
    i.sink = "sink";
    i.token_id = "id";
    i.version = 1'234'567'890'123;
    i.state = access::intent_state::lost;
    i.until = timestamp::parse("2027-01-01T00:00:00Z").value();
    i.revision = 41;
    insert(s.path(), i);
    CHECK(all_of(s.path()).at(0) == i);
}

TEST_CASE("an insert says who has the tag or the key, and writes nothing") {
    scratch const s;
    file_intent_log const log(s.path());
    insert(s.path(), make('1'));
    auto const before = read(s.path());
    CHECK(log.insert(make('1', "other name")).value().value() == make('1'));
    auto same_key = make('2');
    same_key.key = make('1').key;
    CHECK(log.insert(same_key).value().value() == make('1'));
    CHECK(read(s.path()) == before);
    auto settled = make('1');
    settled.state = access::intent_state::settled;
    log.update(settled).value();
    CHECK_FALSE(log.insert(same_key).value().has_value());
}

TEST_CASE("an update counts where the revision is the one that is held") {
    scratch const s;
    file_intent_log const log(s.path());
    insert(s.path(), make('1'));
    insert(s.path(), make('2'));
    auto mine = make('1', "mine");
    log.update(mine).value();
    CHECK(log.update(make('1', "too late")).error() == errc::conflict);
    CHECK(log.update(make('3')).error() == errc::conflict);
    CHECK(log.erase(make('1')).error() == errc::conflict);
    auto const held = log.list().value();
    REQUIRE(held.size() == 2);
    CHECK(held[0].name == "mine");
    CHECK(held[0].revision == 2);
    mine.revision = 2;
    log.erase(mine).value();
    CHECK(log.list().value().size() == 1);
}

TEST_CASE("the file is for its owner only, and begins with its format") {
    scratch const s;
    insert(s.path(), make('1'));
    CHECK(fs::status(s.path()).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(read(s.path()) == std::string(format) + line_of(make('1')));
}

TEST_CASE("a log cut at any byte keeps every whole line, and can be written to "
          "again") {
    scratch const s;
    insert(s.path(), make('1'));
    auto const first = read(s.path());
    insert(s.path(), make('2'));
    auto const both = read(s.path());
    for (std::size_t cut = 0; cut <= both.size(); ++cut) {
        CAPTURE(cut);
        write(s.path(), both.substr(0, cut));
        // A line counts also without its newline.
        auto const expected = cut + 1 >= both.size() ? 2U : cut + 1 >= first.size() ? 1U : 0U;
        file_intent_log const log(s.path());
        CHECK(log.list().value().size() == expected);
        insert(s.path(), make('3'));
        auto const after = log.list().value();
        REQUIRE(after.size() == expected + 1);
        CHECK(after.back() == make('3'));
        CHECK(log.damaged_lines() == 0);
    }
}

TEST_CASE("whatever bit is flipped, other lines stay, no byte is lost, and it "
          "is said") {
    scratch const s;
    faulty::reset();
    faulty::no_sync = true;
    for (char digit : {'1', '2', '3'})
        insert(s.path(), make(digit));
    auto const good = read(s.path());
    auto const first = format.size(), second = first + line_of(make('1')).size();
    for (std::size_t at = first; at != second; ++at) {
        CAPTURE(at);
        auto text = good;
        text[at] = static_cast<char>(text[at] ^ 4);
        if (text[at] == '\n' || good[at] == '\n') continue;
        write(s.path(), text);
        faulty_log const log(s.path());
        auto const left = log.list().value();
        REQUIRE(left.size() == 2);
        CHECK(left[0] == make('2'));
        CHECK(log.damaged_lines() == 1);
        CHECK_FALSE(log.insert(make('4')).value().has_value());
        CHECK(read(s.path()) == text + line_of(make('4')));
    }
    faulty::reset();
}

TEST_CASE("a line whose newline is damaged counts, as the next one does, and it is said") {
    scratch const s;
    for (char digit : {'1', '2', '3'})
        insert(s.path(), make(digit));
    auto const good = read(s.path());
    auto const line = line_of(make('1')).size();
    for (std::size_t n = 1; n != 4; ++n)
        for (int bit = 0; bit != 8; ++bit) {
            CAPTURE(n);
            CAPTURE(bit);
            auto text = good;
            auto& newline = text[format.size() + n * line - 1];
            newline = static_cast<char>(newline ^ (1 << bit));
            write(s.path(), text);
            file_intent_log const log(s.path()), another(s.path());
            CHECK(log.list().value() == std::vector{make('1'), make('2'), make('3')});
            CHECK(log.damaged_lines() == 1);
            CHECK(another.list().value().size() == 3);
            insert(s.path(), make('4'));
            CHECK(log.list().value().size() == 4); // reads on
            CHECK(another.insert(make('5')).value() == std::nullopt);
            CHECK(read(s.path()) ==
                  text + (n == 3 ? "\n" : "") + line_of(make('4')) + line_of(make('5')));
            auto const all = all_of(s.path());
            REQUIRE(all.size() == 5);
            CHECK(all[2] == make('3'));
            CHECK(log.list().value() == all);
            CHECK(log.damaged_lines() == 1);
        }
}

TEST_CASE("a last line without its newline counts, and what is written next is a line of its own") {
    scratch const s;
    insert(s.path(), make('1'));
    auto text = read(s.path());
    text.pop_back();
    write(s.path(), text);
    file_intent_log const log(s.path()), another(s.path());
    CHECK(log.list().value().size() == 1);
    CHECK(log.damaged_lines() == 0);
    CHECK(another.insert(make('1')).value() == make('1'));
    CHECK(read(s.path()) == text); // nothing was to be written
    CHECK_FALSE(another.insert(make('2')).value().has_value());
    CHECK(read(s.path()) == text + '\n' + line_of(make('2')));
    CHECK(log.list().value().size() == 2);
    CHECK(log.damaged_lines() == 0);
    CHECK(log.erase(log.list().value()[0]).has_value());
    CHECK(all_of(s.path()) == std::vector{make('2')});
}

TEST_CASE("a damaged last line is ignored, kept and said") {
    scratch const s;
    insert(s.path(), make('1'));
    auto const good = read(s.path());
    insert(s.path(), make('2'));
    auto text = read(s.path());
    text[good.size() + 20] ^= 1;
    write(s.path(), text);
    file_intent_log const log(s.path());
    CHECK(log.list().value().size() == 1);
    CHECK(log.damaged_lines() == 1);
    log.insert(make('3')).value();
    CHECK(read(s.path()).starts_with(text));
}

TEST_CASE("a hole of zeros before a line is damage, and the line counts") {
    scratch const s;
    write(s.path(), std::string(format) + std::string(100, '\0') + line_of(make('1')));
    file_intent_log const log(s.path());
    CHECK(log.list().value().size() == 1);
    CHECK(log.damaged_lines() == 1);
}

TEST_CASE("an unterminated end that no crash can leave is kept as a damaged line") {
    scratch const s;
    auto const text = std::string(format) + line_of(make('1')) + "a note without a newline";
    write(s.path(), text);
    file_intent_log const log(s.path());
    CHECK(log.list().value().size() == 1);
    log.insert(make('2')).value();
    CHECK(read(s.path()) == text + '\n' + line_of(make('2')));
    CHECK(log.damaged_lines() == 1);
    CHECK(all_of(s.path()).size() == 2);
}

TEST_CASE("a file that is no log is refused and left as it is") {
    for (auto const& text :
         {std::string("notes\nof mine\n"), std::string("{\"a\": 1}"), std::string("cafe"),
          std::string("\n"), std::string("# cloudflare-access intents, format 2\n"),
          std::string(5000, '\0'), std::string(format).substr(1)}) {
        CAPTURE(text);
        scratch const s;
        write(s.path(), text);
        file_intent_log const log(s.path());
        CHECK(log.insert(make('1')).error() == errc::intent_log_failed);
        CHECK(log.list().error() == errc::intent_log_failed);
        CHECK(log.erase(make('1')).error() == errc::intent_log_failed);
        CHECK(read(s.path()) == text);
        CHECK(s.entries() == 1);
    }
}

TEST_CASE("a log of the time before the format line is read") {
    scratch const s;
    auto const old = whole_line(R"({"open":")" + std::string(32, '1') +
                                R"(","scope":"account","id":")" + std::string(32, 'a') +
                                R"(","name":"ci","note":"note","at":"2026-11-24T00:00:00Z"})");
    write(s.path(), old);
    auto const held = all_of(s.path());
    REQUIRE(held.size() == 1);
    CHECK(held[0].tag == make('1').tag);
    insert(s.path(), make('2'));
    CHECK(all_of(s.path()).size() == 2);
}

TEST_CASE("what is no regular file is refused") {
    scratch const s;
    fs::create_directory(s.path());
    CHECK(file_intent_log(s.path()).list().error() == errc::intent_log_failed);
    CHECK(file_intent_log(s.path()).insert(make('1')).error() == errc::intent_log_failed);
    REQUIRE(::mkfifo(s.path("fifo").c_str(), 0600) == 0);
    CHECK(file_intent_log(s.path("fifo")).list().error() == errc::intent_log_failed);
    CHECK(file_intent_log(s.path("fifo")).insert(make('1')).error() == errc::intent_log_failed);
}

TEST_CASE("a whole line that is not understood is kept for ever") {
    scratch const s;
    faulty::reset();
    faulty::no_sync = true;
    auto later = whole_line(R"({"later":"version","members":[1,2]})");
    auto state = line_of(make('7'));
    auto const at = state.find(R"("state":0)");
    state = whole_line(state.substr(9, at - 9) + R"("state":9)" +
                       state.substr(at + 9, state.size() - at - 10));
    write(s.path(), std::string(format) + later + state);
    faulty_log const log(s.path());
    CHECK(log.list().value().empty());
    CHECK(log.damaged_lines() == 0);
    for (int i = 0; i != 400; ++i) {
        log.insert(make('1')).value();
        log.erase(make('1')).value();
    }
    auto const text = read(s.path());
    CHECK(text.size() < 70'000);
    CHECK(text.find(later) != text.npos);
    CHECK(text.find(state) != text.npos);
    faulty::reset();
}

TEST_CASE("a long log is written anew, with what is open, damaged and not "
          "understood") {
    scratch const s;
    faulty::reset();
    faulty::no_sync = true;
    insert(s.path(), make('8'));
    auto const damaged = std::string("12345678 damaged\n");
    write(s.path(), read(s.path()) + damaged);
    REQUIRE(::chmod(s.path().c_str(), 0640) == 0);
    write(s.path(".stranger"), "");
    write(s.path("file.new.0123456789abcdef"), "left over");
    faulty_log const log(s.path());
    for (int i = 0; i != 400; ++i) {
        log.insert(make('1')).value();
        log.erase(make('1')).value();
    }
    CHECK(read(s.path()).size() < 70'000);
    CHECK(read(s.path()).find(damaged) != std::string::npos);
    log.insert(make('2')).value();
    auto const held = all_of(s.path());
    REQUIRE(held.size() == 2);
    CHECK(held[0] == make('8'));
    CHECK(held[1] == make('2'));
    struct ::stat now{};
    REQUIRE(::stat(s.path().c_str(), &now) == 0);
    CHECK((now.st_mode & 07777) == 0640);
    CHECK(s.entries() == 2);
    faulty::reset();
}

TEST_CASE("every write of a log is there for others, also the one that has it written anew") {
    scratch const s;
    quick_log const log(s.path());
    if (::geteuid() == 0) {
        log.insert(make('3')).value();
        REQUIRE(::chown(s.path().c_str(), 0, 1) == 0);
    }
    auto const others = ::geteuid() == 0 ? 1U : 0U;
    for (int i = 0; i != 400; ++i) {
        log.insert(make('1')).value();
        CHECK(all_of(s.path()).size() == others + 1);
        log.erase(make('1')).value();
        CHECK(all_of(s.path()).size() == others);
    }
    struct ::stat status{};
    REQUIRE(::stat(s.path().c_str(), &status) == 0);
    CHECK(status.st_size < 70'000);
    if (::geteuid() == 0) CHECK(status.st_gid == 1);
}

TEST_CASE("a log that is removed between opening and locking is made anew") {
    scratch const s;
    static std::string victim;
    struct removing : never_synced {
        static int lock(int d, int operation) {
            if (!victim.empty()) ::unlink(std::exchange(victim, "").c_str());
            return access::detail::posix::lock(d, operation);
        }
    };
    victim = s.path();
    CHECK(access::basic_file_intent_log<removing>(s.path()).insert(make('1')).has_value());
    CHECK(all_of(s.path()).size() == 1);
}

TEST_CASE("a log that is written anew says so where its directory cannot be synced") {
    scratch const s;
    static bool is_broken;
    struct unsynced : access::detail::posix {
        static int sync(int d) {
            struct ::stat status{};
            if (!is_broken || ::fstat(d, &status) != 0 || !S_ISDIR(status.st_mode)) return 0;
            return errno = EIO, -1;
        }
    };
    is_broken = false;
    access::basic_file_intent_log<unsynced> const log(s.path());
    auto big = make('1');
    big.note = std::string(70'000, 'n');
    log.insert(big).value();
    log.insert(make('2')).value();
    is_broken = true;
    CHECK(log.erase(big).error().details().cause.value() == EIO);
    is_broken = false;
    CHECK(log.damaged_lines() == 0);
    CHECK(log.insert(make('3')).has_value());
    CHECK(log.list().value().size() == 2); // erased all the same
    CHECK(log.damaged_lines() == 0);
}

TEST_CASE("a long log in a directory that cannot be written to goes on growing") {
    scratch const s;
    struct no_rename : faults::faulty_posix<tag> {
        static int rename(char const*, char const*) { return errno = EBUSY, -1; }
    };
    faulty::reset();
    faulty::no_sync = true;
    access::basic_file_intent_log<no_rename> const log(s.path());
    for (int i = 0; i != 400; ++i) {
        log.insert(make('1')).value();
        log.erase(make('1')).value();
    }
    log.insert(make('2')).value();
    CHECK(read(s.path()).size() > 100'000);
    CHECK(all_of(s.path()).size() == 1);
    CHECK(s.entries() == 1);
    faulty::reset();
}

TEST_CASE("a write costs the same with one past issue and with thousands, and "
          "1,000 open") {
    scratch const s;
    faulty::reset();
    faulty::no_sync = true;
    faulty_log const log(s.path());
    auto const cost_of = [&](intent const& i) {
        auto const calls = faulty::calls;
        auto const bytes = faulty::bytes_read + faulty::bytes_written;
        log.insert(i).value();
        log.erase(i).value();
        return std::pair(faulty::calls - calls, faulty::bytes_read + faulty::bytes_written - bytes);
    };
    log.insert(make('f')).value();
    auto const first = cost_of(make('1'));
    for (int i = 0; i != 1000; ++i)
        log.insert(numbered(i)).value();
    auto const before = faulty::bytes_read + faulty::bytes_written;
    for (int i = 0; i != 5000; ++i)
        static_cast<void>(cost_of(make('1')));
    auto const each = (faulty::bytes_read + faulty::bytes_written - before) / 5000;
    CHECK(each < 2 * first.second); // with all that was written anew
    CHECK(cost_of(make('1')) == first);
    faulty::reset();
}

TEST_CASE("several processes see each other's writes, and the file that one of "
          "them wrote anew") {
    scratch const s;
    faulty::reset();
    faulty::no_sync = true;
    faulty_log const one(s.path()), other(s.path());
    for (int i = 0; i != 300; ++i) {
        CHECK_FALSE(one.insert(make('1')).value().has_value());
        CHECK(other.insert(make('1')).value().has_value());
        CHECK(other.erase(make('1')).has_value());
        CHECK_FALSE(other.insert(make('2')).value().has_value());
        CHECK(one.list().value().size() == 1);
        CHECK(one.erase(make('2')).has_value());
    }
    CHECK(read(s.path()).size() < 70'000);
    faulty::reset();
}

TEST_CASE("a log that is removed or replaced is read anew") {
    scratch const s;
    file_intent_log const log(s.path());
    log.insert(make('1')).value();
    fs::remove(s.path());
    CHECK(log.list().value().empty());
    log.insert(make('2')).value();
    CHECK(all_of(s.path()).size() == 1);
    write(s.path("other"), std::string(format) + line_of(make('3')) + line_of(make('4')));
    fs::rename(s.path("other"), s.path());
    CHECK(log.list().value().size() == 2);
    CHECK(log.insert(make('2')).has_value());
    CHECK(all_of(s.path()).size() == 3);
}

TEST_CASE("a file that is put in the log's place between opening and locking "
          "is the one written to") {
    static std::string from, to;
    struct replaced : faults::faulty_posix<tag> {
        static int lock(int d, int operation) {
            if (!from.empty()) fs::rename(std::exchange(from, {}), to);
            return real::lock(d, operation);
        }
    };
    scratch const s;
    faulty::reset();
    insert(s.path(), make('1'));
    insert(s.path("other"), make('2'));
    from = s.path("other"), to = s.path();
    access::basic_file_intent_log<replaced> const log(s.path());
    CHECK_FALSE(log.insert(make('3')).value().has_value());
    auto const held = all_of(s.path());
    REQUIRE(held.size() == 2);
    CHECK(held[0] == make('2'));
    CHECK(held[1] == make('3'));
}

TEST_CASE("the first write puts file and directory on the disk, each further "
          "one the file") {
    scratch const s;
    faulty::reset();
    faulty_log const log(s.path());
    log.insert(make('1')).value();
    CHECK(faulty::syncs == 2);
    log.insert(make('2')).value();
    CHECK(faulty::syncs == 3);
    CHECK_FALSE(log.insert(make('2')).value() == std::nullopt);
    CHECK(faulty::syncs == 3);
}

TEST_CASE("writes of several threads at once share their syncs, and none is lost") {
    scratch const s;
    faulty::reset();
    faulty::sync_takes = std::chrono::milliseconds(5);
    faulty_log const log(s.path());
    std::vector<std::thread> threads;
    for (int t = 0; t != 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i != 10; ++i)
                CHECK_FALSE(log.insert(numbered(t * 10 + i)).value().has_value());
        });
    for (auto& t : threads)
        t.join();
    CHECK(all_of(s.path()).size() == 80);
    CHECK(faulty::syncs < 60); // one alone would need 81
    faulty::reset();
}

TEST_CASE("of several threads and processes that want one key, one gets it") {
    scratch const s;
    file_intent_log const shared(s.path());
    std::atomic<int> got = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t != 8; ++t)
        threads.emplace_back([&, t] {
            auto i = numbered(t);
            i.key = "one key";
            auto const log = t % 2 == 0 ? shared : file_intent_log(s.path());
            got += log.insert(i).value().has_value() ? 0 : 1;
        });
    for (auto& t : threads)
        t.join();
    CHECK(got == 1);
    CHECK(all_of(s.path()).size() == 1);
}

TEST_CASE("a process that holds the lock for ever does not block for ever") {
    scratch const s;
    insert(s.path(), make('1'));
    int const held = ::open(s.path().c_str(), O_RDWR);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    file_intent_log const log(s.path(), std::chrono::milliseconds(30));
    auto const inserted = log.insert(make('2'));
    CHECK(inserted.error() == errc::intent_log_failed);
    CHECK(inserted.error().to_string().find("lock") != std::string::npos);
    CHECK(log.list().error() == errc::intent_log_failed);
    ::close(held);
    CHECK(log.insert(make('2')).has_value());
}

TEST_CASE("a file system without locks is an error that says so") {
    scratch const s;
    faulty::reset();
    faulty::no_locks = true;
    auto const inserted = faulty_log(s.path()).insert(make('1'));
    faulty::reset();
    CHECK(inserted.error() == errc::intent_log_failed);
    CHECK(inserted.error().to_string().find("flock") != std::string::npos);
}

TEST_CASE("an intent without a tag is refused, and the error says so") {
    scratch const s;
    auto i = make('1');
    i.tag.clear();
    auto const e = file_intent_log(s.path()).insert(i).error();
    CHECK(e == errc::invalid_argument);
    CHECK(e.details().explanation == "intent: tag must not be empty");
    CHECK(s.entries() == 0);
}

TEST_CASE("an intent that is not UTF-8 is refused, not lost") {
    scratch const s;
    file_intent_log const log(s.path());
    auto bad = make('1');
    bad.note = "/tmp/\xe9";
    CHECK(log.insert(bad).error() == errc::invalid_argument);
    CHECK(log.insert(make('1', "\xff")).error() == errc::invalid_argument);
    CHECK(log.insert(intent("", make('1').scope, "x")).error() == errc::invalid_argument);
    CHECK(log.list().value().empty());
}

TEST_CASE("a log that cannot be written is an error that names it") {
    file_intent_log const log("/no-such-directory/log");
    auto const opened = log.insert(make('1'));
    REQUIRE(opened.has_error());
    CHECK(opened.error() == errc::intent_log_failed);
    CHECK(opened.error().to_string().find("/no-such-directory/log") != std::string::npos);
}

TEST_CASE("a log that is not there yet is empty; one whose directory is missing is an error") {
    scratch const s;
    CHECK(file_intent_log(s.path()).list().value().empty());
    fs::create_symlink("later", s.path("link"));
    CHECK(file_intent_log(s.path("link")).list().value().empty());
    fs::create_symlink("not-mounted/log", s.path("elsewhere"));
    for (auto const& path : {s.path("not-mounted/log"), s.path("elsewhere")}) {
        CAPTURE(path);
        file_intent_log const log(path);
        auto const listed = log.list();
        REQUIRE(listed.has_error());
        CHECK(listed.error() == errc::intent_log_failed);
        CHECK(listed.error().to_string().find(path) != std::string::npos);
        CHECK(log.insert(make('1')).error().to_string().find(path) != std::string::npos);
    }
}

TEST_CASE("a log whose directory goes away is an error, and empty when that is back") {
    scratch const s;
    fs::create_directory(s.path("volume"));
    file_intent_log const log(s.path("volume/log"));
    CHECK_FALSE(log.insert(make('1')).value().has_value());
    fs::rename(s.path("volume"), s.path("away"));
    CHECK(log.list().error() == errc::intent_log_failed);
    fs::create_directory(s.path("volume"));
    CHECK(log.list().value().empty());
}

TEST_CASE("a patience of any length waits for the lock, and one of none asks once") {
    scratch const s;
    insert(s.path(), make('1'));
    for (auto const patience : {std::chrono::milliseconds::max(), std::chrono::milliseconds(0),
                                std::chrono::milliseconds(-1), std::chrono::milliseconds::min()})
        CHECK(file_intent_log(s.path(), patience).list().value().size() == 1);
    int const held = ::open(s.path().c_str(), O_RDWR);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    CHECK(file_intent_log(s.path(), std::chrono::milliseconds(-1)).list().has_error());
    std::thread releasing([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ::close(held);
    });
    auto const listed = file_intent_log(s.path(), std::chrono::milliseconds::max()).list();
    releasing.join();
    CHECK(listed.has_value());
}

TEST_CASE("whichever system call fails: no other intent is lost, and an error "
          "means not or whole") {
    for (bool const all_after : {false, true})
        for (int const reason : {EIO, ENOSPC})
            for (int operation = 0; operation != 4; ++operation) {
                int n = 1;
                for (bool failed = true; failed; ++n) {
                    CAPTURE(all_after);
                    CAPTURE(reason);
                    CAPTURE(operation);
                    CAPTURE(n);
                    REQUIRE(n < 200);
                    scratch const s;
                    faulty::reset();
                    faulty::no_sync = true;
                    if (operation != 0) {
                        insert(s.path(), make('1'));
                        insert(s.path(), make('2'));
                    }
                    if (operation == 3) { // the next write writes it anew
                        std::string past;
                        auto const erased =
                            access::detail::intent_journal::line_of_erased(make('3').tag) + '\n';
                        while (past.size() < 70'000)
                            past += line_of(make('3')) + erased;
                        write(s.path(), read(s.path()) + past);
                    }
                    faulty_log const log(s.path());
                    faulty::fail_at = n;
                    faulty::reason = reason;
                    faulty::all_after = all_after;
                    result<void> done;
                    if (operation == 0 || operation == 3) {
                        auto const inserted = log.insert(make('9'));
                        if (!inserted) done = inserted.error();
                    } else if (operation == 1) {
                        done = log.update(make('2', "new"));
                    } else {
                        done = log.erase(make('2'));
                    }
                    failed = faulty::calls >= n;
                    faulty::reset();
                    faulty::no_sync = true;

                    auto const has = [&](std::vector<intent> const& all, auto const& wanted) {
                        return std::find_if(all.begin(), all.end(), wanted) != all.end();
                    };
                    auto const expect = [&](std::vector<intent> const& all) {
                        if (operation != 0) {
                            CHECK(has(all, [](auto const& i) { return i == make('1'); }));
                        }
                        bool const made =
                            operation == 0 || operation == 3
                                ? has(all, [](auto const& i) { return i.tag == make('9').tag; })
                            : operation == 1
                                ? has(all, [](auto const& i) { return i.name == "new"; })
                                : !has(all, [](auto const& i) { return i.tag == make('2').tag; });
                        if (done) {
                            CHECK(made);
                        }
                    };
                    if (!done) {
                        CHECK(done.error() == errc::intent_log_failed);
                        CHECK(done.error().details().cause.value() == reason);
                    }
                    expect(all_of(s.path()));
                    expect(log.list().value()); // as this process sees it
                    // It can be written to again, by this process and by another.
                    CHECK_FALSE(log.insert(make('5')).value().has_value());
                    insert(s.path(), make('6'));
                    auto const after = all_of(s.path());
                    expect(after);
                    CHECK(has(after, [](auto const& i) { return i == make('5'); }));
                    CHECK(has(after, [](auto const& i) { return i == make('6'); }));
                    CHECK(log.list().value() == after);
                }
                CHECK(n > 8);
            }
    faulty::reset();
}

TEST_CASE("interrupted system calls and short writes change nothing for a log") {
    int n = 1;
    for (bool failed = true; failed; ++n) {
        CAPTURE(n);
        scratch const s;
        faulty::reset();
        faulty::short_writes = true;
        faulty::fail_at = n;
        faulty::reason = EINTR;
        CHECK(faulty_log(s.path()).insert(make('1')).has_value());
        failed = faulty::calls >= n;
        faulty::reset();
        CHECK(all_of(s.path()).size() == 1);
    }
    CHECK(n > 8);
}

} // namespace file_intent_log_tests

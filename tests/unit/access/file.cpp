// Files by themselves, the file that replaces another, and the lock of a name: each system call that matters fails.
#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/detail/name_lock.hpp>
#include <cloudflare/access/detail/replacement.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

namespace file_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using faults::read;
using faults::scratch;
using faults::write;
namespace detail = access::detail;
namespace fs = std::filesystem;

/// The real calls, except for those that a test lets fail: `next["open"] = {0, EIO}` lets the second one fail.
struct told_posix : detail::posix {
    static inline std::map<std::string, std::vector<int>> next{};
    static inline std::map<std::string, int> made{};
    static inline std::vector<int> flags{};
    static inline std::vector<int> closed{};

    static void reset() { next.clear(), made.clear(), flags.clear(), closed.clear(); }
    static bool fails(std::string const& call) {
        auto const n = static_cast<std::size_t>(made[call]++);
        auto const& told = next[call];
        int const reason = told.empty() ? 0 : n < told.size() ? told[n] : 0;
        if (reason != 0) errno = reason;
        return reason != 0;
    }
    static int open(char const* path, int f, ::mode_t mode) {
        flags.push_back(f);
        CHECK(mode == 0600);
        return fails("open") ? -1 : posix::open(path, f, mode);
    }
    static int close(int d) { return closed.push_back(d), posix::close(d); }
    static ::ssize_t read(int d, void* data, std::size_t size, ::off_t at) {
        return fails("read") ? -1 : posix::read(d, data, size, at);
    }
    static ::ssize_t write(int d, void const* data, std::size_t size) {
        return fails("write") ? -1 : posix::write(d, data, std::min<std::size_t>(size, 3));
    }
    static ::off_t seek(int d, ::off_t at) { return fails("seek") ? -1 : posix::seek(d, at); }
    static int sync(int d) { return fails("sync") ? -1 : posix::sync(d); }
    static int lock(int d, int operation) {
        CHECK((operation & LOCK_NB) != 0);
        return fails("lock") ? -1 : posix::lock(d, operation);
    }
    static int status(int d, struct ::stat& s) {
        return fails("status") ? -1 : posix::status(d, s);
    }
    static int status(char const* path, struct ::stat& s) {
        return fails("status of path") ? -1 : posix::status(path, s);
    }
    static int change_mode(int d, ::mode_t mode) {
        return fails("change_mode") ? -1 : posix::change_mode(d, mode);
    }
    static int change_owner(int d, ::uid_t user, ::gid_t group) {
        return fails("change_owner") ? -1 : posix::change_owner(d, user, group);
    }
    static int rename(char const* from, char const* to) {
        return fails("rename") ? -1 : posix::rename(from, to);
    }
    static int link(char const* from, char const* to) {
        return fails("link") ? -1 : posix::link(from, to);
    }
    static int unlink(char const* path) { return fails("unlink") ? -1 : posix::unlink(path); }
    static ::ssize_t read_link(char const* path, char* data, std::size_t size) {
        CHECK(size >= PATH_MAX);
        return fails("read_link") ? -1 : posix::read_link(path, data, size);
    }
    static int rename_to_new(char const* from, char const* to) {
        return fails("rename_to_new") ? -1 : posix::rename_to_new(from, to);
    }
};
using file = access::basic_file<told_posix>;
using replacement = detail::replacement<told_posix>;
using name_lock = detail::name_lock<told_posix>;

/// One that the test may read from and write to.
file opened(std::string const& path, int flags = O_RDWR | O_CREAT) {
    return file::open(path, flags, errc::sink_failed).value();
}
void expect(error const& e, errc code, std::string_view explanation, int reason) {
    CHECK(e == code);
    CHECK(e.details().explanation == explanation);
    CHECK(e.details().cause.value() == reason);
    CHECK(e.details().cause.category() == boost::system::system_category());
}
unsigned mode_of(std::string const& path) {
    struct ::stat s{};
    REQUIRE(::stat(path.c_str(), &s) == 0);
    return s.st_mode & 07777;
}

} // namespace

TEST_CASE("a file that is opened is not inherited, a new one is for its owner only") {
    scratch const s;
    told_posix::reset();
    auto const made = opened(s.path());
    CHECK(made.descriptor() >= 0);
    CHECK(mode_of(s.path()) == 0600);
    CHECK(told_posix::flags == std::vector{O_RDWR | O_CREAT | O_CLOEXEC});
    CHECK((::fcntl(made.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    auto const missing = file::open(s.path("none"), O_RDONLY, errc::intent_log_failed);
    expect(missing.error(), errc::intent_log_failed, s.path("none"), ENOENT);
    CHECK(missing.error().delivery() == delivery::not_sent);
}

TEST_CASE("a descriptor is closed once, by the last that has it") {
    scratch const s;
    told_posix::reset();
    int first = -1, second = -1;
    {
        auto one = opened(s.path("one")), two = opened(s.path("two"));
        first = one.descriptor(), second = two.descriptor();
        auto moved = std::move(one);
        CHECK(moved.descriptor() == first);
        CHECK(one.descriptor() == -1);
        CHECK(told_posix::closed.empty());
        moved = std::move(two);
        CHECK(moved.descriptor() == second);
        CHECK(told_posix::closed == std::vector{first});
    }
    CHECK(told_posix::closed == std::vector{first, second});
}

TEST_CASE("a descriptor of zero is one, too") {
    scratch const s;
    told_posix::reset();
    struct of_zero : told_posix {
        static int open(char const*, int, ::mode_t) { return 0; }
        static int close(int d) { return closed.push_back(d), 0; }
    };
    {
        CHECK(access::basic_file<of_zero>::open(s.path(), O_RDONLY, errc::sink_failed).has_value());
    }
    CHECK(told_posix::closed == std::vector{0});
}

TEST_CASE("what is written is whole, at the position or at a byte") {
    scratch const s;
    told_posix::reset();
    auto const f = opened(s.path());
    CHECK(f.write("abcdefgh")); // three bytes at a time
    CHECK(told_posix::made["write"] == 3);
    CHECK(f.write("IJ"));
    CHECK(read(s.path()) == "abcdefghIJ");
    CHECK(f.write("4567", 4));
    CHECK(read(s.path()) == "abcd4567IJ");
    CHECK(f.write("X", 0));
    CHECK(read(s.path()) == "Xbcd4567IJ");
    CHECK(f.write(""));
    told_posix::reset();
    told_posix::next["seek"] = {EIO};
    CHECK_FALSE(f.write("never", 0));
    CHECK(told_posix::made["write"] == 0);
    told_posix::next["write"] = {0, EINTR, 0, ENOSPC};
    CHECK_FALSE(f.write("abcdefghijkl", 0));
    CHECK(errno == ENOSPC);
    CHECK(read(s.path()) == "abcdef67IJ");
}

TEST_CASE("a system that writes nothing is not asked for ever") {
    struct writes_nothing : told_posix {
        static ::ssize_t write(int, void const*, std::size_t) { return 0; }
    };
    scratch const s;
    told_posix::reset();
    auto const f =
        access::basic_file<writes_nothing>::open(s.path(), O_RDWR | O_CREAT, errc::sink_failed);
    CHECK_FALSE(f->write("text"));
    CHECK(f->write(""));
}

TEST_CASE("what is read is whole, from a byte on, in place of what was there") {
    scratch const s;
    told_posix::reset();
    std::string text(40'000, ' ');
    for (std::size_t i = 0; i != text.size(); ++i)
        text[i] = static_cast<char>('a' + i % 23);
    write(s.path(), text);
    auto const f = opened(s.path());
    wiped_string into = "what was there";
    CHECK(f.read(into));
    CHECK(std::string_view(into) == text);
    CHECK(f.read(into, 17'000));
    CHECK(std::string_view(into) == std::string_view(text).substr(17'000));
    CHECK(f.read(into, 40'000));
    CHECK(into.empty());
    told_posix::reset();
    told_posix::next["read"] = {EINTR, 0, EIO};
    CHECK_FALSE(f.read(into));
    CHECK(errno == EIO);
    CHECK(told_posix::made["read"] == 3);
}

TEST_CASE("a file system that cannot flush is as good as one that did, a failure is not") {
    scratch const s;
    auto const f = opened(s.path());
    for (int const reason : {0, EINVAL, ENOTSUP, EINTR, EIO, ENOSPC, EROFS}) {
        CAPTURE(reason);
        told_posix::reset();
        told_posix::next["sync"] = {reason};
        CHECK(f.sync() ==
              (reason == 0 || reason == EINVAL || reason == ENOTSUP || reason == EINTR));
        CHECK(told_posix::made["sync"] == (reason == EINTR ? 2 : 1));
    }
    struct ::stat status{};
    told_posix::reset();
    told_posix::next["status"] = {EIO};
    CHECK_FALSE(f.status(status));
    CHECK(f.status(status));
    CHECK(S_ISREG(status.st_mode));
}

TEST_CASE("why a file could not be locked is said") {
    scratch const s;
    auto const f = opened(s.path());
    for (int const reason : {ENOLCK, EOPNOTSUPP, ENOSYS, EBADF, EIO, EINVAL, EWOULDBLOCK}) {
        CAPTURE(reason);
        told_posix::reset();
        told_posix::next["lock"] = {EINTR, reason};
        auto const locked = f.lock(LOCK_EX, 0ms, errc::intent_log_failed, "PATH");
        CHECK(told_posix::made["lock"] == 2);
        auto const why = reason == EIO || reason == EINVAL ? "PATH: cannot be locked"
                         : reason == EWOULDBLOCK
                             ? "PATH: another process has held its lock for 0 ms"
                             : "PATH: the file system has no locks (flock)";
        expect(locked.error(), errc::intent_log_failed, why, reason);
        CHECK(locked.error().delivery() == delivery::not_sent);
    }
    told_posix::reset();
    CHECK(f.lock(LOCK_EX, 0ms, errc::sink_failed, "PATH").has_value());
    auto const other = opened(s.path());
    CHECK(other.lock(LOCK_SH, 0ms, errc::sink_failed, "PATH").has_error());
    CHECK(f.lock(LOCK_SH, 0ms, errc::sink_failed, "PATH").has_value());
    CHECK(other.lock(LOCK_SH, 0ms, errc::sink_failed, "PATH").has_value());
}

TEST_CASE("who waits for a lock asks again, ever more seldom") {
    scratch const s;
    auto const f = opened(s.path());
    told_posix::reset();
    told_posix::next["lock"] = std::vector<int>(3, EWOULDBLOCK);
    CHECK(f.lock(LOCK_EX, 1h, errc::sink_failed, "PATH").has_value());
    CHECK(told_posix::made["lock"] == 4);
    told_posix::reset();
    told_posix::next["lock"] = std::vector<int>(1'000'000, EWOULDBLOCK);
    auto const begin = std::chrono::steady_clock::now();
    auto const locked = f.lock(LOCK_EX, 30ms, errc::sink_failed, "PATH");
    auto const took = std::chrono::steady_clock::now() - begin;
    expect(locked.error(), errc::sink_failed, "PATH: another process has held its lock for 30 ms",
           EWOULDBLOCK);
    CHECK(took >= 30ms);
    // 0.1, 0.2 ... 6.4, 10, 10 ms: at most so many fit in.
    CHECK(told_posix::made["lock"] <= 8 + took / 10ms);
    told_posix::reset();
}

TEST_CASE("the directory and the name of a path") {
    struct {
        std::string path, directory, name;
    } const cases[] = {{"a/b/c", "a/b", "c"}, {"/a/b", "/a", "b"}, {"/a", "/", "a"},
                       {"a", ".", "a"},       {"a/", "a", ""},     {"", ".", ""}};
    for (auto const& c : cases) {
        CAPTURE(c.path);
        CHECK(detail::directory_of(c.path) == c.directory);
        CHECK(detail::base_name_of(c.path) == c.name);
    }
}

TEST_CASE("links are followed, up to forty, to what need not be there") {
    scratch const s;
    told_posix::reset();
    auto const resolve = [](std::string const& path) {
        return detail::resolve_links<told_posix>(path, errc::intent_log_failed);
    };
    write(s.path("file"), "");
    CHECK(resolve(s.path("file")).value() == s.path("file"));
    CHECK(resolve(s.path("none")).value() == s.path("none"));
    CHECK(resolve("relative").value() == "relative");
    fs::create_symlink("none", s.path("relative"));
    fs::create_symlink(s.path("none"), s.path("absolute"));
    CHECK(resolve(s.path("relative")).value() == s.path("none"));
    CHECK(resolve(s.path("absolute")).value() == s.path("none"));
    fs::create_symlink("file", s.path("link 1"));
    for (int n = 2; n != 41; ++n)
        fs::create_symlink("link " + std::to_string(n - 1), s.path("link " + std::to_string(n)));
    CHECK(resolve(s.path("link 39")).value() == s.path("file"));
    expect(resolve(s.path("link 40")).error(), errc::intent_log_failed, s.path("file"), ELOOP);
    told_posix::reset();
    told_posix::next["read_link"] = {EACCES, EINVAL, ENOENT};
    expect(resolve(s.path("link 2")).error(), errc::intent_log_failed, s.path("link 2"), EACCES);
    CHECK(resolve(s.path("link 2")).value() == s.path("link 2"));
    CHECK(resolve(s.path("link 2")).value() == s.path("link 2"));
}

TEST_CASE("the directory of a file is opened, and nothing else") {
    scratch const s;
    told_posix::reset();
    write(s.path("file"), "");
    CHECK(access::open_directory_of<told_posix>(s.path("any"), errc::sink_failed).has_value());
    CHECK(told_posix::flags == std::vector{O_RDONLY | O_DIRECTORY | O_CLOEXEC});
    expect(access::open_directory_of<told_posix>(s.path("file/x"), errc::sink_failed).error(),
           errc::sink_failed, s.path("file"), ENOTDIR);
}

TEST_CASE("a mount point, a new name and the names in a directory, as the system tells them") {
    using posix = detail::posix;
    scratch const s;
    write(s.path("a"), "1"), write(s.path("b"), "2");
    if (fs::exists("/proc/self/stat")) {
        int const is_mounted = posix::is_mount_point("/proc");
        CHECK((is_mounted == 1 || is_mounted == -1)); // where the system does not tell
    }
    CHECK(posix::is_mount_point(s.path("a").c_str()) == 0);
#ifdef STATX_ATTR_MOUNT_ROOT
    CHECK(posix::is_mount_point(s.path("none").c_str()) == -1);
    CHECK(posix::is_immutable(s.path("none").c_str()) == -1);
#endif
    CHECK(posix::is_immutable(s.path("a").c_str()) == 0);
#ifdef FS_IOC_SETFLAGS
    for (int const which : {FS_IMMUTABLE_FL, FS_APPEND_FL}) {
        auto const f = opened(s.path("a"), O_RDONLY);
        int flags = which; // chattr +i or +a: for root, on some file systems
        if (::ioctl(f.descriptor(), FS_IOC_SETFLAGS, &flags) != 0) continue;
        int const is_immutable = posix::is_immutable(s.path("a").c_str());
        flags = 0;
        REQUIRE(::ioctl(f.descriptor(), FS_IOC_SETFLAGS, &flags) == 0);
        CHECK(is_immutable == 1);
    }
#endif
    errno = 0;
    CHECK(posix::rename_to_new(s.path("a").c_str(), s.path("b").c_str()) < 0);
    bool const has_call = errno == EEXIST;
    CHECK(read(s.path("b")) == "2");
    if (has_call) CHECK(posix::rename_to_new(s.path("a").c_str(), s.path("c").c_str()) == 0);
    std::vector<std::string> names;
    errno = 0;
    CHECK(posix::list(s.directory.c_str(), names) == 0);
    CHECK(std::set(names.begin(), names.end()) ==
          std::set<std::string>{".", "..", "b", has_call ? "c" : "a"});
    CHECK(posix::list(s.path("none").c_str(), names) == -1);
    CHECK(errno == ENOENT);

    struct ::stat status{};
    fs::create_symlink("b", s.path("link"));
    CHECK(posix::status(s.path("link").c_str(), status) == 0);
    CHECK(S_ISLNK(status.st_mode));
    CHECK(posix::change_time(s.path("b").c_str(), 1'700'000'000) == 0);
    CHECK(posix::status(s.path("b").c_str(), status) == 0);
    CHECK(status.st_mtime == 1'700'000'000);
}

TEST_CASE("the name of a file that replaces another") {
    CHECK(detail::replacement_prefix("a/b.c") == "b.c.new.");
    struct {
        std::string_view name;
        std::size_t digits;
    } const cases[] = {{"x.0123456789abcdef", 16},
                       {"x.0", 1},
                       {"x.", 0},
                       {"x.0g", 0},
                       {"x.0A", 0},
                       {"y.0", 0},
                       {"0x.", 0},
                       {"", 0},
                       {"x.q", 0},
                       {"xx.01", 0},
                       {"x.f9", 2}};
    for (auto const& c : cases) {
        CAPTURE(c.name);
        CHECK(detail::digits_after("x.", c.name) == c.digits);
    }
}

TEST_CASE("a replacement is a new file of a random name, removed unless it was moved") {
    scratch const s;
    told_posix::reset();
    std::set<std::string> names;
    std::string digits;
    for (int i = 0; i != 40; ++i) {
        auto const made = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
        names.insert(made.path());
        CHECK(made.path().starts_with(s.path("x.")));
        CHECK(detail::digits_after("x.", detail::base_name_of(made.path())) == 16);
        CHECK(fs::exists(made.path()));
        CHECK(mode_of(made.path()) == 0600);
        CHECK(told_posix::flags.back() == (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC));
        digits += made.path().substr(made.path().size() - 16);
    }
    CHECK(names.size() == 40);
    for (char const digit : std::string_view("0123456789abcdef"))
        CHECK(digits.find(digit) != digits.npos);
    CHECK(s.entries() == 0);
    {
        auto made = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
        auto const moved = std::move(made);
        CHECK(made.path().empty());
        CHECK(moved.file().write("text"));
        CHECK(read(moved.path()) == "text");
        auto taken = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
        CHECK(taken.remove());
        CHECK(s.entries() == 1);
        write(taken.path().empty() ? s.path("stays") : taken.path(), "");
    }
    CHECK(s.entries() == 1);
    told_posix::reset();
    told_posix::next["open"] = {EROFS};
    auto const failed = replacement::make(s.directory.string(), "x.", errc::intent_log_failed);
    CHECK(failed.error() == errc::intent_log_failed);
    CHECK(failed.error().details().explanation.starts_with(s.path("x.")));
    CHECK(failed.error().details().cause.value() == EROFS);
}

TEST_CASE("a replacement that cannot be removed says so, and is tried again at its end") {
    scratch const s;
    told_posix::reset();
    {
        auto made = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
        told_posix::next["unlink"] = {EIO};
        CHECK_FALSE(made.remove());
        CHECK(errno == EIO);
        CHECK(s.entries() == 1);
    }
    CHECK(s.entries() == 0);
    CHECK(told_posix::made["unlink"] == 2);
}

TEST_CASE("a replacement gets owner, group and mode of what it replaces, or says that it cannot") {
    scratch const s;
    struct ::stat from{};
    write(s.path("old"), "");
    REQUIRE(::stat(s.path("old").c_str(), &from) == 0);
    from.st_mode = S_IFREG | 04755;
    auto const copied = [&](replacement const& made) {
        return made.copy_rights(from, errc::intent_log_failed, "OLD");
    };
    told_posix::reset();
    auto const made = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
    CHECK(copied(made).has_value());
    CHECK(mode_of(made.path()) == 04755);
    CHECK(told_posix::made["change_owner"] == 0); // it has them
    for (auto const* call : {"status", "change_mode"}) {
        told_posix::reset();
        told_posix::next[call] = {EIO};
        expect(copied(made).error(), errc::intent_log_failed, "OLD", EIO);
    }
    auto const is_changed = [&] {
        told_posix::reset();
        told_posix::next["change_owner"] = {EPERM};
        return copied(made);
    };
    auto const text = "OLD: its owner and group cannot be kept";
    ++from.st_uid;
    expect(is_changed().error(), errc::intent_log_failed, text, EPERM);
    --from.st_uid, ++from.st_gid;
    expect(is_changed().error(), errc::intent_log_failed, text, EPERM);
    told_posix::reset();
    if (::geteuid() != 0) return;
    CHECK(copied(made).has_value());
    struct ::stat now{};
    REQUIRE(::stat(made.path().c_str(), &now) == 0);
    CHECK(now.st_gid == from.st_gid);
    CHECK(now.st_uid == from.st_uid);
    CHECK((now.st_mode & 07777) == 04755); // after the owner, whose change takes the first digit
}

TEST_CASE("a replacement moves in place of a file, or says why not and is removed") {
    scratch const s;
    told_posix::reset();
    write(s.path("old"), "old");
    {
        auto made = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
        CHECK(made.file().write("new"));
        told_posix::next["rename"] = {EACCES};
        CHECK_FALSE(made.move_to(s.path("old")));
        CHECK(errno == EACCES);
        CHECK(read(s.path("old")) == "old");
        CHECK(made.move_to(s.path("old")));
        CHECK(made.path().empty());
    }
    CHECK(read(s.path("old")) == "new");
    CHECK(s.entries() == 1);
    CHECK(told_posix::made["unlink"] == 0);
}

TEST_CASE("a replacement moves to a new place in the way that the file system has") {
    struct {
        char const* what;
        std::vector<int> rename_to_new, link, open, rename;
        int reason; ///< why it fails; 0: it does not
        int calls;  ///< of link and rename
    } const cases[] = {{"by renameat2", {}, {}, {}, {}, 0, 0},
                       {"there is one", {EEXIST}, {}, {}, {}, EEXIST, 0},
                       {"by a link", {EINVAL}, {}, {}, {}, 0, 1},
                       {"there is one", {EINVAL}, {EEXIST}, {}, {}, EEXIST, 1},
                       {"by an empty file", {ENOSYS}, {EPERM}, {}, {}, 0, 2},
                       {"there is one", {ENOSYS}, {EPERM}, {0, EEXIST}, {}, EEXIST, 1},
                       {"cannot be made", {ENOSYS}, {EPERM}, {0, EROFS}, {}, EROFS, 1},
                       {"cannot be renamed", {ENOSYS}, {EPERM}, {}, {EIO}, EIO, 2}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        CAPTURE(c.reason);
        CAPTURE(c.calls);
        scratch const s;
        told_posix::reset();
        told_posix::next = {{"rename_to_new", c.rename_to_new},
                            {"link", c.link},
                            {"open", c.open},
                            {"rename", c.rename}};
        {
            auto made = replacement::make(s.directory.string(), "x.", errc::sink_failed).value();
            CHECK(made.file().write("new"));
            bool const is_moved = made.move_to_new(s.path());
            int const reason = errno;
            CHECK(is_moved == (c.reason == 0));
            if (!is_moved) CHECK(reason == c.reason);
            CHECK(made.path().empty() == is_moved);
            CHECK(s.entries() == 1); // no second name, and none that is empty
        }
        CHECK(told_posix::made["link"] + told_posix::made["rename"] == c.calls);
        CHECK(read(s.path()) == (c.reason == 0 ? "new" : ""));
        CHECK(s.entries() == (c.reason == 0 ? 1 : 0));
        if (c.calls == 2)
            CHECK((told_posix::flags.back() & (O_EXCL | O_NOFOLLOW)) == (O_EXCL | O_NOFOLLOW));
    }
}

TEST_CASE("the lock of a name is a file beside, which stands as long as it is held") {
    scratch const s;
    told_posix::reset();
    auto const taken = [&](std::string const& name, std::chrono::milliseconds patience = 0ms) {
        return name_lock::take(s.path(name), patience, errc::intent_log_failed);
    };
    {
        auto first = taken("one").value();
        REQUIRE(first.has_value());
        CHECK(fs::exists(s.path(".one.new.lock")));
        CHECK(mode_of(s.path(".one.new.lock")) == 0600);
        CHECK(told_posix::flags == std::vector{O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC});
        auto const second = taken("one");
        expect(second.error(), errc::intent_log_failed,
               s.path("one") + ": another process has held its lock for 0 ms", EWOULDBLOCK);
        CHECK(told_posix::flags.back() == (O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        CHECK(taken("two").value().has_value());
        auto const moved = std::move(*first);
        first.reset();
        CHECK(s.entries() == 1);
    }
    CHECK(s.entries() == 0);
    CHECK(taken("one").value().has_value());
    CHECK(s.entries() == 0);
    write(s.path(".one.new.lock"), ""); // of a process that died
    CHECK(taken("one").value().has_value());
    CHECK(s.entries() == 0);
    write(s.path(".one.new.lock"), ""), write(s.path(".two.new.lock"), "");
    name_lock::remove_left_over(s.path("one"));
    CHECK(s.entries() == 1);
    CHECK(fs::exists(s.path(".two.new.lock")));
}

TEST_CASE("a lock of a name that cannot be made or locked is none") {
    struct {
        std::vector<int> open, lock, status;
    } const cases[] = {{{EACCES}, {}, {}},        {{EEXIST, EACCES}, {}, {}},
                       {{EEXIST, ELOOP}, {}, {}}, {{}, {ENOLCK}, {}},
                       {{}, {EIO}, {}},           {{}, {}, {EIO}}};
    for (auto const& c : cases) {
        scratch const s;
        told_posix::reset();
        told_posix::next = {{"open", c.open}, {"lock", c.lock}, {"status", c.status}};
        auto const taken = name_lock::take(s.path(), 1h, errc::sink_failed);
        REQUIRE(taken.has_value());
        CHECK_FALSE(taken->has_value());
    }
}

TEST_CASE("a lock that was removed or replaced while one waited for it is taken anew") {
    scratch const s;
    static std::string lock_path;
    static int removals, replacements, misses;
    struct busy : told_posix {
        static int open(char const* path, int f, ::mode_t mode) {
            if ((f & O_CREAT) != 0 && misses > 0) return --misses, errno = EEXIST, -1;
            return told_posix::open(path, f, mode);
        }
        static int lock(int d, int operation) {
            if (removals > 0) --removals, ::unlink(lock_path.c_str());
            if (replacements > 0) {
                fs::rename(lock_path, lock_path + std::to_string(--replacements));
                faults::write(lock_path, "");
            }
            return posix::lock(d, operation);
        }
    };
    lock_path = s.path(".file.new.lock");
    using busy_lock = detail::name_lock<busy>;
    auto const taken = [&] { return busy_lock::take(s.path(), 0ms, errc::sink_failed).value(); };
    for (int const times : {1, 99, 100}) {
        CAPTURE(times);
        told_posix::reset();
        removals = times, replacements = 0, misses = 0;
        CHECK(taken().has_value() == (times < 100));
        removals = 0, replacements = times;
        CHECK(taken().has_value() == (times < 100));
        fs::remove_all(s.directory);
        fs::create_directory(s.directory);
        replacements = 0, misses = times;
        CHECK(taken().has_value() == (times < 100));
        CHECK(s.entries() == 0);
    }
    told_posix::reset();
}

} // namespace file_tests

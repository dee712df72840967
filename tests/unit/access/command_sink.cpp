#include <cloudflare/access/command_sink.hpp>
#include <cloudflare/testing/sink_conformance.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace command_sink_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::command_sink;
using access::command_sink_options;
using faults::scratch;
using testing::detail::intent_for;
using testing::detail::sample_token;

/// The secret of a sample of version 1.
constexpr std::string_view plain = "broken-sample-of-a-secret-1";

/// A sink that keeps a file for each key. What a program of a user's may be like.
constexpr char const* keeps_files = R"(
case $1 in
prepare) cat >/dev/null ;;
store) cat >"$STORE/.new" && mv "$STORE/.new" "$STORE/k$CF_ACCESS_TOKEN_KEY" ;;
find) [ ! -e "$STORE/k$CF_ACCESS_TOKEN_KEY" ] || grep -v SECRET= "$STORE/k$CF_ACCESS_TOKEN_KEY" ;;
forget) rm -f "$STORE/k$CF_ACCESS_TOKEN_KEY" ;;
list) for f in "$STORE"/k*; do [ ! -e "$f" ] || { grep -v SECRET= "$f"; echo; }; done ;;
esac
)";

std::string script(scratch const& s, std::string const& body, std::string const& name = "script") {
    faults::write(s.path(name), "#!/bin/sh\n" + body);
    REQUIRE(::chmod(s.path(name).c_str(), 0700) == 0);
    return s.path(name);
}
/// A sink whose program says that nothing is held, and for a store does this.
command_sink storing(scratch const& s, std::string const& body,
                     command_sink_options options = command_sink_options()) {
    return command_sink({script(s, "[ $1 = store ] || exit 0\n" + body)}, std::move(options));
}
std::string why(result<void> const& r) {
    REQUIRE(r.has_error());
    CHECK(r.error() == errc::sink_failed);
    CHECK(r.error().delivery() == delivery::not_sent);
    auto const line = r.error().to_string();
    CHECK(line.find(plain) == line.npos);
    return line;
}
bool has(std::string const& string, std::string_view part) {
    return string.find(part) != string.npos;
}
std::string fails(command_sink const& sink) {
    return why(sink.store(intent_for("key"), sample_token("id-1")));
}
bool has_no_child() {
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

/// The kit for a sink that `open` opens; `make` empties what it stores in.
template <class Make, class Open, class Secret>
void expect_all_passed(Make make, Open open, Secret secret_of, bool one_token = false,
                       std::string_view only = {}) {
    testing::sink_subject subject;
    auto const opened = [&] {
        return std::make_unique<testing::blocking_sink_under_test<command_sink>>(open());
    };
    subject.make = [&] { return make(), opened(); };
    subject.reopen = opened;
    subject.secret_of = secret_of;
    subject.one_token = one_token;
    for (auto const& o : testing::check_sink(subject, only)) {
        std::ostringstream string;
        string << o;
        CHECK_MESSAGE(o.failures.empty(), string.str());
    }
    CHECK(has_no_child());
}

} // namespace

TEST_CASE("a sink that is a script passes every check") {
    scratch s;
    auto const program = script(s, keeps_files);
    int count = 0;
    auto const store = [&] { return s.path("store" + std::to_string(count)); };
    expect_all_passed(
        [&] { ++count, std::filesystem::create_directory(store()); },
        [&] {
            return command_sink(
                {program},
                command_sink_options().variable("STORE", store()).lock_file(s.path("lock")));
        },
        [&](std::string_view key) {
            std::string lines;
            for (auto const& f : std::filesystem::directory_iterator(store()))
                if (http::percent_decode(f.path().filename().string().substr(1)) == key)
                    lines = faults::read(f.path());
            auto const kept = access::detail::value_in(lines, access::detail::secret_line);
            return std::optional(std::string(kept.value_or("")));
        });
}

TEST_CASE("a program is given the secret on its stdin, and nowhere else") {
    scratch const s;
    ::setenv("CLOUDFLARE_API_TOKEN", "not-for-others", 1);
    ::setenv("CF_ACCESS_CLIENT_SECRET", "not-for-others", 1);
    ::setenv("COMMAND_SINK_TEST", "inherited", 1);
    auto const program =
        script(s, "cat >$OUT.$2.in; env >$OUT.$2.env; echo \"$*\" >$OUT.$2.args\n");
    command_sink const sink({program, "first argument"},
                            command_sink_options()
                                .variable("OUT", s.path("out"))
                                .variable("COMMAND_SINK_TEST", "replaced"));
    auto const before = timestamp(std::chrono::system_clock::now()).plus(-2s);
    auto i = intent_for("a key/\n~");
    i.token_id = "id-1";
    sink.store(i, sample_token("id-1", 7)).value();
    sink.prepare(i).value();
    static_cast<void>(sink.list());
    ::unsetenv("CLOUDFLARE_API_TOKEN");
    ::unsetenv("CF_ACCESS_CLIENT_SECRET");
    ::unsetenv("COMMAND_SINK_TEST");

    auto in = faults::read(s.path("out.store.in"));
    auto const since = access::detail::value_in(in, "CF_ACCESS_SECRET_SINCE=").value();
    CHECK(timestamp::parse(std::string(since)).value() >= before);
    in.erase(in.find("CF_ACCESS_SECRET_SINCE="));
    CHECK(in == "CF_ACCESS_TOKEN_ID=id-1\nCF_ACCESS_CLIENT_ID=id-1.access\n"
                "CF_ACCESS_CLIENT_SECRET=broken-sample-of-a-secret-7\n"
                "CF_ACCESS_CLIENT_SECRET_VERSION=7\nCF_ACCESS_TOKEN_KEY=a%20key%2F%0A%7E\n"
                "CF_ACCESS_TOKEN_TAG=" +
                    i.tag + "\n");
    CHECK(faults::read(s.path("out.find.in")) == "CF_ACCESS_TOKEN_KEY=a%20key%2F%0A%7E\n");
    CHECK(faults::read(s.path("out.prepare.in")) ==
          "CF_ACCESS_TOKEN_KEY=a%20key%2F%0A%7E\nCF_ACCESS_TOKEN_TAG=" + i.tag +
              "\nCF_ACCESS_TOKEN_ID=id-1\n");
    CHECK(faults::read(s.path("out.list.in")).empty());
    CHECK(faults::read(s.path("out.store.args")) == "first argument store\n");
    for (auto const* operation : {"store", "find", "prepare", "list"}) {
        CAPTURE(operation);
        auto const name = s.path(std::string("out.") + operation);
        auto const environment = '\n' + faults::read(name + ".env");
        CHECK(has(environment, "\nCF_ACCESS_OPERATION=" + std::string(operation) + "\n"));
        CHECK(has(environment, "\nCF_ACCESS_TOKEN_KEY=a%20key%2F%0A%7E\n") ==
              (operation != std::string_view("list")));
        CHECK(has(environment, "\nCF_ACCESS_TOKEN_ID=id-1\n") ==
              (operation == std::string_view("store") || operation == std::string_view("prepare")));
        CHECK(has(environment, "\nCOMMAND_SINK_TEST=replaced\n"));
        CHECK_FALSE(has(environment, "inherited"));
        CHECK_FALSE(has(environment, "not-for-others"));
        CHECK_FALSE(has(environment, "broken-sample"));
        CHECK_FALSE(has(faults::read(name + ".args"), "broken-sample"));
    }
}

TEST_CASE("a key is fit for a file's name, and is never a hidden one") {
    scratch const s;
    auto const program =
        script(s, "[ $1 != find ] || printf '%s' \"$CF_ACCESS_TOKEN_KEY\" >$OUT\n");
    command_sink const sink({program}, command_sink_options().variable("OUT", s.path("out")));
    for (auto const& [key, string] :
         {std::pair("machine-17", "machine-17"), std::pair("..", "%2E."), std::pair(".", "%2E"),
          std::pair("a.b_C", "a.b_C"), std::pair("~/%", "%7E%2F%25"),
          std::pair("\xc3\xbc", "%C3%BC")}) {
        CHECK_FALSE(sink.find(key).value().has_value());
        CHECK(faults::read(s.path("out")) == string);
    }
    CHECK(sink.find("").error() == errc::invalid_argument);
}

TEST_CASE("tag and key stay those of the issue that a token came with") {
    scratch const s;
    std::filesystem::create_directory(s.path("store"));
    command_sink const sink({script(s, keeps_files)},
                            command_sink_options().variable("STORE", s.path("store")));
    auto first = intent_for("key"), second = intent_for("key");
    second.tag = std::string(32, '2');
    sink.store(first, sample_token("id-1", 1)).value();
    sink.store(second, sample_token("id-1", 2)).value();
    sink.store(intent_for("another key"), sample_token("id-2", 1)).value();
    auto const held = sink.find("key").value().value();
    CHECK(held.tag == first.tag);
    CHECK(held.version == 2);
    CHECK(held.key == "key");
    CHECK(held.since > timestamp(std::chrono::system_clock::now()).plus(-60s));
    auto const all = sink.list().value();
    REQUIRE(all.size() == 2);
    CHECK(all[0].key == "another key");
    CHECK(all[1] == held);
}

TEST_CASE("an error tells the exit status and what the program said") {
    scratch const s;
    auto const failed = fails(storing(s, "echo 'permission denied' >&2; exit 3\n"));
    CHECK(has(failed, s.path("script") + " store: exit status 3: permission denied"));
    CHECK(has(fails(storing(s, "kill -9 $$\n")), "store: ended by signal 9"));
    CHECK(has(fails(storing(s, "exit 1\n")), "store: exit status 1"));
    auto const missing = fails(command_sink({s.path("none")}));
    CHECK(has(missing, s.path("none") + ": cannot be run"));
    CHECK(has(missing, "No such file"));
    faults::write(s.path("plain"), "");
    CHECK(has(fails(command_sink({s.path("plain")})), "Permission denied"));
    CHECK(command_sink({}).prepare(intent_for("key")).error() == errc::invalid_argument);
    CHECK(command_sink({"false"}).find("key").has_error()); // by PATH
    CHECK(command_sink({"true"}).find("key").has_value());
    CHECK(has_no_child());
}

TEST_CASE("what a program says of the secret is hidden, in pieces and in base64 too") {
    scratch const s;
    for (auto const* body :
         {"cat >&2; exit 1\n", "set -x; x=$(cat); exit 1\n", "base64 -w0 >&2; exit 1\n",
          "sed -n 's/CF_ACCESS_CLIENT_SECRET=//p' | tr -d '\\n' | base64 >&2; exit 1\n",
          "sed 's/sample/sa mple/' >&2; exit 1\n", "head -c 120 >&2; exit 1\n"}) {
        CAPTURE(body);
        auto const line = fails(storing(s, body));
        CHECK(has(line, "[redacted]"));
        CHECK_FALSE(has(line, "mple-of-a"));
        CHECK_FALSE(has(line, "broken-s"));
        CHECK_FALSE(has(line, "YnJva2VuLXNhbXBsZS")); // its base64
    }
    CHECK(
        has(fails(storing(s, "echo 'of a secret: broken' >&2; exit 1\n")), "of a secret: broken"));
}

TEST_CASE("a program that prints too much is stopped, one that complains too much is not") {
    scratch const s;
    auto const options = command_sink_options().max_output(1000);
    CHECK(has(fails(storing(s, "yes\n", options)), "prints more than 1000 bytes"));
    CHECK(storing(s, "head -c 1000 /dev/zero\n", options)
              .store(intent_for("key"), sample_token("id-1"))
              .has_value());
    auto const line = fails(storing(s, "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 5\n"));
    CHECK(has(line, "exit status 5"));
    CHECK(line.size() < 2000);
    CHECK(has_no_child());
}

TEST_CASE("a program that takes too long is killed, with all that it has started") {
    scratch const s;
    auto const sink = storing(s, "(while :; do echo >>$OUT; sleep 0.01; done) &\nsleep 100\n",
                              command_sink_options().variable("OUT", s.path("out")).timeout(200ms));
    CHECK(has(fails(sink), "was stopped after 200 ms"));
    auto const size = faults::read(s.path("out")).size();
    std::this_thread::sleep_for(100ms);
    CHECK(faults::read(s.path("out")).size() == size);
    CHECK(has_no_child());
}

TEST_CASE("what a program leaves running in the background is not waited for") {
    scratch const s;
    auto const sink = storing(s, "sleep 20 &\necho $! >$OUT\n",
                              command_sink_options().variable("OUT", s.path("out")).timeout(10s));
    CHECK(sink.store(intent_for("key"), sample_token("id-1")).has_value());
    ::kill(std::stoi(faults::read(s.path("out"))), SIGKILL);
}

TEST_CASE("a program that does not read its stdin harms nobody") {
    scratch const s;
    auto const sink = storing(s, "exec <&-\n");
    auto token = sample_token("id-1");
    for (std::size_t const size : {100U, 5000U, 60'000U}) {
        token.client_secret = secret(std::string(size, 's'));
        CHECK(sink.store(intent_for("key"), token).has_value());
    }
    token.client_secret = secret(std::string(2'000'000, 's'));
    CHECK(has(why(sink.store(intent_for("key"), token)), "does not fit in a pipe"));
    token.client_secret = secret(std::string_view("two\nlines"));
    CHECK(sink.store(intent_for("key"), token).error() == errc::invalid_argument);
}

TEST_CASE("a program inherits no descriptor and no signal setting") {
    scratch const s;
    faults::write(s.path("open"), "");
    int const left_open = ::open(s.path("open").c_str(), O_RDONLY); // without O_CLOEXEC
    REQUIRE(left_open >= 0);
    auto* const before = std::signal(SIGPIPE, SIG_IGN);
    auto const sink =
        storing(s, "ls -l /proc/self/fd >$OUT; grep SigIgn /proc/self/status >>$OUT\n",
                command_sink_options().variable("OUT", s.path("out")));
    CHECK(sink.store(intent_for("key"), sample_token("id-1")).has_value());
    std::signal(SIGPIPE, before);
    ::close(left_open);
    auto const seen = faults::read(s.path("out"));
    CHECK(has(seen, "0 -> pipe:"));
    CHECK_FALSE(has(seen, s.path("open")));
    auto const ignored = std::stoull(seen.substr(seen.find("SigIgn:") + 7), nullptr, 16);
    CHECK((ignored & (1U << (SIGPIPE - 1))) == 0);
}

TEST_CASE("a process without stdin and stdout of its own runs programs, too") {
    scratch const s;
    std::filesystem::create_directory(s.path("store"));
    command_sink const sink({script(s, keeps_files)},
                            command_sink_options().variable("STORE", s.path("store")));
    int const kept[] = {::dup(0), ::dup(1)};
    ::close(0), ::close(1);
    auto const stored = sink.store(intent_for("key"), sample_token("id-1", 3));
    auto const held = sink.find("key");
    bool const is_closed = ::fcntl(0, F_GETFD) == -1 && ::fcntl(1, F_GETFD) == -1;
    ::dup2(kept[0], 0), ::dup2(kept[1], 1);
    ::close(kept[0]), ::close(kept[1]);
    CHECK(stored.has_value());
    CHECK(held.value()->version == 3);
    CHECK(is_closed);
}

TEST_CASE("signals that interrupt change nothing") {
    scratch const s;
    std::filesystem::create_directory(s.path("store"));
    command_sink const sink({script(s, keeps_files)},
                            command_sink_options().variable("STORE", s.path("store")));
    struct ::sigaction action{}, before{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &before);
    ::itimerval const each_ms{{0, 500}, {0, 500}}, never{};
    ::setitimer(ITIMER_REAL, &each_ms, nullptr);
    int wrong = 0;
    for (int version = 1; version != 10; ++version) {
        wrong += !sink.store(intent_for("key"), sample_token("id-1", version));
        auto const held = sink.find("key");
        wrong += !held || !*held || (*held)->version != version;
    }
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
    CHECK(wrong == 0);
}

TEST_CASE("an exit status that somebody else takes is an error, not a success") {
    scratch const s;
    auto const sink = storing(s, "exit 0\n");
    auto* const before = std::signal(SIGCHLD, SIG_IGN);
    auto const stored = sink.store(intent_for("key"), sample_token("id-1"));
    std::signal(SIGCHLD, before);
    CHECK(has(why(stored), "exit status is lost"));
}

TEST_CASE("what cannot be read is an error, never nothing") {
    scratch const s;
    auto const finding = [&](std::string const& body) { return command_sink({script(s, body)}); };
    for (auto const* body :
         {"exit 1\n", "echo oops\n", "echo CF_ACCESS_CLIENT_ID=a\n", "echo CF_ACCESS_TOKEN_ID=\n",
          "echo CF_ACCESS_TOKEN_ID=a; echo CF_ACCESS_CLIENT_SECRET_VERSION=x\n",
          "echo CF_ACCESS_TOKEN_ID=a; echo CF_ACCESS_CLIENT_SECRET_VERSION=1x\n",
          "echo CF_ACCESS_TOKEN_ID=a; echo CF_ACCESS_TOKEN_KEY=%\n",
          "echo CF_ACCESS_TOKEN_ID=a; exit 1\n", "kill -9 $$\n"}) {
        CAPTURE(body);
        auto const sink = finding(body);
        CHECK(sink.find("key").error() == errc::sink_failed);
        CHECK(sink.list().error() == errc::sink_failed);
        CHECK(sink.forget("id-1").error() == errc::sink_failed);
        CHECK(sink.store(intent_for("key"), sample_token("id-1")).error() == errc::sink_failed);
        CHECK(sink.prepare(intent_for("key")).error() == errc::sink_failed);
    }
    auto const other = finding("echo CF_ACCESS_TOKEN_ID=a; echo CF_ACCESS_TOKEN_KEY=another\n");
    CHECK(other.find("key").error() == errc::sink_failed);
    CHECK(other.find("another").value().has_value());
    CHECK(finding("echo CF_ACCESS_TOKEN_ID=a\n").list().has_error()); // without its key
    for (auto const* nothing : {"", "echo\n", "printf '\\n\\n \\n'\n"}) {
        CHECK_FALSE(finding(nothing).find("key").value().has_value());
        CHECK(finding(nothing).list().value().empty());
    }
}

TEST_CASE("where the lock cannot be taken the program is not run, whatever is asked") {
    scratch const s;
    auto const options =
        command_sink_options().variable("OUT", s.path("out")).lock_file(s.path("missing/lock"));
    command_sink const sink({script(s, "echo $1 >>$OUT\n")}, options);
    auto const missing = [&](result<void> const& r) {
        auto const line = why(r);
        CHECK(has(line, s.path("missing/lock")));
        CHECK(has(line, "No such file"));
    };
    auto const without_value = [](auto const& r) {
        return r ? result<void>() : result<void>(r.error());
    };
    missing(sink.prepare(intent_for("key")));
    missing(sink.store(intent_for("key"), sample_token("id-1")));
    missing(sink.forget("id-1"));
    missing(without_value(sink.find("key")));
    missing(without_value(sink.list()));
    CHECK_FALSE(std::filesystem::exists(s.path("out")));
}

TEST_CASE("forget has each key of the token forgotten, and says where that fails") {
    scratch const s;
    auto const lines = [](char const* key, char const* id) {
        return std::string("CF_ACCESS_TOKEN_KEY=") + key + "\nCF_ACCESS_TOKEN_ID=" + id + "\n\n";
    };
    faults::write(s.path("list"), "\n\n" + lines("a", "id-1") + lines("b", "id-2") + "\n" +
                                      lines("c", "id-1") + lines("d", "id-1"));
    auto const program = script(s, "case $1 in\nlist) cat $STORE/list ;;\n"
                                   "forget) echo $CF_ACCESS_TOKEN_KEY >>$STORE/out\n"
                                   "        [ $CF_ACCESS_TOKEN_KEY != $BAD ] ;;\nesac\n");
    for (std::string const bad : {"none", "a", "c"}) {
        CAPTURE(bad);
        std::filesystem::remove(s.path("out"));
        command_sink const sink(
            {program},
            command_sink_options().variable("STORE", s.directory.string()).variable("BAD", bad));
        CHECK(sink.list().value().size() == 4);
        auto const forgotten = sink.forget("id-1");
        CHECK(forgotten.has_value() == (bad == "none"));
        if (!forgotten) CHECK(has(why(forgotten), "forget: exit status 1"));
        CHECK(faults::read(s.path("out")) == (bad == "none" ? "a\nc\nd\n"
                                              : bad == "a"  ? "a\n"
                                                            : "a\nc\n"));
    }
}

TEST_CASE("a key that holds another token is left alone, and the error names that") {
    scratch const s;
    auto const program = script(s, "case $1 in\nfind) echo CF_ACCESS_TOKEN_ID=id-2\n"
                                   "      echo CF_ACCESS_CLIENT_SECRET_VERSION=3 ;;\n"
                                   "*) echo $1 >>$OUT ;;\nesac\n");
    command_sink const sink({program}, command_sink_options().variable("OUT", s.path("out")));
    auto i = intent_for("key");
    CHECK(has(why(sink.prepare(i)), program + ": the key holds the token id-2"));
    CHECK(
        has(why(sink.store(i, sample_token("id-1"))), program + ": the key holds the token id-2"));
    CHECK(has(why(sink.store(i, sample_token("id-2", 2))),
              program + ": holds a later secret of id-2"));
    CHECK_FALSE(std::filesystem::exists(s.path("out")));
    i.token_id = "id-2";
    CHECK(sink.prepare(i).has_value());
    CHECK(sink.store(i, sample_token("id-2", 3)).has_value());
    CHECK(faults::read(s.path("out")) == "prepare\nstore\n");
}

namespace {

/// What this process has open: each descriptor, and what it leads to.
std::string open_descriptors() {
    std::string all;
    for (int d = 0; d != 100; ++d) {
        std::error_code none;
        auto const target =
            std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(d), none);
        if (!none) all += std::to_string(d) + ' ' + target.string() + '\n';
    }
    return all;
}

} // namespace

TEST_CASE("what the process has open is the same behind a program, however that ends") {
    scratch const s;
    auto const options = command_sink_options().timeout(100ms).max_output(100);
    for (auto const* body : {"exit 0\n", "exit 1\n", "sleep 100\n", "yes\n", "kill -9 $$\n"}) {
        CAPTURE(body);
        auto const sink = storing(s, body, options);
        auto const before = open_descriptors();
        static_cast<void>(sink.store(intent_for("key"), sample_token("id-1")));
        CHECK(open_descriptors() == before);
    }
    auto const before = open_descriptors();
    CHECK(command_sink({s.path("none")}).find("key").has_error());
    CHECK(open_descriptors() == before);
}

TEST_CASE("a process that runs out of descriptors is told so, until it has enough again") {
    scratch const s;
    auto const sink = storing(s, "exit 0\n");
    ::rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    int const next = ::dup(0);
    ::close(next);
    auto const open = open_descriptors();
    int failed = 0, succeeded = 0;
    for (int more = 0; more != 16; ++more) {
        auto few = before;
        few.rlim_cur = static_cast<::rlim_t>(next + more);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
        auto const stored = sink.store(intent_for("key"), sample_token("id-1"));
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK(open_descriptors() == open);
        if (stored) {
            ++succeeded;
            continue;
        }
        ++failed;
        CHECK(succeeded == 0);
        auto const line = why(stored);
        CHECK(has(line, s.path("script") + ": no pipe can be made"));
        CHECK(has(line, "Too many open files"));
    }
    CHECK(failed > 3);
    CHECK(succeeded > 3);
}

TEST_CASE("a lock that another process holds for ever is an error") {
    scratch const s;
    auto const lock = access::file::open(s.path("lock"), O_RDWR | O_CREAT, errc::sink_failed);
    REQUIRE(lock.has_value());
    REQUIRE(lock->lock(LOCK_EX, 0ms, errc::sink_failed, "").has_value());
    auto const sink =
        storing(s, "", command_sink_options().lock_file(s.path("lock")).timeout(20ms));
    CHECK(has(fails(sink), "another process has held its lock"));
    CHECK(sink.find("key").has_error());
}

namespace {

/// Stand-ins for the programs that the recipes call, as far as they do. Each keeps what it is given below $FAKE, and
/// fails where $FAKE/down exists.
constexpr char const* fake_vault = R"sh(
[ ! -e "$FAKE/down" ] || { echo "connection refused" >&2; exit 2; }
operation="$1 $2" cas='' path=''
[ "$2" != metadata ] || { operation="$2 $3"; shift; }
shift 2
for argument; do
    case $argument in
    -cas=*) cas=${argument#-cas=} ;;
    -) ;;
    -*) ;;
    *) path=$(printf %s "$argument" | tr / :) ;;
    esac
done
file=$FAKE/v.$path
case $operation in
'kv get')
    [ -e "$file" ] || { echo "No value found at secret/data/$path" >&2; exit 2; }
    printf '{\n  "data": {\n    "data": {\n'
    tr -d '{}' <"$file" | tr , '\n' | sed 's/":"/": "/; s/^/      /; s/$/,/'
    echo
    version=$(cat "$FAKE/n.$path")
    printf '    },\n    "metadata": {\n      "deletion_time": "",\n      "version": %s\n    }\n  }\n}\n' "$version"
    ;;
'kv put')
    there=0
    [ ! -e "$FAKE/n.$path" ] || there=$(cat "$FAKE/n.$path")
    [ "$cas" = "$there" ] || { echo 'check-and-set parameter did not match' >&2; exit 2; }
    cat >"$file"
    echo $((there + 1)) >"$FAKE/n.$path"
    ;;
'kv list')
    found=''
    for f in "$FAKE/v.$path:"*; do
        [ -e "$f" ] || continue
        found=1
        echo "- ${f#"$FAKE/v.$path:"}"
    done
    [ -n "$found" ] || { echo "No value found at secret/metadata/$path" >&2; exit 2; }
    ;;
'metadata delete') rm -f "$file" "$FAKE/n.$path" ;;
'token capabilities') echo 'create, read, update' ;;
*) exit 9 ;;
esac
)sh";

constexpr char const* fake_kubectl = R"sh(
[ ! -e "$FAKE/down" ] || { echo "connection refused" >&2; exit 1; }
held() { sed 's/.*"cloudflare-access.held":"\([^"]*\)".*/\1/' "$1"; }
case "$1 $2" in
'auth can-i') ;;
'apply --server-side')
    manifest=$(cat)
    name=$(printf %s "$manifest" | sed 's/.*"metadata":{"name":"\([^"]*\)".*/\1/')
    printf %s "$manifest" >"$FAKE/$name"
    ;;
'get secret') [ ! -e "$FAKE/$3" ] || held "$FAKE/$3" ;;
'get secrets')
    for f in "$FAKE"/cf-access-*; do
        [ ! -e "$f" ] || { held "$f"; echo; }
    done
    ;;
'delete secret') rm -f "$FAKE/$3" ;;
*) exit 9 ;;
esac
)sh";

constexpr char const* fake_systemd_creds = R"sh(
[ ! -e "$FAKE/down" ] || { echo "no TPM" >&2; exit 1; }
[ "$1 $3" = 'encrypt -' ] && base64 >"$4"
)sh";

constexpr char const* fake_gh = R"sh(
[ ! -e "$FAKE/down" ] || { echo "HTTP 503" >&2; exit 1; }
case "$1 $2" in
'secret set')
    [ "$3 $4" = '-f -' ] || exit 9
    while IFS='=' read -r name value; do
        printf %s "$value" >"$FAKE/$name"
    done
    ;;
'secret list') ls "$FAKE" ;;
'secret delete') rm "$FAKE/$3" ;;
*) exit 9 ;;
esac
)sh";

/// A recipe over its stand-in.
class recipe {
public:
    recipe(std::string const& script_name, std::string const& command, char const* stand_in)
        : program_(INCLUDE_DIR "/../examples/command_sink/" + script_name) {
        std::filesystem::create_directory(files_.path("bin"));
        script(files_, stand_in, "bin/" + command);
        empty();
    }
    void empty() {
        for (auto const* name : {"fake", "state"}) {
            std::filesystem::remove_all(files_.path(name));
            std::filesystem::create_directory(files_.path(name));
        }
    }
    [[nodiscard]] command_sink open() const {
        return command_sink({program_}, command_sink_options()
                                            .lock_file(files_.path("lock"))
                                            .variable("PATH", files_.path("bin") + ":/usr/bin:/bin")
                                            .variable("FAKE", files_.path("fake"))
                                            .variable("STATE_DIR", files_.path("state"))
                                            .variable("CREDENTIALS_DIR", files_.path("fake")));
    }
    [[nodiscard]] std::string kept(std::string const& name) const {
        return faults::read(files_.path("fake/" + name));
    }
    void go_down() { faults::write(files_.path("fake/down"), ""); }
    [[nodiscard]] scratch const& files() const { return files_; }

private:
    scratch files_;
    std::string program_;
}; // namespace

/// What every recipe must do; the rest of the kit is about the sink, and tried above.
void expect_right(recipe& r, bool one_token = false) {
    for (auto const* check :
         {"a later secret of the token replaces", "an earlier secret of the token", "forget twice",
          "a token whose version is not known",
          "a key that holds another token is refused by store",
          "the key of a forgotten token may be used again", "forget removes one token and no other",
          "what was stored is there after", "a new sink holds nothing"})
        expect_all_passed([&] { r.empty(); }, [&] { return r.open(); }, nullptr, one_token, check);

    // What cannot be read is an error, never "nothing".
    r.empty();
    auto const sink = r.open();
    auto token = sample_token("id-1", 1);
    sink.store(intent_for("key"), token).value();
    auto const held = sink.find("key").value().value();
    CHECK(held.tag == intent_for("key").tag);
    CHECK(held.since > timestamp(std::chrono::system_clock::now()).plus(-60s));
    CHECK(sink.list().value() == std::vector{held});
    r.go_down();
    CHECK(has(why(sink.store(intent_for("key"), sample_token("id-1", 2))), ": exit status"));
}

/// Keys of all kinds have places of their own.
void expect_keys_apart(recipe& r) {
    r.empty();
    std::string const keys[] = {"a", "a b", "a=20b", "a%20b", ".", "A", "x.61", "-a"};
    auto const id_of = [&](std::string const& key) {
        return "id-" + std::to_string(&key - std::begin(keys));
    };
    for (auto const& key : keys)
        r.open().store(intent_for(key), sample_token(id_of(key))).value();
    for (auto const& key : keys) {
        CAPTURE(key);
        CHECK(r.open().find(key).value().value().token_id == id_of(key));
    }
    CHECK(r.open().list().value().size() == std::size(keys));
}

} // namespace

TEST_CASE("the recipe for vault keeps a token that only its reader can replace") {
    recipe r("vault.sh", "vault", fake_vault);
    expect_keys_apart(r);
    expect_right(r);
    CHECK(r.open().find("key").has_error());
    CHECK(r.open().list().has_error());
    CHECK(r.open().prepare(intent_for("key")).has_error());
    CHECK(has(r.kept("v.cloudflare-access:k-key"),
              R"({"client_id":"id-1.access","client_secret":"broken-sample-of-a-secret-1",)"));
    // What is there, and is not ours, is not "nothing".
    r.empty();
    faults::write(r.files().path("fake/v.cloudflare-access:k-key"), R"({"of":"others"})");
    faults::write(r.files().path("fake/n.cloudflare-access:k-key"), "3");
    CHECK(r.open().find("key").has_error());
    CHECK(r.open().list().has_error());
    // Another host, which the lock does not keep away, has stored a later one after this one looked.
    r.empty();
    r.open().store(intent_for("key"), sample_token("id-1", 5)).value();
    auto const run = [&](std::string const& lines) {
        return std::system(("printf '" + lines + "' | env PATH=" + r.files().path("bin") +
                            ":/usr/bin:/bin FAKE=" + r.files().path("fake") +
                            " CF_ACCESS_TOKEN_KEY=key CF_ACCESS_TOKEN_ID=id-1 " INCLUDE_DIR
                            "/../examples/command_sink/vault.sh store 2>/dev/null")
                               .c_str());
    };
    CHECK(run("CF_ACCESS_TOKEN_ID=id-1\\nCF_ACCESS_CLIENT_SECRET_VERSION=4\\n") != 0);
    CHECK(run("CF_ACCESS_TOKEN_ID=id-1\\nCF_ACCESS_CLIENT_SECRET_VERSION=6\\n") == 0);
    CHECK(r.open().find("key").value()->version == 6);
}

TEST_CASE("the recipe for kubectl keeps a token in a secret that pods can use") {
    recipe r("kubectl.sh", "kubectl", fake_kubectl);
    expect_keys_apart(r);
    expect_right(r);
    CHECK(r.open().find("key").has_error());
    CHECK(r.open().list().has_error());
    CHECK(has(r.kept("cf-access-key"),
              R"("CF_ACCESS_CLIENT_SECRET":"broken-sample-of-a-secret-1"})"));
}

TEST_CASE("the recipe for systemd-creds keeps a token in a credential, and what it is beside") {
    recipe r("systemd_creds.sh", "systemd-creds", fake_systemd_creds);
    expect_keys_apart(r);
    expect_right(r);
    CHECK(r.open().find("key").value()->version == 1); // what is beside
    CHECK_FALSE(has(faults::read(r.files().path("state/key")), "broken"));
    std::filesystem::remove_all(r.files().path("state"));
    CHECK(r.open().find("key").has_error());
}

TEST_CASE("the recipe for gh keeps a token in two secrets of a repository, and what it is beside") {
    recipe r("gh.sh", "gh", fake_gh);
    expect_right(r, true);
    CHECK(r.kept("CF_ACCESS_CLIENT_SECRET") == plain);
    CHECK(r.kept("CF_ACCESS_CLIENT_ID") == "id-1.access");
    CHECK_FALSE(has(faults::read(r.files().path("state/held")), "broken"));
    r.empty();
    r.open().store(intent_for("key"), sample_token("id-1")).value();
    CHECK_FALSE(r.open().find("another").value().has_value());
    CHECK(r.open().store(intent_for("another"), sample_token("id-2")).has_error());
    CHECK(r.open().prepare(intent_for("another")).has_error());
    std::filesystem::remove_all(r.files().path("state"));
    CHECK(r.open().find("key").has_error());
}

} // namespace command_sink_tests

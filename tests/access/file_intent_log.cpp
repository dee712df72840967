#include <cloudflare/access/file_intent_log.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace file_intent_log_tests {
namespace {

using namespace cloudflare;
using access::file_intent_log;
using access::intent;

/// A path in a directory of its own, removed at the end.
struct scratch {
    scratch()
        : directory(std::filesystem::temp_directory_path() /
                    ("intents-" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(directory);
    }
    ~scratch() { std::filesystem::remove_all(directory); }
    [[nodiscard]] std::string path() const { return (directory / "log").string(); }
    std::filesystem::path directory;
};

std::string read(std::string const& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}
void write(std::string const& path, std::string const& text) {
    std::ofstream(path) << text;
}

intent make(char digit, std::string name = "ci") {
    auto const account = access::account_scope::parse(std::string(32, 'a')).value();
    return {std::string(32, digit), account, std::move(name),
            timestamp::parse("2026-11-24T00:00:00Z").value(), "note"};
}

TEST_CASE("what is opened is open for every later process, until it is closed") {
    scratch s;
    CHECK(file_intent_log(s.path()).open_intents().value().empty());
    file_intent_log(s.path()).open(make('1', "a \"quoted\"\nname \xc3\xbc")).value();
    file_intent_log(s.path()).open(make('2')).value();
    auto const both = file_intent_log(s.path()).open_intents().value();
    REQUIRE(both.size() == 2);
    CHECK(both[0] == make('1', "a \"quoted\"\nname \xc3\xbc"));
    file_intent_log(s.path()).close(make('1').tag).value();
    file_intent_log(s.path()).close("not open").value();
    auto const one = file_intent_log(s.path()).open_intents().value();
    REQUIRE(one.size() == 1);
    CHECK(one[0] == make('2'));
}

TEST_CASE("an intent of a zone comes back as one") {
    scratch s;
    auto const zone = access::zone_scope::parse(std::string(32, 'b')).value();
    file_intent_log(s.path()).open({std::string(32, '1'), zone, "x"}).value();
    CHECK(file_intent_log(s.path()).open_intents().value().at(0).scope == access::any_scope(zone));
}

TEST_CASE("the file is for its owner only") {
    scratch s;
    file_intent_log(s.path()).open(make('1')).value();
    auto const rights = std::filesystem::status(s.path()).permissions();
    CHECK(rights == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a log cut at any byte keeps every whole line, and can be written to again") {
    scratch s;
    file_intent_log(s.path()).open(make('1')).value();
    auto const first = read(s.path());
    file_intent_log(s.path()).open(make('2')).value();
    auto const both = read(s.path());
    for (std::size_t cut = 0; cut <= both.size(); ++cut) {
        CAPTURE(cut);
        write(s.path(), both.substr(0, cut));
        auto const expected = cut == both.size() ? 2U : cut >= first.size() ? 1U : 0U;
        CHECK(file_intent_log(s.path()).open_intents().value().size() == expected);
        file_intent_log(s.path()).open(make('3')).value();
        auto const after = file_intent_log(s.path()).open_intents().value();
        REQUIRE(after.size() == expected + 1);
        CHECK(after.back() == make('3'));
    }
}

TEST_CASE("a damaged last line is passed over") {
    scratch s;
    file_intent_log(s.path()).open(make('1')).value();
    auto const good = read(s.path());
    file_intent_log(s.path()).open(make('2')).value();
    auto text = read(s.path());
    text[good.size() + 20] ^= 1;
    write(s.path(), text);
    CHECK(file_intent_log(s.path()).open_intents().value().size() == 1);
}

TEST_CASE("a long log without open intents is emptied by the next write") {
    scratch s;
    file_intent_log log(s.path());
    for (int i = 0; i != 300; ++i) {
        log.open(make('1')).value();
        log.close(make('1').tag).value();
    }
    CHECK(read(s.path()).size() < 70'000);
    log.open(make('2')).value();
    CHECK(log.open_intents().value().size() == 1);
}

TEST_CASE("an intent that is not UTF-8 is refused, not lost") {
    scratch s;
    auto bad = make('1');
    bad.note = "/tmp/\xe9";
    CHECK(file_intent_log(s.path()).open(bad).error() == errc::invalid_argument);
    CHECK(file_intent_log(s.path()).open(make('1', "\xff")).error() == errc::invalid_argument);
    CHECK(file_intent_log(s.path()).open_intents().value().empty());
}

TEST_CASE("a log that cannot be written is an error that names it") {
    file_intent_log log("/no-such-directory/log");
    auto const opened = log.open(make('1'));
    REQUIRE(opened.has_error());
    CHECK(opened.error() == errc::intent_log_failed);
    CHECK(opened.error().to_string().find("/no-such-directory/log") != std::string::npos);
}

} // namespace
} // namespace file_intent_log_tests

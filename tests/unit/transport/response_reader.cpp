#include <cloudflare/transport/detail/beast/response_reader.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace cloudflare;
using detail::beast::meaning_of;
using detail::beast::read_buffer;
using detail::beast::response_reader;

constexpr std::size_t max_header_size = 300;
constexpr std::size_t max_body_size = 100;

struct outcome {
    bool done = false;
    std::optional<errc> failure{};
    http::response response{};
    std::string body{};
    std::string unread{};
    bool keep_alive = false;
};

constexpr auto framed = response_reader::body_kind::framed;

/// Reads `string`, which comes in pieces of this size; `closed` is whether the connection ends then.
/// @param first_cut the size of the first piece where it is another one, else 0
outcome read(std::string_view string, std::size_t piece = 1000, bool closed = false,
             response_reader::body_kind kind = framed, std::size_t first_cut = 0) {
    auto const options =
        beast_options().max_header_size(max_header_size).max_body_size(max_body_size);
    response_reader reader(options, kind);
    read_buffer received;
    outcome o;
    for (auto rest = string; !rest.empty() && !reader.is_done() && !o.failure;) {
        auto const space = received.prepare();
        auto const wanted = rest.size() == string.size() && first_cut != 0 ? first_cut : piece;
        auto const size = std::min({space.size(), wanted, rest.size()});
        std::memcpy(space.data(), rest.data(), size);
        received.commit(size);
        rest.remove_prefix(size);
        if (auto const ec = reader.put_all(received)) o.failure = meaning_of(ec);
        if (reader.is_done()) o.unread = rest;
    }
    if (closed) reader.put_end();
    o.done = reader.is_done();
    auto const unread = received.data();
    o.unread.insert(0, static_cast<char const*>(unread.data()), unread.size());
    if (o.done) o.keep_alive = reader.keep_alive();
    o.response = reader.take();
    o.body = o.response.body;
    return o;
}

std::string with_length(std::string const& fields, std::string const& body) {
    return "HTTP/1.1 201 Created\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}
std::string const chunked_header = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_CASE("a response is the same in whatever pieces it comes, up to its last byte") {
    for (std::string const& string :
         {with_length("A: b\r\nC:d\r\n", "{\"a\":1}"),
          chunked_header + "7\r\n{\"a\":1}\r\n0\r\n\r\n",
          chunked_header + "3;x=y\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nT: u\r\n\r\n",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" +
              with_length("", "{\"a\":1}"),
          std::string("HTTP/1.1 201\r\nContent-Length: 7\r\n\r\n{\"a\":1}")}) {
        CAPTURE(string);
        for (std::size_t piece = 1; piece <= string.size(); ++piece) {
            auto const o = read(string + "HTTP/1.1", piece);
            REQUIRE(o.done);
            CHECK(o.response.status == 201);
            CHECK(o.body == "{\"a\":1}");
            CHECK_FALSE(o.response.fields.contains("Link"));
            CHECK_FALSE(o.response.fields.contains("T"));
            CHECK(o.unread == "HTTP/1.1");
            CHECK(o.keep_alive);
        }
        for (std::size_t cut = 0; cut != string.size(); ++cut) {
            CAPTURE(cut);
            auto const o = read(string.substr(0, cut), 1000, true);
            CHECK_FALSE(o.done); // nor is it whole because the connection ends
            CHECK_FALSE(o.failure);
        }
    }
}

TEST_CASE("a body without a length ends with the connection, and the connection with it") {
    std::string const string = "HTTP/1.1 200 OK\r\n\r\n{}";
    CHECK_FALSE(read(string).done);
    auto const o = read(string, 1, true);
    CHECK(o.done);
    CHECK(o.body == "{}");
    CHECK_FALSE(o.keep_alive);
}

TEST_CASE("the status line needs no reason, nor the blank before it") {
    for (std::string const line : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 \r\n\r\n",
                                   "HTTP/1.1 204\r\n\r\n", "HTTP/1.0 204\r\n\r\n"}) {
        CAPTURE(line);
        auto const o = read(line, 1);
        CHECK(o.done);
        CHECK(o.response.status == 204);
        CHECK(o.keep_alive == (line[7] == '1'));
    }
    for (std::string const line :
         {"HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2O4\r\n\r\n", "http/1.1 204\r\n\r\n",
          "HTTP/1.1 204\n\r\n", "HTTP/2 204\r\n\r\n", "HTTP/1.1 099\r\n\r\n",
          "\r\nHTTP/1.1 204\r\n\r\n", "HTTP/1.1  204\r\n\r\n"}) {
        CAPTURE(line);
        CHECK(read(line).failure == errc::malformed_response);
        CHECK(read(line, 1).failure == errc::malformed_response);
    }
}

TEST_CASE("an unsolicited switch of protocols is malformed") {
    CHECK(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").failure ==
          errc::malformed_response);
}

TEST_CASE("folded lines are one, without blanks at its ends, and others stay as they are") {
    auto const o =
        read(with_length("A: one\r\n two\r\n\tthree\r\nB:\r\n folded\r\nC:  d \t\r\nE:\r\n", ""));
    REQUIRE(o.done);
    CHECK(o.response.fields.find("A") == "one two three");
    CHECK(o.response.fields.find("B") == "folded");
    CHECK(o.response.fields.find("C") == "d");
    CHECK(o.response.fields.contains("E"));
    CHECK(o.response.fields.find("E").empty());
}

TEST_CASE("statuses without a body have none, whatever the header says") {
    for (std::string const status : {"204 No Content", "304 Not Modified"}) {
        auto const o = read("HTTP/1.1 " + status + "\r\nContent-Length: 5\r\n\r\nhello");
        CHECK(o.done);
        CHECK(o.body.empty());
        CHECK(o.unread == "hello");
    }
    auto const tunnel = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 1000, false,
                             response_reader::body_kind::nothing);
    CHECK(tunnel.done);
    CHECK(tunnel.unread == "hello");
}

TEST_CASE("framing that contradicts itself is malformed") {
    for (std::string const fields :
         {"Content-Length: 2\r\nContent-Length: 3\r\n",
          "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "Content-Length: +2\r\n",
          "Content-Length: -2\r\n", "Content-Length: 0x2\r\n", "Content-Length: 2, 3\r\n",
          "Content-Length:\r\n", "Content-Length: 99999999999999999999\r\n",
          "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: gzip\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked, identity\r\n", "Content-Length : 2\r\n", "no colon\r\n"}) {
        CAPTURE(fields);
        auto const o = read("HTTP/1.1 200 OK\r\n" + fields + "\r\n{}");
        CHECK(o.failure == errc::malformed_response);
    }
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}").done);
    CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n").done);
}

TEST_CASE("a header is bounded, and the informational ones before it count") {
    auto const fields = [](std::size_t size) { return "X: " + std::string(size, 'x') + "\r\n"; };
    CHECK(read(with_length(fields(200), "{}")).done);
    CHECK(read(with_length(fields(300), "{}")).failure == errc::response_too_large);
    CHECK(read(with_length(fields(300), "{}"), 1).failure == errc::response_too_large);
    std::string const early = "HTTP/1.1 103 Early Hints\r\n" + fields(100) + "\r\n";
    CHECK(read(early + with_length("", "{}")).done);
    CHECK(read(early + early + with_length("", "{}")).failure == errc::response_too_large);
    std::string flood;
    for (int i = 0; i != 100; ++i)
        flood += "HTTP/1.1 100\r\n\r\n";
    CHECK(read(flood).failure == errc::response_too_large);
    CHECK(read(flood, 1).failure == errc::response_too_large);
}

TEST_CASE("a header of just the bound is taken, and a longer one is not, wherever it is cut") {
    std::string const early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    for (std::string const begin :
         {"HTTP/1.1 201 Created\r\n", "HTTP/1.1 201\r\n", "HTTP/1.1 201 \r\n", "HTTP/1.1 204\r\n"})
        for (std::string const& before : {std::string(), early, early + "HTTP/1.1 100\r\n\r\n"})
            for (std::string const fields :
                 {"Content-Length: 0\r\nX: ", "Content-Length: 0\r\nA: b\r\n\tc\r\nX:"})
                for (std::size_t const size : {max_header_size - 1, max_header_size,
                                               max_header_size + 1, max_header_size + 2}) {
                    CAPTURE(size);
                    auto string = before + begin + fields;
                    string += std::string(size - string.size() - 4, 'x') + "\r\n\r\n";
                    CAPTURE(string);
                    REQUIRE(string.size() == size);
                    auto const is_right = [&](outcome const& o) {
                        return size <= max_header_size
                                   ? o.done && o.unread == "HTTP"
                                   : !o.done && o.failure == errc::response_too_large;
                    };
                    for (std::size_t cut = 0; cut != string.size(); ++cut) {
                        CAPTURE(cut);
                        CHECK(is_right(read(string + "HTTP", 1000, false, framed, cut)));
                    }
                    for (std::size_t piece = 1; piece <= string.size(); ++piece) {
                        CAPTURE(piece);
                        CHECK(is_right(read(string + "HTTP", piece)));
                    }
                }
}

TEST_CASE("a header of a bound that informational responses use up has no space") {
    std::string early = "HTTP/1.1 103 Early Hints\r\nX: ";
    early += std::string(max_header_size - early.size() - 4, 'x') + "\r\n\r\n";
    REQUIRE(early.size() == max_header_size);
    for (std::size_t piece = 1; piece <= early.size(); ++piece)
        CHECK(read(early + with_length("", "{}"), piece).failure == errc::response_too_large);
}

TEST_CASE("a body is bounded, however it is framed") {
    std::string const most(max_body_size, 'x'), more(max_body_size + 1, 'x');
    CHECK(read(with_length("", most)).body == most);
    CHECK(read(with_length("", more)).failure == errc::response_too_large);
    CHECK(read(chunked_header + "64\r\n" + most + "\r\n0\r\n\r\n").body == most);
    CHECK(read(chunked_header + "65\r\n" + more + "\r\n0\r\n\r\n").failure ==
          errc::response_too_large);
    CHECK(read("HTTP/1.1 200 OK\r\n\r\n" + most, 7, true).body == most);
    CHECK(read("HTTP/1.1 200 OK\r\n\r\n" + more, 7, true).failure == errc::response_too_large);
}

TEST_CASE("trailers, extensions and chunk sizes without end are refused") {
    std::string const lines(2000, 'x');
    CHECK(read(chunked_header + "0\r\nX: " + lines).failure == errc::response_too_large);
    CHECK(read(chunked_header + "1;" + lines, 1).failure == errc::response_too_large);
    std::string many;
    for (int i = 0; i != 100; ++i)
        many += "X: yyy\r\n";
    CHECK(read(chunked_header + "0\r\n" + many).failure == errc::response_too_large);
    CHECK(read(chunked_header + std::string(2000, '0')).failure == errc::malformed_response);
}

TEST_CASE("a connection is kept as the response says") {
    CHECK(read(with_length("", "{}")).keep_alive);
    CHECK_FALSE(read(with_length("Connection: close\r\n", "{}")).keep_alive);
    CHECK_FALSE(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
    CHECK(
        read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

} // namespace

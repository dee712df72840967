#include <cloudflare/transport/detail/chunked_decoder.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace chunked_decoder_tests {
namespace {

using cloudflare::wiped_string;
using decoder = cloudflare::detail::chunked_decoder;
using status = decoder::status;

constexpr std::uint64_t max_body_size = 100;
constexpr std::size_t max_ignored = 40;

struct outcome {
    status state;
    std::string body;
    std::size_t taken;
};

/// Decodes `string`, of which `piece` bytes are there at a time.
outcome decode(std::string_view string, std::size_t piece = 1000) {
    decoder d(max_body_size, max_ignored);
    wiped_string body;
    std::size_t taken = 0;
    while (taken != string.size() && d.state() == status::incomplete) {
        auto const part = string.substr(taken, piece);
        auto const size = d.put(part, body);
        if (d.state() == status::incomplete) CHECK(size == part.size());
        taken += size;
    }
    return {d.state(), std::string(body), taken};
}

TEST_CASE("chunks are put together, and the body ends with the empty line") {
    auto const o = decode("3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\nrest");
    CHECK(o.state == status::complete);
    CHECK(o.body == "abc0123456789abcdef");
    CHECK(o.taken == std::string_view("3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n").size());
}

TEST_CASE("the pieces in which a body comes make no difference") {
    std::string_view const string =
        "3;a=\"b\"\r\nabc\r\nA \r\n0123456789\r\n00\r\nX: y\r\nZ:\r\n\r\n";
    for (std::size_t piece = 1; piece <= string.size(); ++piece) {
        CAPTURE(piece);
        auto const o = decode(string, piece);
        CHECK(o.state == status::complete);
        CHECK(o.body == "abc0123456789");
        CHECK(o.taken == string.size());
    }
}

TEST_CASE("a body that has not ended is incomplete, wherever it is cut") {
    std::string_view const string = "3;a\r\nabc\r\n0\r\nX: y\r\n\r\n";
    for (std::size_t cut = 0; cut != string.size(); ++cut) {
        CAPTURE(cut);
        CHECK(decode(string.substr(0, cut)).state == status::incomplete);
    }
}

TEST_CASE("a last chunk alone is an empty body") {
    CHECK(decode("0\r\n\r\n").state == status::complete);
    CHECK(decode("0\r\n\r\n").body.empty());
    CHECK(decode("0000000000000000\r\n\r\n").state == status::complete);
}

TEST_CASE("what breaks the coding's rules is malformed") {
    for (std::string const string : {
             "\r\n",                         // no size
             ";a\r\n",                       // an extension without a size
             "x\r\n",                        // no hexadecimal digit
             "+3\r\nabc\r\n",                // a sign
             "-3\r\nabc\r\n",                //
             "0x3\r\nabc\r\n",               //
             " 3\r\nabc\r\n",                // a blank before the size
             "3\nabc\r\n",                   // no CR
             "3\r\rabc\r\n",                 // no LF
             "3;a\nabc\r\n",                 // no CR behind an extension
             "3\r\nabcd\r\n",                // more data than the size says
             "3\r\nabc\n0\r\n\r\n",          // no CR behind the data
             "3\r\nabc\r0\r\n\r\n",          // no LF behind the data
             "0\r\n\n",                      // no CR in the last line
             "0\r\n\rx",                     // no LF in it
             "0\r\nX: y\n\r\n",              // no CR behind a trailer field
             "0\r\nX: y\rz\r\n\r\n",         // a CR in a trailer field
             "0\r\nX: \x01\r\n\r\n",         // a control character there
             "3;\x7f\r\nabc\r\n0\r\n\r\n",   // and in an extension
             "00000000000000003\r\nabc\r\n", // 17 digits
             "10000000000000000\r\n",        // 2^64
         }) {
        CAPTURE(string);
        CHECK(decode(string).state == status::malformed);
        CHECK(decode(string, 1).state == status::malformed);
    }
}

TEST_CASE("a NUL in what is ignored is malformed") {
    using namespace std::string_literals;
    CHECK(decode("0\r\nX: \0\r\n\r\n"s).state == status::malformed);
}

TEST_CASE("zeros without end are refused at the 17th") {
    auto const o = decode(std::string(1000, '0'));
    CHECK(o.state == status::malformed);
    CHECK(o.taken == 17);
}

TEST_CASE("a body may have as many bytes as allowed, in all its chunks together") {
    std::string const half(50, 'x');
    auto const chunk = "32\r\n" + half + "\r\n";
    CHECK(decode(chunk + chunk + "0\r\n\r\n").state == status::complete);
    CHECK(decode(chunk + chunk + "1\r\nx\r\n0\r\n\r\n").state == status::too_large);
    CHECK(decode("65\r\n").state == status::too_large); // 101, refused before its data comes
    CHECK(decode("ffffffffffffffff\r\n").state == status::too_large);
}

TEST_CASE("extensions and trailer fields may have as many bytes as allowed, all together") {
    std::string const extension = ";" + std::string(19, 'e');
    std::string const field = "X: " + std::string(17, 'v');
    CHECK(decode("1" + extension + "\r\na\r\n0\r\n" + field + "\r\n\r\n").state ==
          status::complete);
    CHECK(decode("1" + extension + "\r\na\r\n0\r\n" + field + "v\r\n\r\n").state ==
          status::too_large);
    CHECK(decode("1" + extension + "e\r\na\r\n0\r\n" + field + "\r\n\r\n").state ==
          status::too_large);
    CHECK(decode("1;" + std::string(1000, 'e')).taken == 2 + max_ignored);
}

} // namespace
} // namespace chunked_decoder_tests

// Bytes from the wire: a response, or a proxy's response to CONNECT, is read or refused, in one piece
// or in many, with the same end and the same bytes left behind it.
#include "run.hpp"

#include <cloudflare/transport/detail/beast/response_reader.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

namespace cf = cloudflare;

namespace {

using cf::detail::beast::response_reader;

// One bound that most inputs keep to, and one that many reach.
constexpr std::uint32_t far_limit = 65536;
constexpr std::uint32_t near_limit = 512;

struct outcome {
    int status = 0;
    std::string fields{};
    std::string body{};
    std::size_t consumed = 0;
    bool may_go_on = false;
    friend bool operator==(outcome const&, outcome const&) = default;
};

outcome finish(response_reader& reader, std::size_t consumed, std::size_t limit) {
    bool const may_go_on = reader.keep_alive();
    auto const response = reader.take();
    require(response.status >= 200 && response.status <= 999, "a final response is no 1xx");
    require(response.body.size() <= limit, "a body keeps to its limit");
    cf::http::headers again;
    for (auto const field : response.fields)
        require(again.add(field.name, field.value).has_value(), "the parser checks as `add` does");
    require(again.wire_format() == response.fields.wire_format(), "the fields are whole lines");
    require(again.wire_format().size() <= 2 * limit, "a header keeps to its limit");
    return {response.status, std::string(response.fields.wire_format()), std::string(response.body),
            consumed, may_go_on};
}

/// Feeds the reader `piece` more bytes at a time, and then the connection's end; nothing where the
/// input is no whole response.
std::optional<outcome> read(std::string_view input, std::size_t piece,
                            response_reader::body_kind kind, std::uint32_t limit) {
    cf::beast_options const options =
        cf::beast_options().max_body_size(limit).max_header_size(limit);
    response_reader reader(options, kind);
    cf::detail::beast::read_buffer received;
    for (std::size_t begin = 0; begin != input.size();) {
        auto const space = received.prepare();
        auto const size = std::min({space.size(), piece, input.size() - begin});
        std::memcpy(space.data(), input.data() + begin, size);
        received.commit(size);
        begin += size;
        if (reader.put_all(received)) return std::nullopt;
        if (reader.is_done()) return finish(reader, begin - received.data().size(), limit);
    }
    reader.put_end();
    if (!reader.is_done()) return std::nullopt;
    require(reader.is_ended_by_connection(), "only its end ends it");
    return finish(reader, input.size() - received.data().size(), limit);
}

} // namespace

std::vector<std::string> samples() {
    return {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\n{}",
            "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\nx\r\n00\r\nTrailer: "
            "y\r\nDate: z\r\n\r\nHTTP/1.1 200 OK\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA:\r\nB: \t x  y \t\r\n folded\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 Connection established\r\nProxy-Agent: x\r\n\r\n\x16\x03\x03",
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nplain",
            "HTTP/1.0 502 Bad Gateway\r\nConnection: close\r\n\r\nerror code: 502"};
}

void check(std::string_view input) {
    using enum response_reader::body_kind;
    for (auto const kind : {framed, nothing}) {
        auto const read_whole = [&](std::uint32_t limit) {
            auto const whole = read(input, input.size() + 1, kind, limit);
            for (auto const piece : {std::size_t{1}, std::size_t{7}})
                require(whole == read(input, piece, kind, limit), "pieces make no difference");
            return whole;
        };
        auto const whole = read_whole(far_limit);
        if (kind == nothing && whole) require(whole->body.empty(), "a tunnel has no body");
        auto const bounded = read_whole(near_limit);
        require(!bounded || bounded == whole, "bounds refuse, and change nothing");
    }
}

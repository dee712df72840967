// Bytes from the wire: an answer is read or refused, in one piece or in many, with the same end.
#include "run.hpp"

#include <cloudflare/transport/beast/response_reader.hpp>

#include <algorithm>
#include <cstring>
#include <optional>

namespace cf = cloudflare;

namespace {

struct outcome {
    int status = 0;
    std::string fields{};
    std::string body{};
    friend bool operator==(outcome const&, outcome const&) = default;
};

/// Feeds the reader `piece` more bytes at a time; nothing where the input is no whole answer.
std::optional<outcome> read(std::string_view input, std::size_t piece) {
    cf::beast_options const options = cf::beast_options().max_body_size(4096).max_header_size(4096);
    cf::detail::beast::response_reader reader(options);
    cf::detail::beast::read_buffer received;
    for (std::size_t begin = 0; begin != input.size();) {
        auto const space = received.prepare();
        auto const size = std::min({space.size(), piece, input.size() - begin});
        std::memcpy(space.data(), input.data() + begin, size);
        received.commit(size);
        begin += size;
        if (reader.put_all(received)) return std::nullopt;
        if (!reader.is_done()) continue;
        auto answer = reader.take();
        require(answer.body.size() <= 4096, "a body keeps to its limit");
        cf::http::headers again;
        for (auto const field : answer.fields)
            require(again.add(field.name, field.value).has_value(),
                    "the parser checks as `add` does");
        require(again.wire_format() == answer.fields.wire_format(), "the fields are whole lines");
        return outcome{answer.status, std::string(answer.fields.wire_format()),
                       std::string(answer.body)};
    }
    return std::nullopt;
}

} // namespace

std::vector<std::string> samples() {
    return {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\n{}",
            "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA:\r\nB: \t x  y \t\r\n folded\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.0 502 Bad Gateway\r\nConnection: close\r\n\r\nerror code: 502"};
}

void check(std::string_view input) {
    auto const whole = read(input, input.size() + 1);
    auto const bytes = read(input, 1);
    // Fed byte by byte the reader may see a whole answer before the end of a longer input.
    if (whole && bytes) require(*whole == *bytes, "pieces make no difference");
}

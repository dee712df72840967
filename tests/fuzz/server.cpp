// A request's target and its Authorization, a line each, and then the file of the hashes: what is found is what was asked
// for, what a handler is given may be logged, and nobody is known but by the token whose hash the file has.
#include "run.hpp"

#include <cloudflare/server/bearer_hashes.hpp>
#include <cloudflare/server/routes.hpp>

#include <algorithm>

#include <unistd.h>

namespace cf = cloudflare;
namespace server = cloudflare::server;
using boost::beast::http::verb;

namespace {

/// SHA-256 of "abc", the first example of FIPS 180-2.
constexpr std::string_view hash_of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

server::routes sample_routes() {
    auto const respond = [](server::request const&) -> boost::asio::awaitable<server::response> {
        co_return server::error_response(500, "unused", "");
    };
    server::routes all;
    all.add(verb::get, "/healthz", respond).add(verb::put, "/v1/machines/{name}/token", respond);
    return all;
}

void check_target(std::string_view target) {
    server::request::message_type message;
    message.method(verb::put);
    message.target(target);
    server::request r(std::move(message));
    auto const is_printable = [](char c) { return c > ' ' && c <= '~'; };
    auto const shown = r.path + r.query;
    require(std::all_of(shown.begin(), shown.end(), is_printable), "a log may show the target");
    bool const has_query = target.find('?') != target.npos;
    require(shown.size() == target.size() - (has_query ? 1 : 0), "path and query are the target");

    static auto const all = sample_routes();
    if (all.find(r) != nullptr) {
        auto const name = r.parameter("name");
        require(r.path == "/v1/machines/" + name + "/token", "the path is that of the route");
        require(name.find('/') == name.npos, "a part has no slash");
        return;
    }
    auto const refused = all.refusal(r);
    bool const is_other_method = r.path == "/healthz";
    require(refused.result_int() == (is_other_method ? 405U : 404U), "the refusal fits the path");
    require(refused.count(boost::beast::http::field::allow) == (is_other_method ? 1U : 0U),
            "405 names the methods");
}

void check_hashes(std::string_view authorization, std::string_view lines) {
    static auto const file =
        (std::filesystem::temp_directory_path() / ("fuzz_server_" + std::to_string(::getpid())))
            .string();
    std::ofstream(file, std::ios::binary) << lines;
    auto const read = server::bearer_hashes::from_file(file);
    std::filesystem::remove(file);
    if (!read) {
        require(read.error() == cf::errc::invalid_argument, "a bad file is bad input");
        auto const line = read.error().to_string();
        require(line.find_first_of("\r\n") == line.npos, "an error is one line");
        require(line.find(file + ':') != line.npos, "an error names the file and the line");
        return;
    }
    auto const who = read->identity_of(authorization);
    if (!who) return;
    require(authorization.substr(6) == " abc", "nobody else's token is accepted");
    require(lines.find(*who) != lines.npos, "an identity is in the file");
}

} // namespace

std::vector<std::string> samples() {
    std::string const hash(hash_of_abc);
    return {"/v1/machines/web-1/token\nBearer abc\n" + hash + " web-1\n",
            "/healthz?verbose\nbearer abc\n# of the machines\n\n  " + hash + "\tweb-1 # first",
            "/v1/machines//token\nBasic YTpi\n" + hash + "\n", "*\n\nno hash web-1\n"};
}

void check(std::string_view input) {
    check_target(take_line(input));
    auto const authorization = take_line(input);
    check_hashes(authorization, input);
}

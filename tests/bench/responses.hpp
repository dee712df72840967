/// Responses of the API to decode: one of a create and a page of a list.
#pragma once

#include <cstddef>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// The string of a file.
inline std::string read_file(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("not read: " + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Appends `value` to `string`, with zeros in front up to `width`.
inline void append_padded(std::string& string, std::size_t value, std::size_t width) {
    auto const digits = std::to_string(value);
    string.append(width - digits.size(), '0').append(digits);
}

/// The response to a list, with so many tokens, each of which was used.
inline std::string page_response(std::size_t count) {
    std::string string = R"({"result":[)";
    for (std::size_t i = 0; i != count; ++i) {
        if (i != 0) string += ',';
        append_padded(string += R"({"client_id":")", i, 32);
        string += R"(.access","created_at":"2026-01-02T03:04:05Z","duration":"8760h",)";
        string += R"("expires_at":"2027-01-02T03:04:05Z","id":"f174e90a-fafe-4643-bbbc-)";
        append_padded(string, i, 12);
        append_padded(string += R"(","name":"runner )", i, 4);
        string += R"(","updated_at":"2026-01-02T03:04:05Z","client_secret_version":1,)";
        string += R"("enabled":true,"last_seen_at":"2026-03-04T05:06:07Z"})";
    }
    string += R"(],"success":true,"errors":[],"messages":[],"result_info":{"count":)";
    string += std::to_string(count) + R"(,"page":1,"per_page":1000,"total_count":)";
    return string + std::to_string(count) + R"(,"total_pages":1}})";
}

} // namespace bench

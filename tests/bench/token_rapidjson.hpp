/// The token of a response with RapidJSON, parsed in place.
#pragma once

#include "token.hpp"

#include <rapidjson/document.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace bench::rapid {

inline token to_token(rapidjson::Value const& v) {
    auto const string = [&](char const* key) {
        auto const member = v.FindMember(key);
        if (member == v.MemberEnd()) return std::string();
        return std::string(member->value.GetString(), member->value.GetStringLength());
    };
    token t;
    t.id = string("id");
    t.name = string("name");
    t.client_id = string("client_id");
    t.client_secret = string("client_secret");
    t.created_at = string("created_at");
    t.updated_at = string("updated_at");
    t.expires_at = string("expires_at");
    t.duration = string("duration");
    return t;
}

/// Parses a response, which must be a success, and gives its `result`.
inline rapidjson::Value& parse_result(rapidjson::Document& document, char* string) {
    document.ParseInsitu(string);
    if (document.HasParseError() || !document["success"].GetBool())
        throw std::runtime_error("the API refused");
    return document["result"];
}

inline token read_token(char* string) {
    rapidjson::Document document;
    return to_token(parse_result(document, string));
}

inline std::vector<token> read_page(char* string) {
    rapidjson::Document document;
    auto const& list = parse_result(document, string);
    std::vector<token> page;
    page.reserve(list.Size());
    for (auto const& v : list.GetArray())
        page.push_back(to_token(v));
    return page;
}

} // namespace bench::rapid

/// The token of an answer with RapidJSON, parsed in place.
#pragma once

#include "token.hpp"

#include <rapidjson/document.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace bench::rapid {

inline token to_token(rapidjson::Value const& v) {
    auto const text = [&](char const* key) {
        auto const member = v.FindMember(key);
        if (member == v.MemberEnd()) return std::string();
        return std::string(member->value.GetString(), member->value.GetStringLength());
    };
    token t;
    t.id = text("id");
    t.name = text("name");
    t.client_id = text("client_id");
    t.client_secret = text("client_secret");
    t.created_at = text("created_at");
    t.updated_at = text("updated_at");
    t.expires_at = text("expires_at");
    t.duration = text("duration");
    return t;
}

/// Parses an answer, which must be a success, and gives its `result`.
inline rapidjson::Value& parse_result(rapidjson::Document& document, char* text) {
    document.ParseInsitu(text);
    if (document.HasParseError() || !document["success"].GetBool())
        throw std::runtime_error("the API refused");
    return document["result"];
}

inline token read_token(char* text) {
    rapidjson::Document document;
    return to_token(parse_result(document, text));
}

inline std::vector<token> read_page(char* text) {
    rapidjson::Document document;
    auto const& list = parse_result(document, text);
    std::vector<token> page;
    page.reserve(list.Size());
    for (auto const& v : list.GetArray())
        page.push_back(to_token(v));
    return page;
}

} // namespace bench::rapid

/// The body of a create and the token of an answer, with Boost.JSON as its users write it.
#pragma once

#include "sample.hpp"
#include "token.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

inline token tag_invoke(boost::json::value_to_tag<token>, boost::json::value const& v) {
    auto const& object = v.as_object();
    auto const text = [&](std::string_view key) {
        auto const* member = object.if_contains(key);
        return member != nullptr ? boost::json::value_to<std::string>(*member) : std::string();
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

/// The body of a create.
inline std::string create_body() {
    return boost::json::serialize(
        boost::json::object{{"name", sample::name}, {"duration", sample::duration}});
}

/// The `result` of an answer, which must be a success.
template <class T>
T read_result(std::string_view body, boost::json::storage_ptr memory = {}) {
    auto const document = boost::json::parse(body, std::move(memory));
    auto const& envelope = document.as_object();
    if (!envelope.at("success").as_bool()) throw std::runtime_error("the API refused");
    return boost::json::value_to<T>(envelope.at("result"));
}

/// The token of an answer to a create.
inline token read_token(std::string_view body, boost::json::storage_ptr memory = {}) {
    auto made = read_result<token>(body, std::move(memory));
    sample::check(made.id, made.client_secret);
    return made;
}

} // namespace bench

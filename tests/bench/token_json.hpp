/// The body of a create and the token of a response, with Boost.JSON as its users write it.
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
    auto const string = [&](std::string_view key) {
        auto const* member = object.if_contains(key);
        return member != nullptr ? boost::json::value_to<std::string>(*member) : std::string();
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

/// The body of a create.
inline std::string create_body() {
    return boost::json::serialize(
        boost::json::object{{"name", sample::name}, {"duration", sample::duration}});
}

/// The `result` of a response, which must be a success.
template <class T>
T read_result(std::string_view body, boost::json::storage_ptr memory = {}) {
    auto const document = boost::json::parse(body, std::move(memory));
    auto const& envelope = document.as_object();
    if (!envelope.at("success").as_bool()) throw std::runtime_error("the API refused");
    return boost::json::value_to<T>(envelope.at("result"));
}

/// The token of a response to a create.
inline token read_token(std::string_view body, boost::json::storage_ptr memory = {}) {
    auto made = read_result<token>(body, std::move(memory));
    sample::check(made.id, made.client_secret);
    return made;
}

} // namespace bench

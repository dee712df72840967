#include "yaml.hpp"

#include "printable.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace json = boost::json;

namespace {

std::string block(json::value const& value, std::size_t indent);

std::string scalar(json::value const& value) {
    auto const* const string = value.if_string();
    return string != nullptr ? yaml_string(*string) : json::serialize(value);
}

bool is_block(json::value const& value) {
    return (value.is_array() && !value.get_array().empty()) ||
           (value.is_object() && !value.get_object().empty());
}

// An item of a list: its first line stands beside the dash.
std::string list_item(json::value const& value, std::size_t indent) {
    auto text = is_block(value) ? block(value, indent + 2)
                                : std::string(indent + 2, ' ') + scalar(value) + '\n';
    return text.replace(indent, 1, "-");
}

std::string block(json::value const& value, std::size_t indent) {
    std::string text;
    if (auto const* const list = value.if_array())
        for (auto const& item : *list)
            text += list_item(item, indent);
    if (auto const* const object = value.if_object())
        for (auto const& [key, member] : *object) {
            text.append(indent, ' ').append(key).append(":");
            text +=
                is_block(member) ? '\n' + block(member, indent + 2) : ' ' + scalar(member) + '\n';
        }
    return text;
}

} // namespace

std::string yaml_string(std::string_view string) {
    return json::serialize(json::string(printable(string)));
}

std::string to_yaml(json::value const& value) {
    return is_block(value) ? block(value, 0) : scalar(value) + '\n';
}

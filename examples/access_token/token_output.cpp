#include "token_output.hpp"

#include "kubernetes.hpp"
#include "printable.hpp"
#include "table.hpp"
#include "yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <type_traits>

namespace cf = cloudflare;

namespace {

// Calls `member(name, value)` for each field that is there, under the API's own names.
template <class Member>
void for_each_field(cf::access::service_token const& t, cf::secret const* secret, Member member) {
    member("id", t.id);
    if (!t.client_id.empty()) member("client_id", t.client_id);
    if (secret != nullptr) member("client_secret", std::string(secret->reveal()));
    if (!t.name.empty()) member("name", t.name);
    if (t.duration) member("duration", t.duration->str());
    if (t.enabled) member("enabled", *t.enabled);
    if (t.client_secret_version) member("client_secret_version", *t.client_secret_version);
    auto const moment = [&](char const* name, std::optional<cf::timestamp> const& at) {
        if (at) member(name, at->to_string());
    };
    moment("created_at", t.created_at);
    moment("updated_at", t.updated_at);
    moment("expires_at", t.expires_at);
    moment("last_seen_at", t.last_seen_at);
    moment("previous_client_secret_expires_at", t.previous_client_secret_expires_at);
}

boost::json::object to_json(cf::access::service_token const& t, cf::secret const* secret) {
    boost::json::object json;
    for_each_field(t, secret, [&](char const* name, auto const& value) { json[name] = value; });
    return json;
}

std::string to_text(cf::access::service_token const& t, cf::secret const* secret) {
    std::string text;
    auto const line = [&](char const* name, std::string const& value) {
        text.append(name).append(": ").append(printable(value)).append("\n");
    };
    for_each_field(t, secret, [&](char const* name, auto const& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, bool>) {
            line(name, value ? "true" : "false");
        } else if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>) {
            line(name, std::to_string(value));
        } else {
            line(name, value);
        }
    });
    return text;
}

std::string to_env(cf::access::service_token const& t, cf::secret const* secret,
                   env_names const& names) {
    std::string text = "CF_ACCESS_TOKEN_ID=" + printable(t.id) + '\n';
    text.append(names.client_id).append("=").append(printable(t.client_id)) += '\n';
    if (secret != nullptr)
        text.append(names.client_secret).append("=").append(secret->reveal()) += '\n';
    return text;
}

std::string date_of(std::optional<cf::timestamp> const& at) {
    return at ? at->to_string() : std::string();
}

std::string to_table(std::vector<cf::access::service_token> const& tokens,
                     output_style const& style) {
    table shown{{"NAME", "ID", "CLIENT ID", "STATE", "EXPIRES", "LAST USED"}};
    for (auto const& t : tokens)
        shown.rows.push_back({t.name, t.id, t.client_id,
                              t.enabled.value_or(true) ? "enabled" : "disabled",
                              date_of(t.expires_at), date_of(t.last_seen_at)});
    return shown.str(style.colours);
}

std::string to_lines(std::vector<cf::access::service_token> const& tokens) {
    std::string text;
    for (auto const& t : tokens) {
        text += printable(t.id) + "  " + (t.expires_at ? t.expires_at->to_string() : "-") + "  ";
        text += t.enabled.value_or(true) ? "enabled   " : "disabled  ";
        text += printable(t.name) + '\n';
    }
    return text;
}

} // namespace

std::string show(cf::access::service_token const& token, cf::secret const* secret,
                 output_style const& style) {
    auto const& name = token.name.empty() ? style.token_name : token.name;
    switch (style.format) {
    case output_format::json:
        return printable_json(boost::json::serialize(to_json(token, secret))) + '\n';
    case output_format::yaml: return to_yaml(to_json(token, secret));
    case output_format::env: return to_env(token, secret, style.names);
    case output_format::table: return to_table({token}, style);
    case output_format::name: return printable(name) + '\n';
    case output_format::id: return printable(token.id) + '\n';
    case output_format::kubernetes:
        return secret == nullptr
                   ? std::string()
                   : kubernetes_secret(name, token.client_id, secret->reveal(), style);
    case output_format::nothing: return {};
    case output_format::github:
    case output_format::text: break;
    }
    return to_text(token, secret);
}

std::string show(std::vector<cf::access::service_token> const& tokens, output_style const& style) {
    boost::json::array list;
    std::string words;
    for (auto const& t : tokens) {
        list.push_back(to_json(t, nullptr));
        words += printable(style.format == output_format::id ? t.id : t.name) + '\n';
    }
    switch (style.format) {
    case output_format::json: return printable_json(boost::json::serialize(list)) + '\n';
    case output_format::yaml: return to_yaml(list);
    case output_format::table: return to_table(tokens, style);
    case output_format::name:
    case output_format::id: return words;
    default: return to_lines(tokens);
    }
}

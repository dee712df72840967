#include "output.hpp"

#include "printable.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <iostream>
#include <unistd.h>

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

std::string to_env(cf::access::service_token const& t, cf::secret const* secret) {
    std::string text = "CF_ACCESS_TOKEN_ID=" + printable(t.id) + '\n';
    text += "CF_ACCESS_CLIENT_ID=" + printable(t.client_id) + '\n';
    if (secret != nullptr) text.append("CF_ACCESS_CLIENT_SECRET=").append(secret->reveal()) += '\n';
    return text;
}

} // namespace

std::string show(cf::access::service_token const& token, cf::secret const* secret,
                 output_format format) {
    switch (format) {
    case output_format::json:
        return printable_json(boost::json::serialize(to_json(token, secret))) + '\n';
    case output_format::env: return to_env(token, secret);
    case output_format::text: break;
    }
    return to_text(token, secret);
}

std::string show(std::vector<cf::access::service_token> const& tokens, output_format format) {
    if (format == output_format::json) {
        boost::json::array list;
        for (auto const& t : tokens)
            list.push_back(to_json(t, nullptr));
        return printable_json(boost::json::serialize(list)) + '\n';
    }
    std::string text;
    for (auto const& t : tokens) {
        text += printable(t.id) + "  " + (t.expires_at ? t.expires_at->to_string() : "-") + "  ";
        text += t.enabled.value_or(true) ? "enabled   " : "disabled  ";
        text += printable(t.name) + '\n';
    }
    return text;
}

void tell(std::string_view line) {
    std::cerr << printable(line) + '\n';
}

void say(std::string_view line) {
    tell(std::string("access-token: ").append(line));
}

bool write_to_stdout(std::string const& text) {
    for (std::size_t written = 0; written != text.size();) {
        auto const n = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) written += static_cast<std::size_t>(n);
    }
    return true;
}

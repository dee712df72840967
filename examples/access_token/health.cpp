#include "health.hpp"

#include "printable.hpp"
#include "yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdlib>

namespace {

using check_state = check::state;

char const* name_of(check_state s) {
    switch (s) {
    case check_state::ok: return "ok";
    case check_state::warning: return "warning";
    case check_state::failed: return "FAILED";
    case check_state::skipped: break;
    }
    return "skipped";
}

char const* colour_of(check_state s) {
    switch (s) {
    case check_state::ok: return "\x1b[32m";
    case check_state::warning: return "\x1b[33m";
    case check_state::failed: return "\x1b[1;31m";
    case check_state::skipped: break;
    }
    return "\x1b[2m";
}

std::string line_of(check const& c, bool colours) {
    auto is = std::string(name_of(c.is));
    is.resize(9, ' ');
    if (colours) is = colour_of(c.is) + is + "\x1b[0m";
    auto name = c.name;
    name.resize(std::max<std::size_t>(name.size(), 12), ' ');
    auto text = is + name + "  " + printable(c.detail) + '\n';
    if (!c.advice.empty()) text += std::string(23, ' ') + "-> " + printable(c.advice) + '\n';
    return text;
}

} // namespace

check check_of_clock(std::optional<std::chrono::seconds> ahead) {
    if (!ahead) return {"clock", check_state::skipped, "the server did not tell its time"};
    auto const seconds = ahead->count();
    auto const off = std::abs(seconds);
    auto const detail = off <= 2 ? std::string("as the server's")
                                 : std::to_string(off) + " s " +
                                       (seconds > 0 ? "ahead of" : "behind") + " the server's";
    if (off <= 30) return {"clock", check_state::ok, detail};
    return {"clock", off <= 300 ? check_state::warning : check_state::failed, detail,
            "set this machine's clock, e.g. by NTP: timedatectl set-ntp true"};
}

check check_of_rate(std::optional<std::int64_t> remaining) {
    if (!remaining)
        return {"rate", check_state::ok, "the server does not tell how many requests are left"};
    auto const detail = std::to_string(*remaining) + " requests left";
    if (*remaining >= 100) return {"rate", check_state::ok, detail};
    return {"rate", *remaining > 0 ? check_state::warning : check_state::failed, detail,
            "wait: past the limit all requests of this user are refused for five minutes"};
}

std::string show(std::vector<check> const& checks, output_style const& style) {
    boost::json::array list;
    std::string text;
    for (auto const& c : checks) {
        boost::json::object one{{"check", c.name}, {"state", name_of(c.is)}, {"detail", c.detail}};
        if (!c.advice.empty()) one["advice"] = c.advice;
        list.push_back(std::move(one));
        text += line_of(c, style.colours);
    }
    if (style.format == output_format::json)
        return printable_json(boost::json::serialize(list)) + '\n';
    return style.format == output_format::yaml ? to_yaml(list) : text;
}

bool has_failure(std::vector<check> const& checks) {
    return std::any_of(checks.begin(), checks.end(),
                       [](check const& c) { return c.is == check_state::failed; });
}

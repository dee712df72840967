#include "profile.hpp"

#include "command_table.hpp"
#include "suggestion.hpp"

#include <algorithm>
#include <vector>

namespace cf = cloudflare;

namespace {

cf::error refuse(int line, std::string const& why) {
    return {cf::errc::invalid_argument, (line > 0 ? std::to_string(line) + ": " : "") + why};
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    auto const first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> names_in_profiles() {
    std::vector<std::string_view> names;
    for (auto const& o : all_options())
        if (o.may_be_in_profile) names.push_back(o.name);
    return names;
}

bool is_secret(std::string_view name) {
    for (char const* const part : {"token", "key", "secret", "password"})
        if (name.find(part) != name.npos) return true;
    return false;
}

cf::result<void> check_setting(int line, std::string_view name, std::string_view value) {
    auto const names = names_in_profiles();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        if (is_secret(name))
            return refuse(line, std::string(name) +
                                    ": a secret has no place in this file; name it by "
                                    "credentials-file or credentials-command");
        return refuse(line, "no such setting: " + std::string(name) + did_you_mean(name, names));
    }
    if (value.empty()) return refuse(line, std::string(name) + " must not be empty");
    auto const& option = *find_option(name);
    if (!option.choices.empty() && !has_word(option.choices, value))
        return refuse(line, std::string(name) + " must be one of: " + std::string(option.choices));
    return {};
}

cf::result<void> check_profile(int line, profile_settings const& p) {
    for (auto const& [one, other] :
         {std::pair("account", "zone"), std::pair("credentials-file", "credentials-command")})
        if (p.count(one) != 0 && p.count(other) != 0)
            return refuse(line, std::string(one) + " and " + other + " exclude each other");
    return {};
}

} // namespace

cf::result<profiles> parse_profiles(std::string_view text) {
    profiles all;
    profile_settings* current = nullptr;
    for (int line = 1; !text.empty(); ++line) {
        auto const whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), whole.size() + 1));
        auto const words = trimmed(whole);
        if (words.empty() || words.front() == '#' || words.front() == ';') continue;
        if (words.front() == '[') {
            auto const name = trimmed(words.substr(1, words.find(']') - 1));
            if (words.back() != ']' || name.empty())
                return refuse(line, "a profile begins with [NAME]");
            auto const [place, is_new] = all.try_emplace(std::string(name));
            if (!is_new)
                return refuse(line, "the profile " + std::string(name) + " is there twice");
            current = &place->second;
            continue;
        }
        auto const equals = words.find('=');
        if (equals == words.npos) return refuse(line, "must be NAME = VALUE");
        if (current == nullptr)
            return refuse(line, "must be in a profile, which begins with [NAME]");
        auto const name = trimmed(words.substr(0, equals));
        auto const value = trimmed(words.substr(equals + 1));
        if (auto const ok = check_setting(line, name, value); !ok) return ok.error();
        if (!current->emplace(name, value).second)
            return refuse(line, std::string(name) + " is there twice");
        if (auto const ok = check_profile(line, *current); !ok) return ok.error();
    }
    return all;
}

cf::result<profile_settings> choose_profile(profiles const& all,
                                            std::optional<std::string> const& wanted,
                                            std::string const& path, std::string const& home) {
    auto const found = all.find(wanted.value_or("default"));
    if (found == all.end()) {
        if (!wanted) return profile_settings();
        std::vector<std::string_view> names;
        for (auto const& [name, settings] : all)
            names.push_back(name);
        return refuse(0, "no profile " + *wanted + " in " + path + did_you_mean(*wanted, names));
    }
    auto chosen = found->second;
    for (char const* const name : {"credentials-file", "ca-file"})
        if (auto const one = chosen.find(name);
            one != chosen.end() && one->second.starts_with("~/"))
            one->second.replace(0, 1, home);
    return chosen;
}

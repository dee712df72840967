#include "kubernetes.hpp"

#include "yaml.hpp"

#include <algorithm>

namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string pair(std::string_view name, std::string_view value) {
    return "  " + std::string(name) + ": " + yaml_string(value) + '\n';
}

} // namespace

std::string kubernetes_name(std::string_view name) {
    std::string made;
    for (char c : name.substr(0, 253)) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        // A part between two dots begins and ends with a letter or a digit, too.
        bool const is_plain = is_letter_or_digit(c);
        if (is_plain || (!made.empty() && is_letter_or_digit(made.back())))
            made += is_plain || c == '.' ? c : '-';
    }
    while (!made.empty() && !is_letter_or_digit(made.back()))
        made.pop_back();
    return made.empty() ? "access-token" : made;
}

bool is_kubernetes_namespace(std::string_view name) {
    return !name.empty() && name.size() <= 63 && is_letter_or_digit(name.front()) &&
           is_letter_or_digit(name.back()) && std::all_of(name.begin(), name.end(), [](char c) {
               return c == '-' || is_letter_or_digit(c);
           });
}

std::string kubernetes_secret(std::string_view name, std::string_view client_id,
                              std::string_view client_secret, output_style const& style) {
    auto text = "apiVersion: v1\nkind: Secret\nmetadata:\n" + pair("name", kubernetes_name(name));
    if (!style.kubernetes_namespace.empty()) text += pair("namespace", style.kubernetes_namespace);
    text += "type: Opaque\nstringData:\n";
    text += pair(style.names.client_id, client_id);
    text += pair(style.names.client_secret, client_secret);
    return text;
}

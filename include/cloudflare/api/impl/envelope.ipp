/// The definition of `read_envelope`.
#pragma once

#include <cloudflare/api/envelope.hpp>
#include <cloudflare/json/object_reader.hpp>

#include <optional>
#include <vector>

namespace cloudflare::inline v0 {

namespace detail {

inline constexpr int max_error_chain = 8;

/// An entry of `errors` or `messages`: an object or, from older endpoints, a plain string.
[[nodiscard]] inline api_message read_api_message(json_value v, int depth = 0) {
    api_message m;
    if (read_json(v, m.message)) return m;
    json_object_reader in(v);
    in.optional("code", m.code);
    in.optional("message", m.message);
    in.optional("documentation_url", m.documentation_url);
    json_object_reader(v.find("source")).optional("pointer", m.source_pointer);
    auto const chain = v.find("error_chain");
    if (chain.is_array() && depth < max_error_chain)
        for (json_value const inner : chain)
            m.error_chain.push_back(read_api_message(inner, depth + 1));
    return m;
}

[[nodiscard]] inline std::vector<api_message> read_api_messages(json_value list) {
    std::vector<api_message> messages;
    if (!list.is_array()) return messages;
    messages.reserve(list.size());
    for (json_value const v : list)
        messages.push_back(read_api_message(v));
    return messages;
}

[[nodiscard]] inline result_info read_result_info(json_value v) {
    result_info info;
    json_object_reader in(v);
    in.optional("count", info.count);
    in.optional("page", info.page);
    in.optional("per_page", info.per_page);
    in.optional("total_count", info.total_count);
    in.optional("total_pages", info.total_pages);
    return info;
}

} // namespace detail

CLOUDFLARE_DECL std::optional<envelope> read_envelope(json_document const& document) {
    auto const root = document.root();
    auto const success = root.find("success").if_bool();
    if (!success) return std::nullopt;

    envelope e;
    e.success = *success;
    e.errors = detail::read_api_messages(root.find("errors"));
    e.messages = detail::read_api_messages(root.find("messages"));
    e.result = root.find("result");
    e.info = detail::read_result_info(root.find("result_info"));
    return e;
}

} // namespace cloudflare::inline v0

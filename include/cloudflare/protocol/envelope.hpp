/// Cloudflare's envelope: `success`, `errors`, `messages`, `result` and `result_info` around each
/// answer.
#pragma once

#include <cloudflare/http/response.hpp>
#include <cloudflare/protocol/json.hpp>
#include <cloudflare/protocol/page.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0 {

/// An answer taken apart. Points into the document it was read from.
struct envelope {
    bool success = false;
    std::vector<api_message> errors{};
    std::vector<api_message> messages{};        ///< notes; they come with success too
    boost::json::value const* result = nullptr; ///< null where it is absent or JSON's null
    result_info info{};
};

namespace detail {

inline constexpr int max_error_chain = 8;

/// An entry of `errors` or `messages`: an object, or in old answers a mere string.
[[nodiscard]] inline api_message read_api_message(boost::json::value const& v, int depth = 0) {
    api_message m;
    if (v.is_string()) {
        static_cast<void>(read_json(v, m.message));
        return m;
    }
    json_object_reader in(v);
    in.optional("code", m.code);
    in.optional("message", m.message);
    in.optional("documentation_url", m.documentation_url);
    auto const* object = v.if_object();
    if (object == nullptr) return m;
    if (auto const* source = find_member(*object, "source"))
        json_object_reader(*source).optional("pointer", m.source_pointer);
    auto const* chain = find_member(*object, "error_chain");
    if (chain != nullptr && chain->is_array() && depth < max_error_chain)
        for (auto const& inner : chain->get_array())
            m.error_chain.push_back(read_api_message(inner, depth + 1));
    return m;
}

[[nodiscard]] inline std::vector<api_message> read_api_messages(boost::json::object const& object,
                                                                std::string_view key) {
    std::vector<api_message> messages;
    auto const* list = find_member(object, key);
    if (list == nullptr || !list->is_array()) return messages;
    messages.reserve(list->get_array().size());
    for (auto const& v : list->get_array())
        messages.push_back(read_api_message(v));
    return messages;
}

[[nodiscard]] inline result_info read_result_info(boost::json::value const& v) {
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

/// Reads the envelope in `document`; nothing where it is not one: no object, or no boolean
/// `success`.
[[nodiscard]] inline std::optional<envelope> read_envelope(json_document const& document) {
    auto const* object = document.root() != nullptr ? document.root()->if_object() : nullptr;
    if (object == nullptr) return std::nullopt;
    auto const* success = find_member(*object, "success");
    if (success == nullptr || !success->is_bool()) return std::nullopt;

    envelope e;
    e.success = success->get_bool();
    e.errors = detail::read_api_messages(*object, "errors");
    e.messages = detail::read_api_messages(*object, "messages");
    e.result = find_member(*object, "result");
    if (auto const* info = find_member(*object, "result_info"))
        e.info = detail::read_result_info(*info);
    return e;
}

} // namespace cloudflare::inline v0

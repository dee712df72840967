/// libcurl's handles as values that free themselves.
#pragma once

#include <cloudflare/core/detail/free_with.hpp>
#include <cloudflare/core/detail/posix_only.hpp>
#include <cloudflare/core/wipe.hpp>

#include <curl/curl.h>

#include <memory>
#include <string_view>

namespace cloudflare::inline v0::detail::curl {

using easy_handle = std::unique_ptr<CURL, free_with<curl_easy_cleanup>>;
using multi_handle = std::unique_ptr<CURLM, free_with<curl_multi_cleanup>>;

/// Frees header fields; they hold credentials, and are wiped.
inline void free_fields(curl_slist* list) noexcept {
    for (auto const* node = list; node != nullptr; node = node->next)
        wipe(node->data, std::string_view(node->data).size());
    curl_slist_free_all(list);
}
using field_list = std::unique_ptr<curl_slist, free_with<free_fields>>;

} // namespace cloudflare::inline v0::detail::curl

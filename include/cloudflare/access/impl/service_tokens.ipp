/// The definitions of `service_tokens` that depend on no client.
#pragma once

#include <cloudflare/access/service_tokens.hpp>

#include <cstdint>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

CLOUDFLARE_DECL void detail::listing_builder::add(page<service_token> one, bool is_new) {
    if (all_.pages++ == 0) total_count_ = one.info.total_count;
    if (!is_new || one.info.total_count != total_count_) consistent_ = false;
    if (!is_new) return;
    std::unordered_set<std::string> seen;
    for (auto const& token : all_.tokens)
        seen.insert(token.id);
    auto& items = one.items;
    if (std::erase_if(items, [&](auto const& t) { return !seen.insert(t.id).second; }) != 0)
        consistent_ = false;
    all_.tokens.insert(all_.tokens.end(), std::move_iterator(items.begin()),
                       std::move_iterator(items.end()));
}

CLOUDFLARE_DECL token_listing detail::listing_builder::finish() {
    auto const count = static_cast<std::int64_t>(all_.tokens.size());
    all_.complete = consistent_ && (total_count_ ? *total_count_ == count : all_.pages == 1);
    return std::move(all_);
}

} // namespace cloudflare::inline v0::access

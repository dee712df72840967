/// The definitions of `service_tokens` that depend on no client.
#pragma once

#include <cloudflare/access/service_tokens.hpp>

#include <iterator>
#include <string>
#include <unordered_set>
#include <vector>

namespace cloudflare::inline v0::access {

CLOUDFLARE_DECL void detail::append_new(std::vector<service_token>& all,
                                        std::vector<service_token> items) {
    std::unordered_set<std::string> seen;
    for (auto const& token : all)
        seen.insert(token.id);
    std::erase_if(items, [&](service_token const& t) { return !seen.insert(t.id).second; });
    all.insert(all.end(), std::move_iterator(items.begin()), std::move_iterator(items.end()));
}

} // namespace cloudflare::inline v0::access

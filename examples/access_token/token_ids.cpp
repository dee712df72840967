#include "token_ids.hpp"

#include "next_command.hpp"
#include "output.hpp"

#include <algorithm>
#include <utility>

namespace cf = cloudflare;
using cf::access::service_token;

namespace {

std::string described(service_token const& t) {
    auto const date = [](std::optional<cf::timestamp> const& at) {
        return at ? at->to_string() : std::string("-");
    };
    return "  " + t.id + "  created " + date(t.created_at) + "  last used " + date(t.last_seen_at);
}

// The one token that the word means; nothing where there is none, or several: that is said.
std::optional<std::string> find_one(options const& o, cf::access::token_listing const& listing,
                                    std::string const& word) {
    std::vector<service_token const*> found;
    for (auto const& t : listing.tokens)
        if (t.name == word || t.client_id == word) found.push_back(&t);
    if (found.size() == 1 && listing.complete) return found[0]->id;
    if (found.size() == 1) {
        say("whether \"" + word +
            "\" is the name of one token only is not certain, for the list is "
            "not complete; give its id: " +
            found[0]->id);
        return std::nullopt;
    }
    if (found.empty()) {
        say("no token has the name or client id \"" + word +
            "\"; what there is: " + to_type(o, "list"));
        return std::nullopt;
    }
    say(std::to_string(found.size()) + " tokens have the name \"" + word +
        "\"; give the id of one:");
    for (auto const* t : found)
        say(described(*t));
    return std::nullopt;
}

} // namespace

bool is_token_id(std::string_view word) {
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    constexpr std::string_view hex = "0123456789abcdef";
    if (word.size() != form.size()) return false;
    for (std::size_t i = 0; i != form.size(); ++i)
        if (form[i] == '-' ? word[i] != '-' : hex.find(word[i]) == hex.npos) return false;
    return true;
}

awaitable<cf::result<std::optional<options>>> with_token_ids(api_client client, options o) {
    bool const are_ids = std::all_of(o.arguments.begin(), o.arguments.end(), is_token_id);
    if (are_ids) co_return std::optional(std::move(o));
    service_tokens const tokens(client, *o.scope);
    auto listing = tokens.list_whole();
    auto const listed = co_await std::move(listing);
    if (!listed) co_return listed.error();
    for (auto& word : o.arguments) {
        if (is_token_id(word)) continue;
        auto id = find_one(o, *listed, word);
        if (!id) co_return std::optional<options>();
        word = std::move(*id);
    }
    o.argument = o.arguments.back();
    co_return std::optional(std::move(o));
}

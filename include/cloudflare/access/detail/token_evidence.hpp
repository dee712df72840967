/// What a list and the sink show of the tokens that intents made.
#pragma once

#include <cloudflare/access/detail/recovery.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// A UUID that is no token's, from 32 random hexadecimal digits.
[[nodiscard]] inline std::string made_up_id(std::string digits) {
    digits[12] = '4';
    digits[16] = '8';
    for (std::size_t const at : {8U, 13U, 18U, 23U})
        digits.insert(at, 1, '-');
    return digits;
}

/// What a list of the scope's tokens and the sink show of intents.
///
/// @tparam Tools a `recovery`
template <class Tools>
class token_evidence {
public:
    template <class T>
    using task = typename Tools::template task<T>;

    /// @param shared must outlive it
    /// @param listing the same
    token_evidence(Tools& shared, token_listing const& listing)
        : tools_(shared), listing_(listing) {}

    /// Whether the list has all tokens that the credentials may see.
    [[nodiscard]] bool is_complete() const noexcept { return listing_.complete; }
    [[nodiscard]] bool shows_nothing() const noexcept { return listing_.tokens.empty(); }
    /// Whether a token that is not listed certainly does not exist.
    [[nodiscard]] bool is_proof() const noexcept { return is_complete() && !shows_nothing(); }

    [[nodiscard]] service_token const* find_listed(std::string const& id) const {
        auto const& all = listing_.tokens;
        auto const found =
            std::find_if(all.begin(), all.end(), [&](auto const& t) { return t.id == id; });
        return found == all.end() ? nullptr : &*found;
    }
    /// The ids of the tokens that the intent made.
    [[nodiscard]] std::vector<std::string> marked_by(intent const& i) const {
        std::vector<std::string> ids;
        for (auto const& t : listing_.tokens)
            if (is_marked(t, i) && is_made_in_time(t, i, tools_.options().watch()))
                ids.push_back(t.id);
        return ids;
    }

    /// What the sink holds of this intent's issue; nothing if it holds a token of another issue of
    /// the key.
    [[nodiscard]] task<result<std::optional<held_token>>> find_held(intent const& i) {
        auto pending = tools_.find_held(i.key);
        auto held = co_await std::move(pending);
        if (held && *held && !(*held)->tag.empty() && (*held)->tag != i.tag) held->reset();
        co_return held;
    }

    /// For a list that shows nothing, perhaps because a permission is missing: whether getting a
    /// token that does not exist is "not found". How the API does that is not recorded, so it is
    /// enough to settle and watch an intent, not to erase it.
    ///
    /// @return `presence::there` if the permission is
    [[nodiscard]] task<result<presence>> may_read() {
        if (readable_) co_return *readable_;
        auto pending = tools_.get(made_up_id(tools_.options().make_tag()));
        auto const got = co_await std::move(pending);
        bool const is_refused =
            got || got.error() == errc::forbidden || got.error() == errc::unauthorized;
        if (!is_refused && got.error() != errc::not_found) co_return got.error();
        readable_ = is_refused ? presence::absent : presence::there;
        co_return *readable_;
    }

private:
    Tools& tools_;
    token_listing const& listing_;
    std::optional<presence> readable_{};
};

} // namespace cloudflare::inline v0::access::detail

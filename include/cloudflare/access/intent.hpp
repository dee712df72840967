/// An intent: what is about to be made, logged before it is made, so that nothing that a dead
/// process made is lost.
#pragma once

#include <cloudflare/access/scope.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// What an intent is for.
enum class intent_purpose : unsigned char {
    issue, ///< a new token
    rotate ///< a new secret for the token `token_id`
};

/// How far an intent has come. The state moves down this list only.
enum class intent_state : unsigned char {
    open,        ///< under way, or left by a process that died
    withdrawing, ///< given up: what it made is being deleted, and its issue can no longer succeed
    lost,        ///< a rotation whose new secret is lost; `until`: the end of the grace period
    settled      ///< decided; watched until `until` for what a late request makes
};

/// One issue or rotation that was begun. Holds no secret. Not an aggregate: see "g++ 12's rules" in
/// include/README.md.
class intent {
public:
    /// @param issue_tag 32 lowercase hexadecimal digits
    intent(std::string issue_tag, any_scope token_scope, std::string wanted_name,
           timestamp opened = {}, std::string callers_note = {})
        : tag(std::move(issue_tag)),
          scope(token_scope),
          name(std::move(wanted_name)),
          opened_at(opened),
          note(std::move(callers_note)) {}

    /// Identifies the intent and every token that it makes: 32 lowercase hexadecimal digits.
    std::string tag;
    intent_purpose purpose = intent_purpose::issue; ///< what it is for
    any_scope scope;                                ///< where the token is or is to be
    std::string key{};  ///< under which the sink has the secret; the tag for an issue without one
    std::string sink{}; ///< names the sink, if sinks share a log (`issue_options::sink_name`)
    std::string name;   ///< the token's name in the end, without the tag
    std::string token_id{}; ///< of the token, once decided; empty: none, or not yet
    std::int64_t version =
        0;                 ///< the `client_secret_version` that marks its tokens; 0: the name does
    timestamp opened_at{}; ///< by the server's clock if that is known
    std::string note{};    ///< the caller's, e.g. where the secret goes
    intent_state state = intent_state::open; ///< how far it has come
    timestamp until{};                       ///< see `intent_state`; else 1970

    std::string writer{}; ///< random: by it, the process that wrote last recognizes its own write
    /// How often the intent was written; set by the log, for its compare-and-set.
    std::int64_t revision = 1;

    /// Compares every member.
    friend bool operator==(intent const&, intent const&) = default;
};

/// The name under which a token is created. The tag comes first, because a server that cuts long
/// names cuts their ends.
[[nodiscard]] inline std::string tagged_name(std::string_view name, std::string_view tag) {
    return std::string("issue:").append(tag).append(" ").append(name);
}

namespace detail {

/// A capital letter of ASCII as a small one; any other character as it is.
[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace detail

namespace detail {

inline constexpr std::string_view tag_mark = "issue:";
inline constexpr std::size_t tag_digits = 32;
/// So many digits identify a tag of which a server has cut the end.
inline constexpr std::size_t fewest_tag_digits = 10;

[[nodiscard]] inline bool is_same_folded(char a, char b) noexcept {
    return ascii_lower(a) == b;
}

} // namespace detail

/// Whether a token's name has this tag: its digits, anywhere and in either case, because servers
/// trim and fold names and people add to them; or a name that the server has cut ends with at least
/// 10 of the digits.
[[nodiscard]] inline bool has_tag(std::string_view name, std::string_view tag) noexcept {
    using namespace detail;
    if (tag.empty()) return false;
    if (std::search(name.begin(), name.end(), tag.begin(), tag.end(), is_same_folded) != name.end())
        return true;
    auto const& mark = tag_mark;
    if (name.size() < mark.size() + fewest_tag_digits || name.size() > mark.size() + tag.size())
        return false;
    return has_tag(name.substr(0, mark.size()), mark) &&
           has_tag(name.substr(mark.size()), tag.substr(0, name.size() - mark.size()));
}

/// Whether a name has the tag of any issue.
[[nodiscard]] inline bool has_any_tag(std::string_view name) noexcept {
    using namespace detail;
    for (auto rest = name; rest.size() >= tag_mark.size() + fewest_tag_digits;
         rest.remove_prefix(1)) {
        if (!has_tag(rest.substr(0, tag_mark.size()), tag_mark)) continue;
        auto const digits = rest.substr(tag_mark.size(), tag_digits);
        bool const is_hex = digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
        bool const is_cut = rest.size() == tag_mark.size() + digits.size() && rest == name;
        if (is_hex && (digits.size() == tag_digits || is_cut)) return true;
    }
    return false;
}

[[nodiscard]] constexpr std::string_view to_string(intent_purpose p) noexcept {
    return p == intent_purpose::issue ? "issue" : "rotate";
}
[[nodiscard]] constexpr std::string_view to_string(intent_state s) noexcept {
    constexpr std::string_view names[] = {"open", "withdrawing", "lost", "settled"};
    return names[static_cast<unsigned>(s)];
}

inline std::ostream& operator<<(std::ostream& out, intent_purpose p) {
    return out << to_string(p);
}
inline std::ostream& operator<<(std::ostream& out, intent_state s) {
    return out << to_string(s);
}
/// One line, e.g. `intent 0f..1e to issue "ci" for account 02..53, open since 2025-...Z, key k`.
inline std::ostream& operator<<(std::ostream& out, intent const& i) {
    auto const show = [&](char const* what, std::string_view value) {
        if (!value.empty()) out << what << cloudflare::detail::redact_own(value, 200);
    };
    out << "intent " << cloudflare::detail::redact_own(i.tag, 100) << " to " << i.purpose << " \""
        << cloudflare::detail::redact_own(i.name, 200) << "\" for " << i.scope << ", " << i.state
        << " since " << i.opened_at;
    if (i.until != timestamp()) out << ", until " << i.until;
    show(", key ", i.key);
    show(", token ", i.token_id);
    show(", sink ", i.sink);
    show(", note ", i.note);
    return out;
}

} // namespace cloudflare::inline v0::access

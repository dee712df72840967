/// Intents: what is about to be created, written down first, so that nothing a dead process made is
/// lost.
#pragma once

#include <cloudflare/access/scope.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// One issue of a service token that has begun and is not settled yet. Holds no secret.
struct intent {
    std::string
        tag; ///< 32 lowercase hexadecimal digits, in the name of every token this issue makes
    any_scope scope;       ///< where the token is made
    std::string name;      ///< what the token is to be called in the end
    timestamp opened_at{}; ///< by the clock of the process that opened it
    std::string note{};    ///< the caller's own, e.g. where the secret goes

    friend bool operator==(intent const&, intent const&) = default;
};

/// Where intents are kept. Three functions, so that a fleet can keep them in a database of its own:
///
///     result<void> open(intent const&);          // written down for good when it returns
///     result<void> close(std::string_view tag);  // the same; of what is not open it does nothing
///     result<std::vector<intent>> open_intents();
template <class L>
concept intent_log = requires(L& log, intent const& i, std::string_view tag) {
    { log.open(i) } -> std::same_as<result<void>>;
    { log.close(tag) } -> std::same_as<result<void>>;
    { log.open_intents() } -> std::same_as<result<std::vector<intent>>>;
};

/// Keeps intents in memory: enough where a process that dies takes nothing with it, and for tests.
class memory_intent_log {
public:
    [[nodiscard]] result<void> open(intent const& i) {
        open_.push_back(i);
        return {};
    }
    [[nodiscard]] result<void> close(std::string_view tag) {
        std::erase_if(open_, [&](intent const& i) { return i.tag == tag; });
        return {};
    }
    [[nodiscard]] result<std::vector<intent>> open_intents() const { return open_; }

private:
    std::vector<intent> open_;
};

/// The name under which a token is created: the wanted name and the tag of its issue.
[[nodiscard]] inline std::string tagged_name(std::string_view name, std::string_view tag) {
    return std::string(name).append(" issue:").append(tag);
}

/// Whether a token of this name was made by the issue of this tag.
[[nodiscard]] inline bool has_tag(std::string_view name, std::string_view tag) noexcept {
    constexpr std::string_view mark = " issue:";
    return name.size() > mark.size() + tag.size() && name.ends_with(tag) &&
           name.substr(0, name.size() - tag.size()).ends_with(mark);
}

} // namespace cloudflare::inline v0::access

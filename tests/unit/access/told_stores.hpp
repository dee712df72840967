// Stores of which each call can fail.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace told_stores {

using namespace cloudflare;

/// What happens at the n-th call of a store's function: a failure, or somebody else's write.
struct told_store {
    std::map<std::pair<std::string, int>, std::function<result<void>()>> at{};
    std::map<std::string, int> made{};
    result<void> call(std::string const& function) {
        auto const found = at.find({function, ++made[function]});
        return found == at.end() ? result<void>() : found->second();
    }
    /// The function fails from its n-th call on, as often as it is called again.
    void fail(std::string const& function, int n, errc code, int times = 4) {
        for (int i = 0; i != times; ++i)
            at[{function, n + i}] = [code] {
                return error(code, error_details{.explanation = "not mounted",
                                                 .idempotency = idempotency::safe});
            };
    }
};
struct told_log : told_store {
    access::memory_intent_log inner;
    result<std::optional<access::intent>> insert(access::intent const& i) {
        auto const told = call("insert");
        return told ? inner.insert(i) : told.error();
    }
    result<void> update(access::intent const& i) {
        auto const told = call("update");
        return told ? inner.update(i) : told;
    }
    result<void> erase(access::intent const& i) {
        auto const told = call("erase");
        return told ? inner.erase(i) : told;
    }
    result<std::vector<access::intent>> list() {
        auto const told = call("list");
        return told ? inner.list() : told.error();
    }
};
struct told_sink : told_store {
    access::memory_sink inner{[] { return timestamp(); }};
    bool keeps = false;
    result<void> prepare(access::intent const& i) {
        auto const told = call("prepare");
        return told ? inner.prepare(i) : told;
    }
    result<void> store(access::intent const& i, access::issued_service_token const& t) {
        auto const told = call("store");
        if (told || keeps)
            if (auto const stored = inner.store(i, t); !stored) return stored;
        return told;
    }
    result<std::optional<access::held_token>> find(std::string_view key) {
        auto const told = call("find");
        return told ? inner.find(key) : told.error();
    }
    result<void> forget(std::string_view token_id) {
        auto const told = call("forget");
        return told ? inner.forget(token_id) : told;
    }
};

} // namespace told_stores

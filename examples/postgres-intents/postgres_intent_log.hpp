// A log of intents that a fleet shares: three functions over a table.
#pragma once

#include "database.hpp"

#include <cloudflare/access/intent.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

class postgres_intent_log {
public:
    explicit postgres_intent_log(database& db) : db_(db) {}

    cloudflare::result<void> open(cloudflare::access::intent const& i) {
        auto const done = db_.execute("INSERT INTO access_intents VALUES ($1, $2, $3, $4, $5, $6)",
                                      {i.tag.c_str(), i.scope.is_account() ? "true" : "false",
                                       std::string(i.scope.id()).c_str(), i.name.c_str(),
                                       i.opened_at.to_string().c_str(), i.note.c_str()});
        if (!done) return done.error();
        return {};
    }

    cloudflare::result<void> close(std::string_view tag) {
        auto const done =
            db_.execute("DELETE FROM access_intents WHERE tag = $1", {std::string(tag).c_str()});
        if (!done) return done.error();
        return {};
    }

    cloudflare::result<std::vector<cloudflare::access::intent>> open_intents() {
        auto const found = db_.execute("SELECT tag, is_account, scope_id, name, opened_at, note "
                                       "FROM access_intents ORDER BY opened_at, tag",
                                       {});
        if (!found) return found.error();
        std::vector<cloudflare::access::intent> open;
        for (int row = 0; row != PQntuples(found->get()); ++row) {
            auto const text = [&](int column) {
                return std::string(PQgetvalue(found->get(), row, column));
            };
            auto const where = scope_of(text(1) == "t", text(2));
            auto const at = cloudflare::timestamp::parse(text(4));
            if (!where || !at) return where ? at.error() : where.error();
            open.push_back({text(0), *where, text(3), *at, text(5)});
        }
        return open;
    }

private:
    static cloudflare::result<cloudflare::access::any_scope> scope_of(bool is_account,
                                                                      std::string const& id) {
        if (!is_account) {
            auto const zone = cloudflare::access::zone_scope::parse(id);
            if (!zone) return zone.error();
            return cloudflare::access::any_scope(*zone);
        }
        auto const account = cloudflare::access::account_scope::parse(id);
        if (!account) return account.error();
        return cloudflare::access::any_scope(*account);
    }

    database& db_;
};

static_assert(cloudflare::access::intent_log<postgres_intent_log>);

// A log of intents that a fleet shares: four functions over a table.
#pragma once

#include "database.hpp"

#include <cloudflare/access/intent_log.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// One connection: for one thread at a time.
class postgres_intent_log {
public:
    explicit postgres_intent_log(database& db) : db_(db) {}

    cloudflare::result<std::optional<cloudflare::access::intent>>
    insert(cloudflare::access::intent const& i) {
        // The tag is the primary key, and a unique index is over the keys of what is not settled.
        auto const done = db_.execute(
            "INSERT INTO access_intents (tag, is_account, scope_id, name, opened_at, note, "
            "purpose, key, sink, token_id, version, state, until, writer, revision) VALUES ($1, "
            "$2, $3, "
            "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
            {i.tag.c_str(), i.scope.is_account() ? "true" : "false",
             std::string(i.scope.id()).c_str(), i.name.c_str(), i.opened_at.to_string().c_str(),
             i.note.c_str(), number(i.purpose).c_str(), i.key.c_str(), i.sink.c_str(),
             i.token_id.c_str(), std::to_string(i.version).c_str(), number(i.state).c_str(),
             i.until.to_string().c_str(), i.writer.c_str(), std::to_string(i.revision).c_str()});
        if (!done) return done.error();
        if (std::string(PQcmdTuples(done->get())) == "1")
            return std::optional<cloudflare::access::intent>();
        auto const all = list();
        if (!all) return all.error();
        for (auto const& held : *all)
            if (held.tag == i.tag || cloudflare::access::holds_key_of(held, i))
                return std::optional<cloudflare::access::intent>(held);
        return insert(i); // who held the key has let it go since
    }

    cloudflare::result<void> update(cloudflare::access::intent const& i) {
        return written(db_.execute(
            "UPDATE access_intents SET name = $3, token_id = $4, version = $5, "
            "opened_at = $6, note = $7, state = $8, until = $9, writer = $10, revision = revision "
            "+ 1 WHERE tag = $1 AND revision = $2",
            {i.tag.c_str(), std::to_string(i.revision).c_str(), i.name.c_str(), i.token_id.c_str(),
             std::to_string(i.version).c_str(), i.opened_at.to_string().c_str(), i.note.c_str(),
             number(i.state).c_str(), i.until.to_string().c_str(), i.writer.c_str()}));
    }

    cloudflare::result<void> erase(cloudflare::access::intent const& i) {
        return written(db_.execute("DELETE FROM access_intents WHERE tag = $1 AND revision = $2",
                                   {i.tag.c_str(), std::to_string(i.revision).c_str()}));
    }

    cloudflare::result<std::vector<cloudflare::access::intent>> list() {
        auto const found = db_.execute(
            "SELECT tag, is_account, scope_id, name, opened_at, note, purpose, key, sink, "
            "token_id, version, state, until, writer, revision FROM access_intents ORDER BY number",
            {});
        if (!found) return found.error();
        std::vector<cloudflare::access::intent> all;
        for (int row = 0; row != PQntuples(found->get()); ++row) {
            auto const text = [&](int column) {
                return std::string(PQgetvalue(found->get(), row, column));
            };
            auto const where = scope_of(text(1) == "t", text(2));
            auto const at = cloudflare::timestamp::parse(text(4));
            auto const until = cloudflare::timestamp::parse(text(12));
            if (!where) return where.error();
            if (!at || !until) return at ? until.error() : at.error();
            cloudflare::access::intent i(text(0), *where, text(3), *at, text(5));
            i.purpose = static_cast<cloudflare::access::intent_purpose>(std::stoi(text(6)));
            i.key = text(7);
            i.sink = text(8);
            i.token_id = text(9);
            i.version = std::stoll(text(10));
            i.state = static_cast<cloudflare::access::intent_state>(std::stoi(text(11)));
            i.until = *until;
            i.writer = text(13);
            i.revision = std::stoll(text(14));
            all.push_back(std::move(i));
        }
        return all;
    }

private:
    template <class Enum>
    static std::string number(Enum e) {
        return std::to_string(static_cast<int>(e));
    }

    static cloudflare::result<void> written(cloudflare::result<database::rows> const& done) {
        if (!done) return done.error();
        if (std::string(PQcmdTuples(done->get())) == "1") return {};
        return cloudflare::error(cloudflare::errc::conflict, "written by somebody else since");
    }

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

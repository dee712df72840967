// A sink that a fleet shares. (A real one would seal the secrets.)
#pragma once

#include "database.hpp"

#include <cloudflare/access/secret_sink.hpp>

#include <optional>
#include <string>
#include <string_view>

// One connection: for one thread at a time.
class postgres_sink {
public:
    explicit postgres_sink(database& db) : db_(db) {}

    cloudflare::result<void> prepare(cloudflare::access::intent const& i) {
        auto const held = find(i.key);
        if (!held) return held.error();
        if (!*held || (*held)->token_id == i.token_id) return {};
        return taken((*held)->token_id);
    }

    cloudflare::result<void> store(cloudflare::access::intent const& i,
                                   cloudflare::access::issued_service_token const& token) {
        cloudflare::wiped_string const secret(token.client_secret.reveal());
        auto const version = std::to_string(token.client_secret_version.value_or(0));
        auto const done = db_.execute(
            "INSERT INTO access_secrets (key, token_id, client_id, client_secret, version, tag) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO UPDATE SET client_secret = "
            "excluded.client_secret, version = excluded.version, since = now() WHERE "
            "access_secrets.token_id = excluded.token_id AND access_secrets.version <= "
            "excluded.version",
            {i.key.c_str(), token.id.c_str(), token.client_id.c_str(), secret.c_str(),
             version.c_str(), i.tag.c_str()});
        if (!done) return done.error();
        if (std::string(PQcmdTuples(done->get())) != "1") return taken(token.id);
        return {};
    }

    cloudflare::result<std::optional<cloudflare::access::held_token>> find(std::string_view key) {
        auto const found =
            db_.execute("SELECT token_id, client_id, version, to_char(since at time zone 'UTC', "
                        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), tag FROM access_secrets WHERE key = $1",
                        {std::string(key).c_str()});
        if (!found) return found.error();
        if (PQntuples(found->get()) == 0) return std::optional<cloudflare::access::held_token>();
        auto const text = [&](int column) {
            return std::string(PQgetvalue(found->get(), 0, column));
        };
        cloudflare::access::held_token held{text(0), text(1), std::stoll(text(2))};
        if (auto const since = cloudflare::timestamp::parse(text(3))) held.since = *since;
        held.tag = text(4);
        return std::optional<cloudflare::access::held_token>(held);
    }

    cloudflare::result<void> forget(std::string_view token_id) {
        auto const done = db_.execute("DELETE FROM access_secrets WHERE token_id = $1",
                                      {std::string(token_id).c_str()});
        if (!done) return done.error();
        return {};
    }

private:
    static cloudflare::error taken(std::string const& token_id) {
        return {cloudflare::errc::sink_failed,
                "the key holds another token, or a later secret: " + token_id};
    }

    database& db_;
};

static_assert(cloudflare::access::secret_sink<postgres_sink>);

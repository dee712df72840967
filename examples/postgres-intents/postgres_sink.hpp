// A sink that a fleet shares. (A real one would seal the secrets.)
#pragma once

#include "database.hpp"

#include <cloudflare/access/secret_sink.hpp>

#include <string>
#include <string_view>

class postgres_sink {
public:
    explicit postgres_sink(database& db) : db_(db) {}

    cloudflare::result<void> store(cloudflare::access::issued_service_token const& token) {
        cloudflare::wiped_string const secret(token.client_secret.reveal());
        auto const done = db_.execute(
            "INSERT INTO access_secrets VALUES ($1, $2, $3) ON CONFLICT (token_id) DO UPDATE "
            "SET client_id = excluded.client_id, client_secret = excluded.client_secret",
            {token.id.c_str(), token.client_id.c_str(), secret.c_str()});
        if (!done) return done.error();
        return {};
    }

    cloudflare::result<bool> holds(std::string_view token_id) {
        auto const found = db_.execute("SELECT 1 FROM access_secrets WHERE token_id = $1",
                                       {std::string(token_id).c_str()});
        if (!found) return found.error();
        return PQntuples(found->get()) == 1;
    }

private:
    database& db_;
};

static_assert(cloudflare::access::secret_sink<postgres_sink>);

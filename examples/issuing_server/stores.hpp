// Where secrets and intents are kept: sealed, in a directory or in PostgreSQL.
#pragma once

#include "machines.hpp"

#include <cloudflare/access/offload.hpp>
#include <cloudflare/access/postgres_async_store.hpp>
#include <cloudflare/access/sealed_sink.hpp>
#include <cloudflare/access/state_directory.hpp>

// Stores live as long as the process.
template <class T, class... Arguments>
T& keep(Arguments&&... arguments) {
    return *new T(std::forward<Arguments>(arguments)...);
}

// Throws where they cannot be opened. Blocking stores run on the pool.
inline stores open_configured(configuration const& c, asio::io_context& context,
                              asio::thread_pool& disk) {
    auto const key = required(cfa::sealing_key::from_file(c.sealing_key_id, c.sealing_key));
    if (!c.postgres.empty()) {
        cfa::postgres_options o;
        o.connection(cf::secret(c.postgres)).schema("issuing_server");
        auto& db = keep<cfa::async_postgres_database>(context.get_executor(), o);
        auto& sink = keep<cfa::async_postgres_sink>(db);
        return {cfa::any_async_sink(cfa::sealed_sink<cfa::async_postgres_sink&>(sink, key)),
                cfa::any_async_log(cfa::async_postgres_intent_log(db)), true};
    }
    auto& state = keep<cfa::state_directory>(
        required(cfa::state_directory::open(c.state_directory, key, seconds(c.request_seconds)),
                 "state_directory: "));
    return {cfa::any_async_sink(cf::offloaded_sink(disk.get_executor(), state.sink())),
            cfa::any_async_log(cf::offloaded_log(disk.get_executor(), state.log())), false};
}

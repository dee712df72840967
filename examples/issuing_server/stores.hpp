// Where secrets and intents are kept: sealed, in a directory or in PostgreSQL.
#pragma once

#include "machines.hpp"

#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/offload.hpp>
#include <cloudflare/access/postgres_async_store.hpp>
#include <cloudflare/access/sealed_sink.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>

// Makes the directory of secrets, and sees to it that no other process uses the state directory.
inline void take_directory(std::string const& path) {
    int const lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) refuse("state_directory: " + path, std::strerror(errno));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0)
        refuse("state_directory: " + path, "another process uses it");
    std::filesystem::create_directory(path + "/secrets");
    std::filesystem::permissions(path + "/secrets", std::filesystem::perms::owner_all);
}

// Stores live as long as the process.
template <class T, class... Arguments>
T& keep(Arguments&&... arguments) {
    return *new T(std::forward<Arguments>(arguments)...);
}

// Throws where they cannot be opened. Blocking stores run on the pool.
inline stores open_configured(configuration const& c, asio::io_context& context,
                              asio::thread_pool& disk) {
    auto const key = cfa::sealing_key::from_file(c.sealing_key_id, c.sealing_key.path).value();
    if (!c.postgres.empty()) {
        cfa::postgres_options o;
        o.connection(cf::secret(c.postgres)).schema("issuing_server");
        auto& db = keep<cfa::async_postgres_database>(context.get_executor(), o);
        auto& sink = keep<cfa::async_postgres_sink>(db);
        return {cfa::any_async_sink(cfa::sealed_sink<cfa::async_postgres_sink&>(sink, key)),
                cfa::any_async_log(cfa::async_postgres_intent_log(db)), true};
    }
    auto const& directory = c.state_directory.path;
    take_directory(directory);
    auto& sink = keep<cfa::sealed_sink<cfa::directory_sink>>(
        cfa::directory_sink(directory + "/secrets", seconds(c.request_seconds)), key);
    auto& log = keep<cfa::file_intent_log>(directory + "/intents");
    return {cfa::any_async_sink(cf::offloaded_sink(disk.get_executor(), sink)),
            cfa::any_async_log(cf::offloaded_log(disk.get_executor(), log)), false};
}

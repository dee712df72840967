#include "stores.hpp"

#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/offload.hpp>
#include <cloudflare/access/postgres_async_store.hpp>
#include <cloudflare/access/sealed_sink.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace asio = boost::asio;
namespace cf = cloudflare;
namespace cfa = cloudflare::access;

namespace {

// Stores live as long as the process.
template <class T, class... Arguments>
T& keep(Arguments&&... arguments) {
    return *new T(std::forward<Arguments>(arguments)...);
}

} // namespace

cf::result<stores> open_configured(configuration const& c, asio::io_context& context,
                                   asio::thread_pool& disk) {
    auto const key = cfa::sealing_key::from_file(c.sealing_key_id, c.sealing_key.path);
    if (!key) return key.error();
    if (!c.postgres.empty()) {
        auto& db = keep<cfa::async_postgres_database>(
            context.get_executor(),
            cfa::postgres_options().connection(cf::secret(c.postgres)).schema("issuing_server"));
        auto& sink = keep<cfa::async_postgres_sink>(db);
        return stores{cfa::any_async_sink(cfa::sealed_sink<cfa::async_postgres_sink&>(sink, *key)),
                      cfa::any_async_log(cfa::async_postgres_intent_log(db)), true};
    }
    auto const& directory = c.state_directory.path;
    if (auto const taken = take_directory(directory); !taken) return taken.error();
    auto& sink = keep<cfa::sealed_sink<cfa::directory_sink>>(
        cfa::directory_sink(directory + "/secrets", std::chrono::seconds(c.request_seconds)), *key);
    auto& log = keep<cfa::file_intent_log>(directory + "/intents");
    return stores{cfa::any_async_sink(cf::offloaded_sink(disk.get_executor(), sink)),
                  cfa::any_async_log(cf::offloaded_log(disk.get_executor(), log)), false};
}

cf::result<void> take_directory(std::string const& path) {
    auto const refuse = [&](std::string const& why) {
        return cf::error(cf::errc::invalid_argument, "state_directory: " + path + ": " + why);
    };
    int const lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return refuse(std::strerror(errno));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) return refuse("another process uses it");
    bool const is_there = ::mkdir((path + "/secrets").c_str(), 0700) == 0 || errno == EEXIST;
    return is_there ? cf::result<void>() : refuse(std::strerror(errno));
}

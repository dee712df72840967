/// The stores of a process that has them to itself: one directory. Needs OpenSSL.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/sealed_sink.hpp>
#include <cloudflare/access/sealing_key.hpp>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// Keeps secrets, sealed, and intents in one directory, which no other process may open as such
/// while this one lives. So what is open in the log at the start was left by a dead process
/// (`keeper_options::shared(false)`).
///
///     auto key = access::sealing_key::from_file("2026-11", "/etc/app/2026-11.key");
///     auto state = access::state_directory::open("/var/lib/app", *key);
///     access::token_keeper keeper(client, account, state->sink(), state->log(), options);
///
/// In it are `secrets`, as `directory_sink` writes them, `intents`, as `file_intent_log` does, and
/// `lock`. Consumers on this host may read `secrets` at any time.
///
/// Threads: may be used from several at once.
class state_directory {
public:
    /// Opens a directory that exists, and makes what is missing in it.
    ///
    /// @param patience how long a store waits for another one that writes the same file
    /// @return `errc::sink_failed` with the path and the reason, e.g. that another process uses it
    [[nodiscard]] static result<state_directory>
    open(std::string const& path, sealing_keys keys,
         std::chrono::milliseconds patience = std::chrono::seconds(5)) {
        auto lock = file::open(path + "/lock", O_RDWR | O_CREAT, errc::sink_failed);
        if (!lock) return lock.error();
        if (detail::posix::lock(lock->descriptor(), LOCK_EX | LOCK_NB) != 0)
            return file::last_error(errc::sink_failed, errno == EWOULDBLOCK
                                                           ? path + ": another process uses it"
                                                           : path + "/lock: cannot be locked");
        auto const secrets = path + "/secrets";
        if (::mkdir(secrets.c_str(), 0700) != 0 && errno != EEXIST)
            return file::last_error(errc::sink_failed, secrets);
        auto const is_there = file::open(secrets, O_RDONLY | O_DIRECTORY, errc::sink_failed);
        if (!is_there) return is_there.error();
        return state_directory(std::move(*lock), path, std::move(keys), patience);
    }

    /// Of the secrets. The keeper, issuer ... that uses it must not outlive this object, nor this be
    /// moved meanwhile.
    [[nodiscard]] sealed_sink<directory_sink>& sink() noexcept { return sink_; }
    /// Of the intents; as `sink`.
    [[nodiscard]] file_intent_log& log() noexcept { return log_; }

private:
    state_directory(file lock, std::string const& path, sealing_keys keys,
                    std::chrono::milliseconds patience)
        : lock_(std::move(lock)),
          sink_(directory_sink(path + "/secrets", patience), std::move(keys)),
          log_(path + "/intents", patience) {}

    file lock_;
    sealed_sink<directory_sink> sink_;
    file_intent_log log_;
};

} // namespace cloudflare::inline v0::access

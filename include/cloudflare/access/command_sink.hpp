/// A sink that is a program: vault, kubectl, a script. POSIX.
#pragma once

#include <cloudflare/access/command_sink_options.hpp>
#include <cloudflare/access/detail/sink_program.hpp>
#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Keeps secrets by means of a program of the user's, such as a script around `vault`. It is run
/// without a shell, once for each operation, with the operation as its last argument:
///
///     access::command_sink sink({"/usr/libexec/app/vault.sh"}, options);
///
/// | operation | does | stdin | prints |
/// | --- | --- | --- | --- |
/// | `prepare` | checks whether a secret could be stored | key, tag, token id if known | |
/// | `store` | stores the secret, durably, in place of what the key has | all lines below | |
/// | `find` | tells what is stored under the key | key | the lines but the secret, or nothing |
/// | `forget` | removes what is stored under the key | key, token id | |
/// | `list` | tells all that is stored | | as `find`, an empty line after each token |
///
/// The lines are those of `file_sink`, and when the secret was stored; a line whose value is not
/// known is left out:
///
///     CF_ACCESS_TOKEN_ID=f174e90a-fafe-4643-bbbc-4a0ed4fc8415
///     CF_ACCESS_CLIENT_ID=88bf3b6d86161464f6509f7219099e57.access
///     CF_ACCESS_CLIENT_SECRET=...
///     CF_ACCESS_CLIENT_SECRET_VERSION=1
///     CF_ACCESS_TOKEN_KEY=machine-17
///     CF_ACCESS_TOKEN_TAG=6d1f0b7a6b0e4b3f8a0f6c3e0b1d2a4c
///     CF_ACCESS_SECRET_SINCE=2026-11-27T05:00:00Z
///
/// The secret is on stdin only, never in an argument or in the environment. The environment has
/// `CF_ACCESS_OPERATION` and, where the operation has them, `CF_ACCESS_TOKEN_KEY` and
/// `CF_ACCESS_TOKEN_ID`; other variables are inherited, except `CF_ACCESS_*` and `CLOUDFLARE_*`.
/// The key can be used as a file's name: letters, digits, `-`, `_` and `.` (not as the first) stay,
/// each other byte becomes `%` and two hexadecimal digits.
///
/// Exit status 0 is success. `find` and `list` must fail if they cannot read: a token that is "not
/// held" is deleted. Before `store` the sink checks by `find` that the key holds neither another
/// token nor a later secret; where several hosts share a store, the program has to compare and set
/// (see the recipe for vault).
///
/// Errors: `errc::sink_failed` with the program, how it ended, and the beginning of what it printed
/// to stderr, with the secret, parts of it and its base64 hidden. A program that was killed for its
/// time may have stored. `errc::invalid_argument` for an argument with a zero byte.
///
/// Threads: may be used from several at once, which wait for each other; copies share that. Blocks:
/// see `offloaded_sink`. Starts a process; SIGCHLD must not be ignored. Recipes for vault, kubectl,
/// systemd-creds and gh: examples/command_sink.
class command_sink {
public:
    /// @param program the program and its first arguments; without `/` it is looked for in PATH
    explicit command_sink(std::vector<std::string> program,
                          command_sink_options options = command_sink_options())
        : program_(std::move(program), std::move(options)) {}

    [[nodiscard]] result<void> prepare(intent const& i) const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        auto const held = find_unlocked(i.key);
        if (!held) return held.error();
        if (*held && (*held)->token_id != i.token_id) return holds_other(**held);
        lines in;
        in.add(detail::key_line, detail::command_key(i.key)).add(detail::tag_line, i.tag);
        in.add(detail::id_line, i.token_id);
        return done(program_.run("prepare", in, i.key, i.token_id));
    }

    [[nodiscard]] result<void> store(intent const& i, issued_service_token const& token) const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        auto const held = find_unlocked(i.key);
        if (!held) return held.error();
        auto const version = token.client_secret_version;
        if (*held && (*held)->token_id != token.id) return holds_other(**held);
        if (*held && version.value_or(0) < (*held)->version)
            return program_.failed(": holds a later secret of " + token.id);
        auto const now = timestamp(std::chrono::system_clock::now());
        lines in;
        in.add(detail::id_line, token.id).add(detail::client_id_line, token.client_id);
        in.add(detail::secret_line, token.client_secret.reveal());
        if (version) in.add(detail::version_line, std::to_string(*version));
        in.add(detail::key_line, detail::command_key(i.key));
        in.add(detail::tag_line, *held ? (*held)->tag : i.tag); // of the issue that it came with
        in.add(detail::since_line, now.to_string());
        return done(program_.run("store", in, i.key, token.id, token.client_secret.reveal()));
    }

    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key) const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        return find_unlocked(key);
    }

    [[nodiscard]] result<void> forget(std::string_view token_id) const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        auto const all = list_unlocked();
        if (!all) return all.error();
        for (auto const& held : *all) {
            if (held.token_id != token_id) continue;
            lines in;
            in.add(detail::key_line, detail::command_key(held.key));
            in.add(detail::id_line, token_id);
            auto const one = done(program_.run("forget", in, held.key, token_id));
            if (!one) return one;
        }
        return {};
    }

    [[nodiscard]] result<std::vector<held_token>> list() const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        return list_unlocked();
    }

private:
    using lines = detail::command_lines;

    [[nodiscard]] static result<void> done(result<wiped_string> const& printed) {
        return printed ? result<void>() : printed.error();
    }
    [[nodiscard]] error holds_other(held_token const& held) const {
        return program_.failed(": the key holds the token " + held.token_id);
    }

    /// Excludes other threads, and with a lock file other processes.
    struct held_lock {
        std::unique_lock<std::mutex> threads;
        std::optional<file> processes;
    };
    [[nodiscard]] result<held_lock> hold_lock() const {
        held_lock lock{std::unique_lock(*mutex_), std::nullopt};
        auto const& options = program_.options();
        auto const& path = options.lock_file();
        if (path.empty()) return lock;
        auto opened = file::open(path, O_RDWR | O_CREAT, errc::sink_failed);
        if (!opened) return opened.error();
        auto const locked = opened->lock(LOCK_EX, 2 * options.timeout(), errc::sink_failed, path);
        if (!locked) return locked.error();
        lock.processes = std::move(*opened);
        return lock;
    }

    [[nodiscard]] result<std::optional<held_token>> find_unlocked(std::string_view key) const {
        lines in;
        in.add(detail::key_line, detail::command_key(key));
        auto const printed = program_.run("find", in, key, {});
        if (!printed) return printed.error();
        std::optional<held_token> held;
        if (detail::is_blank(*printed)) return held;
        auto const read = program_.read_held(*printed);
        if (!read) return read.error();
        if (!read->key.empty() && read->key != key)
            return program_.failed(" find: tells of another key");
        held = *read;
        held->key = key;
        return held;
    }
    [[nodiscard]] result<std::vector<held_token>> list_unlocked() const {
        auto const printed = program_.run("list", lines(), {}, {});
        if (!printed) return printed.error();
        std::vector<held_token> all;
        std::string_view rest = *printed;
        while (!rest.empty()) {
            auto const end = rest.find("\n\n");
            auto const one = rest.substr(0, end);
            rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
            if (detail::is_blank(one)) continue;
            auto held = program_.read_held(one);
            if (!held) return held.error();
            if (held->key.empty()) return program_.failed(" list: prints a token without its key");
            all.push_back(std::move(*held));
        }
        return all;
    }

    detail::sink_program program_;
    std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
};

static_assert(listable_sink<command_sink>);

} // namespace cloudflare::inline v0::access

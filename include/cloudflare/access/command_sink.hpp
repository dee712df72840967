/// A sink that is a program: vault, kubectl, a script. POSIX.
#pragma once

#include <cloudflare/access/detail/base64.hpp>
#include <cloudflare/access/detail/run_command.hpp>
#include <cloudflare/access/detail/secret_file.hpp>
#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/redact.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Options of `command_sink`. Built by chained setters.
class command_sink_options : public cloudflare::detail::options_base<command_sink_options> {
public:
    /// How long the program may run; then it and its process group are killed. Clamped to
    /// 1 ms to 24 hours. Default 30 s.
    command_sink_options& timeout(std::chrono::milliseconds span) noexcept {
        return set(timeout_, span);
    }
    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }

    /// How many bytes the program may print to stdout; more is an error. Default 1 MiB.
    command_sink_options& max_output(std::size_t bytes) noexcept { return set(max_output_, bytes); }
    [[nodiscard]] std::size_t max_output() const noexcept { return max_output_; }

    /// A file whose lock (`flock`) is held during each operation, so that the processes of a host
    /// exclude each other. It is created if it does not exist. Default empty: only the threads that
    /// share the sink exclude each other.
    command_sink_options& lock_file(std::string path) { return set(lock_file_, std::move(path)); }
    [[nodiscard]] std::string const& lock_file() const noexcept { return lock_file_; }

    /// Adds a variable to the program's environment, e.g. `VAULT_ADDR`; it replaces an inherited
    /// one of that name.
    command_sink_options& variable(std::string_view name, std::string_view value) {
        variables_.push_back(std::string(name).append("=").append(value));
        return *this;
    }
    /// As set by `variable`, each as `NAME=VALUE`.
    [[nodiscard]] std::vector<std::string> const& variables() const noexcept { return variables_; }

private:
    std::chrono::milliseconds timeout_ = std::chrono::seconds(30);
    std::size_t max_output_ = std::size_t{1024} * 1024;
    std::string lock_file_;
    std::vector<std::string> variables_;
};

/// Keeps secrets by a program of the user's, such as a script around `vault`. It is run without a shell,
/// once for each operation, with that operation as its last argument:
///
///     access::command_sink sink({"/usr/libexec/app/vault.sh"}, options);
///
/// | operation | does | stdin | prints |
/// | --- | --- | --- | --- |
/// | `prepare` | says whether a secret could be stored under the key | key, tag, token id if known | |
/// | `store` | keeps the secret, in place of what is under the key; durable when it ends | all lines below | |
/// | `find` | tells what is held under the key | key | the lines but the secret, or nothing |
/// | `forget` | removes what is under the key | key, token id | |
/// | `list` | tells all that is held | | as `find`, an empty line behind each |
///
/// Lines are those of `file_sink`, and say since when; a line whose value is not known is missing:
///
///     CF_ACCESS_TOKEN_ID=f174e90a-fafe-4643-bbbc-4a0ed4fc8415
///     CF_ACCESS_CLIENT_ID=88bf3b6d86161464f6509f7219099e57.access
///     CF_ACCESS_CLIENT_SECRET=...
///     CF_ACCESS_CLIENT_SECRET_VERSION=1
///     CF_ACCESS_TOKEN_KEY=machine-17
///     CF_ACCESS_TOKEN_TAG=6d1f0b7a6b0e4b3f8a0f6c3e0b1d2a4c
///     CF_ACCESS_SECRET_SINCE=2026-11-27T05:00:00Z
///
/// The secret is on stdin only, never in an argument or the environment. There are `CF_ACCESS_OPERATION`, and
/// where the operation has them `CF_ACCESS_TOKEN_KEY` and `CF_ACCESS_TOKEN_ID`; other variables are inherited
/// but for `CF_ACCESS_*` and `CLOUDFLARE_*`, which a program that stores has no need of. The key is fit
/// for a file's name: of its bytes all but letters, digits, `-`, `_` and `.` (not as the first) are `%` and two
/// hexadecimal digits.
///
/// Exit status 0 is success. `find` and `list` must fail where they cannot read: a token that is "not held" is
/// deleted. Whether another token or a later secret is held is looked at before `store`; where
/// several hosts share a store, the program has to compare and set (see the recipe for vault).
///
/// Errors: `errc::sink_failed` with the program, how it ended, and the beginning of what it said on stderr, in
/// which the secret is hidden, also parts of it and its base64. A program that is stopped for its time may
/// have stored. `errc::invalid_argument` for an argument with a zero byte.
///
/// Threads: may be used from several at once, which wait for each other; copies share that. Blocks: see
/// `offloaded_sink`. Starts a process; the program's SIGCHLD must not be ignored. Recipes for vault, kubectl,
/// systemd-creds and gh: examples/command_sink.
class command_sink {
public:
    /// @param program the program and its first arguments; without `/` it is looked for in PATH
    explicit command_sink(std::vector<std::string> program,
                          command_sink_options options = command_sink_options())
        : program_(std::move(program)), options_(std::move(options)) {}

    [[nodiscard]] result<void> prepare(intent const& i) const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        auto const held = find_unlocked(i.key);
        if (!held) return held.error();
        if (*held && (*held)->token_id != i.token_id) return holds_other(**held);
        lines in;
        in.add(detail::key_line, encoded(i.key)).add(detail::tag_line, i.tag);
        in.add(detail::id_line, i.token_id);
        return done(run("prepare", in, i.key, i.token_id));
    }

    [[nodiscard]] result<void> store(intent const& i, issued_service_token const& token) const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        auto const held = find_unlocked(i.key);
        if (!held) return held.error();
        auto const version = token.client_secret_version;
        if (*held && (*held)->token_id != token.id) return holds_other(**held);
        if (*held && version.value_or(0) < (*held)->version)
            return detail::command_failed(program() + ": holds a later secret of " + token.id);
        auto const now = timestamp(std::chrono::system_clock::now());
        lines in;
        in.add(detail::id_line, token.id).add(detail::client_id_line, token.client_id);
        in.add(detail::secret_line, token.client_secret.reveal());
        if (version) in.add(detail::version_line, std::to_string(*version));
        in.add(detail::key_line, encoded(i.key));
        in.add(detail::tag_line, *held ? (*held)->tag : i.tag); // of the issue that it came with
        in.add(since_line, now.to_string());
        return done(run("store", in, i.key, token.id, token.client_secret.reveal()));
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
            in.add(detail::key_line, encoded(held.key)).add(detail::id_line, token_id);
            if (auto const one = done(run("forget", in, held.key, token_id)); !one) return one;
        }
        return {};
    }

    [[nodiscard]] result<std::vector<held_token>> list() const {
        auto const lock = hold_lock();
        if (!lock) return lock.error();
        return list_unlocked();
    }

private:
    static constexpr std::string_view since_line = "CF_ACCESS_SECRET_SINCE=";

    /// What a program is given.
    struct lines {
        wiped_string string{};
        bool is_good = true; ///< no value has an end of line in it

        lines& add(std::string_view name, std::string_view value) {
            is_good = is_good && value.find_first_of(std::string_view("\n\r\0", 3)) == value.npos;
            if (!value.empty()) string.append(name).append(value) += '\n';
            return *this;
        }
    };

    [[nodiscard]] std::string program() const {
        return program_.empty() ? "command" : program_.front();
    }

    [[nodiscard]] error holds_other(held_token const& held) const {
        return detail::command_failed(program() + ": the key holds the token " + held.token_id);
    }

    /// Excludes other threads, and other processes as far as the options say.
    struct held_lock {
        std::unique_lock<std::mutex> threads;
        std::optional<file> processes;
    };
    [[nodiscard]] result<held_lock> hold_lock() const {
        held_lock lock{std::unique_lock(*mutex_), std::nullopt};
        auto const& path = options_.lock_file();
        if (path.empty()) return lock;
        auto opened = file::open(path, O_RDWR | O_CREAT, errc::sink_failed);
        if (!opened) return opened.error();
        auto const locked = opened->lock(LOCK_EX, 2 * options_.timeout(), errc::sink_failed, path);
        if (!locked) return locked.error();
        lock.processes = std::move(*opened);
        return lock;
    }

    [[nodiscard]] static std::string encoded(std::string_view key) {
        auto string = detail::key_text(key);
        if (string.starts_with('.')) string.replace(0, 1, "%2E"); // no hidden file, and not ".."
        for (auto at = string.find('~'); at != string.npos; at = string.find('~'))
            string.replace(at, 1, "%7E");
        return string;
    }

    [[nodiscard]] result<std::optional<held_token>> find_unlocked(std::string_view key) const {
        lines in;
        in.add(detail::key_line, encoded(key));
        auto const printed = run("find", in, key, {});
        if (!printed) return printed.error();
        std::optional<held_token> held;
        if (is_blank(*printed)) return held;
        auto const read = read_held(*printed);
        if (!read) return read.error();
        if (!read->key.empty() && read->key != key)
            return detail::command_failed(program() + " find: tells of another key");
        held = *read;
        held->key = key;
        return held;
    }

    [[nodiscard]] result<std::vector<held_token>> list_unlocked() const {
        auto const printed = run("list", lines(), {}, {});
        if (!printed) return printed.error();
        std::vector<held_token> all;
        std::string_view rest = *printed;
        while (!rest.empty()) {
            auto const end = rest.find("\n\n");
            auto const one = rest.substr(0, end);
            rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
            if (is_blank(one)) continue;
            auto held = read_held(one);
            if (!held) return held.error();
            if (held->key.empty())
                return detail::command_failed(program() + " list: prints a token without its key");
            all.push_back(std::move(*held));
        }
        return all;
    }

    [[nodiscard]] static bool is_blank(std::string_view string) noexcept {
        return string.find_first_not_of(" \t\r\n") == string.npos;
    }

    [[nodiscard]] result<held_token> read_held(std::string_view printed) const {
        held_token held;
        held.token_id = detail::value_in(printed, detail::id_line).value_or("");
        if (held.token_id.empty())
            return detail::command_failed(program() + ": prints something that is not a token's "
                                                      "lines");
        held.client_id = detail::value_in(printed, detail::client_id_line).value_or("");
        held.tag = detail::value_in(printed, detail::tag_line).value_or("");
        auto const version = detail::value_in(printed, detail::version_line).value_or("");
        auto const end = version.data() + version.size();
        if (!version.empty() && std::from_chars(version.data(), end, held.version).ptr != end)
            return detail::command_failed(program() + ": prints a version that is no number");
        auto const key =
            http::percent_decode(detail::value_in(printed, detail::key_line).value_or(""));
        if (!key) return detail::command_failed(program() + ": prints a key that is not encoded");
        held.key = *key;
        auto const since =
            timestamp::parse(std::string(detail::value_in(printed, since_line).value_or("")));
        if (since) held.since = *since;
        return held;
    }

    /// Runs the program; what it prints, or an error that says how it failed.
    ///
    /// @param hidden the secret that it was given, if any
    [[nodiscard]] result<wiped_string> run(std::string_view operation, lines const& in,
                                           std::string_view key, std::string_view token_id,
                                           std::string_view hidden = {}) const {
        detail::command c;
        c.arguments = program_;
        c.arguments.emplace_back(operation);
        c.environment = environment(operation, key, token_id);
        c.input = in.string;
        c.timeout = options_.timeout();
        c.max_output = options_.max_output();
        if (key.empty() && operation != "list")
            return error(errc::invalid_argument, "key: must not be empty");
        auto const has_zero = [](std::string const& s) { return s.find('\0') != s.npos; };
        bool const is_good = in.is_good && !program_.empty() &&
                             std::none_of(c.arguments.begin(), c.arguments.end(), has_zero) &&
                             std::none_of(c.environment.begin(), c.environment.end(), has_zero);
        if (!is_good)
            return error(errc::invalid_argument,
                         "command: program, arguments and values must hold no zero byte, values no "
                         "end of line, and there must be a program");
        auto outcome = detail::run_command(c);
        if (!outcome) return outcome.error();
        if (outcome->status == 0) return std::move(outcome->output);
        auto why = program() + ' ' + std::string(operation) + ": ";
        if (WIFSIGNALED(outcome->status)) {
            why += "ended by signal " + std::to_string(WTERMSIG(outcome->status));
        } else {
            why += "exit status " + std::to_string(WEXITSTATUS(outcome->status));
        }
        auto const said = redact(without(hidden, outcome->complaints), 1000);
        if (!is_blank(said)) why += ": " + said;
        return detail::command_failed(std::move(why));
    }

    [[nodiscard]] static result<void> done(result<wiped_string> const& printed) {
        return printed ? result<void>() : printed.error();
    }

    [[nodiscard]] std::vector<std::string>
    environment(std::string_view operation, std::string_view key, std::string_view token_id) const {
        std::vector<std::string> all;
        for (char** v = ::environ; v != nullptr && *v != nullptr; ++v) {
            std::string_view const variable(*v);
            auto const name = variable.substr(0, variable.find('=') + 1);
            bool const is_replaced =
                std::any_of(options_.variables().begin(), options_.variables().end(),
                            [&](std::string const& own) { return own.starts_with(name); });
            if (!is_replaced && !name.starts_with("CF_ACCESS_") && !name.starts_with("CLOUDFLARE_"))
                all.emplace_back(variable);
        }
        all.insert(all.end(), options_.variables().begin(), options_.variables().end());
        all.push_back(std::string("CF_ACCESS_OPERATION=").append(operation));
        if (!key.empty()) all.push_back(std::string(detail::key_line) + encoded(key));
        if (!token_id.empty()) all.push_back(std::string(detail::id_line).append(token_id));
        return all;
    }

    /// The string with each piece of the secret hidden, and of its base64. (A string that was cut may end in a
    /// piece.)
    [[nodiscard]] static std::string without(std::string_view hidden, std::string_view string) {
        constexpr std::size_t shortest = 8; // of what is recognised as a piece
        wiped_string encoded_secret;
        detail::append_base64url(encoded_secret, hidden);
        wiped_string other_alphabet = encoded_secret;
        for (auto& c : other_alphabet)
            c = c == '-' ? '+' : c == '_' ? '/' : c;
        std::string shown;
        while (!string.empty()) {
            std::size_t piece = 0;
            for (std::string_view const whole :
                 {hidden, std::string_view(encoded_secret), std::string_view(other_alphabet)}) {
                auto const least = (std::min)(shortest, whole.size());
                auto size = least;
                while (least != 0 && size <= string.size() &&
                       whole.find(string.substr(0, size)) != whole.npos)
                    piece = (std::max)(piece, size++);
            }
            shown += piece == 0 ? string.substr(0, 1) : std::string_view("[redacted]");
            string.remove_prefix(piece == 0 ? 1 : piece);
        }
        return shown;
    }

    std::vector<std::string> program_;
    command_sink_options options_;
    std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
};

static_assert(listable_sink<command_sink>);

} // namespace cloudflare::inline v0::access

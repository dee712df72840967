/// The program of a command sink: what it is given, and what it prints.
#pragma once

#include <cloudflare/access/command_sink_options.hpp>
#include <cloudflare/access/detail/hidden_secret.hpp>
#include <cloudflare/access/detail/run_command.hpp>
#include <cloudflare/access/detail/secret_lines.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/http/percent_encoding.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

inline constexpr std::string_view since_line = "CF_ACCESS_SECRET_SINCE=";

/// A key as the program sees it, which may use it as the name of a file.
[[nodiscard]] inline std::string command_key(std::string_view key) {
    auto string = key_text(key);
    if (string.starts_with('.')) string.replace(0, 1, "%2E"); // no hidden file, and not ".."
    for (auto at = string.find('~'); at != string.npos; at = string.find('~'))
        string.replace(at, 1, "%7E");
    return string;
}

[[nodiscard]] inline bool is_blank(std::string_view string) noexcept {
    return string.find_first_not_of(" \t\r\n") == string.npos;
}

/// What the program reads from stdin; a line whose value is not known is left out.
struct command_lines {
    wiped_string string{};
    bool is_good = true; ///< no value has an end of line in it

    command_lines& add(std::string_view name, std::string_view value) {
        is_good = is_good && value.find_first_of(std::string_view("\n\r\0", 3)) == value.npos;
        if (!value.empty()) string.append(name).append(value) += '\n';
        return *this;
    }
};

/// Runs the program, once for each operation.
class sink_program {
public:
    sink_program(std::vector<std::string> program, command_sink_options options)
        : program_(std::move(program)), options_(std::move(options)) {}

    [[nodiscard]] command_sink_options const& options() const noexcept { return options_; }

    /// @return `errc::sink_failed`, with the program's name
    [[nodiscard]] error failed(std::string const& why) const {
        return command_failed((program_.empty() ? "command" : program_.front()) + why);
    }

    /// @param key empty: none
    /// @param token_id empty: none
    /// @param hidden the secret that is in the input, if any
    /// @return what the program prints; an error if it fails
    [[nodiscard]] result<wiped_string> run(std::string_view operation, command_lines const& in,
                                           std::string_view key, std::string_view token_id,
                                           std::string_view hidden = {}) const {
        command c;
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
        auto outcome = run_command(c);
        if (!outcome) return outcome.error();
        if (outcome->status == 0) return std::move(outcome->output);
        return failed(' ' + std::string(operation) + ": " + how_ended(*outcome, hidden));
    }

    /// The token that printed lines tell of; its key and time of storing where they are there.
    [[nodiscard]] result<held_token> read_held(std::string_view printed) const {
        auto const value = [&](std::string_view name) {
            return value_in(printed, name).value_or("");
        };
        held_token held;
        held.token_id = value(id_line);
        if (held.token_id.empty()) return failed(": prints something that is not a token's lines");
        held.client_id = value(client_id_line);
        held.tag = value(tag_line);
        auto const version = value(version_line);
        auto const end = version.data() + version.size();
        if (!version.empty() && std::from_chars(version.data(), end, held.version).ptr != end)
            return failed(": prints a version that is no number");
        auto const key = http::percent_decode(value(key_line));
        if (!key) return failed(": prints a key that is not encoded");
        held.key = *key;
        if (auto const since = timestamp::parse(std::string(value(since_line))))
            held.since = *since;
        return held;
    }

private:
    [[nodiscard]] static std::string how_ended(command_outcome const& outcome,
                                               std::string_view hidden) {
        auto const status = outcome.status;
        auto how = WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status))
                                       : "exit status " + std::to_string(WEXITSTATUS(status));
        auto const said = redact(without(hidden, outcome.complaints), 1000);
        return is_blank(said) ? how : how + ": " + said;
    }

    /// This process's own, but for what is replaced and for credentials, which a program that
    /// stores does not need.
    [[nodiscard]] std::vector<std::string>
    environment(std::string_view operation, std::string_view key, std::string_view token_id) const {
        auto const& own = options_.variables();
        std::vector<std::string> all;
        for (char** v = ::environ; v != nullptr && *v != nullptr; ++v) {
            std::string_view const variable(*v);
            auto const name = variable.substr(0, variable.find('=') + 1);
            bool const is_replaced = std::any_of(
                own.begin(), own.end(), [&](auto const& other) { return other.starts_with(name); });
            if (!is_replaced && !name.starts_with("CF_ACCESS_") && !name.starts_with("CLOUDFLARE_"))
                all.emplace_back(variable);
        }
        all.insert(all.end(), own.begin(), own.end());
        all.push_back(std::string("CF_ACCESS_OPERATION=").append(operation));
        if (!key.empty()) all.push_back(std::string(key_line) + command_key(key));
        if (!token_id.empty()) all.push_back(std::string(id_line).append(token_id));
        return all;
    }

    std::vector<std::string> program_;
    command_sink_options options_;
};

} // namespace cloudflare::inline v0::access::detail

/// The options of a command sink.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>

#include <chrono>
#include <cstddef>
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

} // namespace cloudflare::inline v0::access

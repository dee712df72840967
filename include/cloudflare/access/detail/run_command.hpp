/// Runs a program: bytes to its stdin, what it prints, how it ended. POSIX.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cloudflare::inline v0::access::detail {

struct command {
    std::vector<std::string> arguments{};   ///< the first is the program; without `/` by PATH
    std::vector<std::string> environment{}; ///< `NAME=value`, and nothing else is there
    std::string_view input{};               ///< at most what a pipe holds
    std::chrono::milliseconds timeout{};
    std::size_t max_output = 0; ///< bytes
};

struct command_outcome {
    int status = 0;            ///< as `waitpid` gives it
    wiped_string output{};     ///< stdout
    wiped_string complaints{}; ///< the beginning of stderr
};

[[nodiscard]] inline error command_failed(std::string why, int reason = 0) {
    return {errc::sink_failed, error_details{.explanation = std::move(why),
                                             .delivery = delivery::not_sent,
                                             .cause = {reason, boost::system::system_category()}}};
}

/// A descriptor that is closed at the end.
class descriptor {
public:
    explicit descriptor(int d = -1) noexcept : d_(d) {}
    descriptor(descriptor&& other) noexcept : d_(std::exchange(other.d_, -1)) {}
    descriptor& operator=(descriptor other) noexcept {
        std::swap(d_, other.d_);
        return *this;
    }
    ~descriptor() { close(); }
    void close() noexcept {
        if (d_ >= 0) ::close(std::exchange(d_, -1));
    }
    [[nodiscard]] int get() const noexcept { return d_; }
    [[nodiscard]] bool is_open() const noexcept { return d_ >= 0; }

private:
    int d_;
};

/// A pipe whose ends no other program inherits. Neither is one of the numbers 0 to 2, which this
/// process may have closed and the child uses.
struct pipe_ends {
    descriptor read, write;

    [[nodiscard]] bool open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return false;
        descriptor const first(ends[0]), second(ends[1]);
        read = descriptor(::fcntl(ends[0], F_DUPFD_CLOEXEC, 3));
        write = descriptor(::fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
        return read.is_open() && write.is_open();
    }
};

[[nodiscard]] inline bool set_nonblocking(descriptor const& d) noexcept {
    return ::fcntl(d.get(), F_SETFL, O_NONBLOCK) == 0;
}

/// A running program in its own process group. The group is killed at the end, unless the program
/// has ended by itself.
class child_process {
public:
    child_process() = default;
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;
    ~child_process() { kill(); }

    /// @return 0, or the `errno` that says why the program cannot be run
    [[nodiscard]] int start(command const& c, descriptor const& in, descriptor const& out,
                            descriptor const& err) {
        auto const argv = pointers(c.arguments), environment = pointers(c.environment);
        ::posix_spawn_file_actions_t actions;
        if (int const failed = ::posix_spawn_file_actions_init(&actions)) return failed;
        ::posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
        ::posix_spawn_file_actions_adddup2(&actions, out.get(), 1);
        ::posix_spawn_file_actions_adddup2(&actions, err.get(), 2);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
        ::posix_spawn_file_actions_addclosefrom_np(&actions, 3); // what others left inheritable
#endif
        ::posix_spawnattr_t how;
        int failed = ::posix_spawnattr_init(&how);
        if (failed == 0) {
            ::sigset_t all, none;
            ::sigfillset(&all);
            ::sigemptyset(&none);
            ::posix_spawnattr_setsigdefault(&how, &all); // a caller may ignore SIGPIPE, say
            ::posix_spawnattr_setsigmask(&how, &none);
            ::posix_spawnattr_setpgroup(&how, 0);
            ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETPGROUP);
            failed =
                ::posix_spawnp(&pid_, argv[0], &actions, &how, argv.data(), environment.data());
            if (failed != 0) pid_ = -1;
            ::posix_spawnattr_destroy(&how);
        }
        ::posix_spawn_file_actions_destroy(&actions);
        return failed;
    }

    /// Whether the program has ended; if so, `status` and `error` tell how.
    [[nodiscard]] bool has_ended() noexcept {
        if (pid_ < 0) return true;
        auto const waited = repeated(WNOHANG);
        if (waited == 0) return false;
        pid_ = -1;
        return true;
    }
    [[nodiscard]] int status() const noexcept { return status_; }
    /// Why the status is not known: another wait in this process has taken it.
    [[nodiscard]] int error() const noexcept { return error_; }

    /// Kills the whole group and takes the status, so that no zombie is left.
    void kill() noexcept {
        if (pid_ < 0) return;
        ::kill(-pid_, SIGKILL);
        repeated(0);
        pid_ = -1;
    }

private:
    ::pid_t repeated(int options) noexcept {
        for (;;) {
            auto const waited = ::waitpid(pid_, &status_, options);
            if (waited >= 0 || errno != EINTR) {
                if (waited < 0) error_ = errno;
                return waited;
            }
        }
    }
    [[nodiscard]] static std::vector<char*> pointers(std::vector<std::string> const& strings) {
        std::vector<char*> all;
        for (auto const& s : strings)
            all.push_back(const_cast<char*>(s.c_str())); // posix_spawn changes none
        all.push_back(nullptr);
        return all;
    }

    ::pid_t pid_ = -1;
    int status_ = 0;
    int error_ = 0;
};

/// Appends what can be read now, up to `limit` bytes in all. Closes the pipe at its end.
///
/// @return false if there was more
[[nodiscard]] inline bool drain(descriptor& from, wiped_string& kept, std::size_t limit) {
    bool fits = true;
    char buffer[4096];
    while (from.is_open()) {
        auto const n = ::read(from.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) {
            from.close();
            break;
        }
        auto const size = static_cast<std::size_t>(n);
        fits = fits && size <= limit - kept.size();
        kept.append(buffer, (std::min)(size, limit - kept.size()));
    }
    cloudflare::wipe(buffer, sizeof buffer);
    return fits;
}

inline constexpr std::size_t max_complaints = 4096; // bytes of stderr

/// Runs the program to its end. Blocks. `errc::sink_failed` if it cannot be run, takes too long,
/// prints too much or leaves no status. It need not read its input.
[[nodiscard]] inline result<command_outcome> run_command(command const& c) {
    using namespace std::chrono;
    using namespace std::chrono_literals;
    using clock = steady_clock;
    auto const& program = c.arguments.front();
    pipe_ends in, out, err;
    if (!in.open() || !out.open() || !err.open() || !set_nonblocking(in.write) ||
        !set_nonblocking(out.read) || !set_nonblocking(err.read))
        return command_failed(program + ": no pipe can be made", errno);
    // All input is in the pipe before the program runs, so that nothing waits for the program to
    // read it, and a program that does not causes no SIGPIPE.
    auto const written = ::write(in.write.get(), c.input.data(), c.input.size());
    if (written != static_cast<::ssize_t>(c.input.size()))
        return command_failed(program + ": its input does not fit in a pipe");
    in.write.close();

    child_process child;
    if (int const failed = child.start(c, in.read, out.write, err.write))
        return command_failed(program + ": cannot be run", failed);
    in.read.close(), out.write.close(), err.write.close();

    auto const end = clock::now() + std::clamp<milliseconds>(c.timeout, 1ms, hours(24));
    command_outcome outcome;
    for (milliseconds pause(1);; pause = (std::min)(pause * 2, milliseconds(20))) {
        bool const has_ended = child.has_ended(); // before the last look at the pipes
        bool const fits = drain(out.read, outcome.output, c.max_output);
        static_cast<void>(drain(err.read, outcome.complaints, max_complaints));
        if (!fits)
            return command_failed(program + ": prints more than " + std::to_string(c.max_output) +
                                  " bytes");
        if (has_ended) break;
        if (clock::now() >= end)
            return command_failed(program + ": was stopped after " +
                                  std::to_string(c.timeout.count()) + " ms");
        ::pollfd pipes[2] = {{out.read.get(), POLLIN, 0},
                             {err.read.get(), POLLIN, 0}}; // -1: ignored
        ::poll(pipes, 2, static_cast<int>(pause.count()));
    }
    if (child.error() != 0)
        return command_failed(program + ": its exit status is lost, because SIGCHLD is ignored or "
                                        "something else waits for it",
                              child.error());
    outcome.status = child.status();
    return outcome;
}

} // namespace cloudflare::inline v0::access::detail

/// A headless Chromium of one's own, spoken to in the DevTools protocol over two pipes: no port, no other library.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace devtools {

namespace json = boost::json;
using steady = std::chrono::steady_clock;

/// Where Chromium is, or an empty string.
[[nodiscard]] inline std::string find_chromium() {
    char const* const chosen = std::getenv("CHROMIUM");
    for (std::string const path : {chosen == nullptr ? "" : chosen, "/usr/bin/chromium"})
        if (!path.empty() && ::access(path.c_str(), X_OK) == 0) return path;
    return {};
}

/// Starts the browser, and ends it with its profile. Each message is JSON with a NUL behind it.
class devtools_pipe {
public:
    using event_function = std::function<void(std::string_view method, json::object const& params)>;

    explicit devtools_pipe(std::string const& program) {
        std::string name = (std::filesystem::temp_directory_path() / "chromium.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory of its own");
        profile_ = name;
        int in[2], out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
            throw std::runtime_error("no pipe");
        ::signal(SIGPIPE, SIG_IGN);
        process_ = ::fork();
        if (process_ == 0) run(program, in[0], out[1]);
        ::close(in[0]);
        ::close(out[1]);
        to_ = in[1];
        from_ = out[0];
    }
    devtools_pipe(devtools_pipe const&) = delete;
    devtools_pipe& operator=(devtools_pipe const&) = delete;
    ~devtools_pipe() {
        try {
            send("Browser.close", {}, {});
        } catch (std::exception const&) { // it has ended already
        }
        for (int i = 0; i != 100 && ::waitpid(process_, nullptr, WNOHANG) == 0; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ::kill(-process_, SIGKILL); // its own group: what is left of it
        ::waitpid(process_, nullptr, 0);
        ::close(to_);
        ::close(from_);
        std::error_code ignored;
        std::filesystem::remove_all(profile_, ignored);
    }

    /// Called with what the browser tells unasked, while a response is awaited or in `listen`. It may call `send`.
    void on_event(event_function f) { on_event_ = std::move(f); }

    /// Sends a command without waiting for its response.
    int send(std::string_view method, json::object params, std::string const& session) {
        json::object message{{"id", ++last_id_}, {"method", method}, {"params", std::move(params)}};
        if (!session.empty()) message["sessionId"] = session;
        auto bytes = json::serialize(message);
        bytes.push_back('\0');
        for (std::string_view left = bytes; !left.empty();) {
            auto const n = ::write(to_, left.data(), left.size());
            if (n <= 0) throw std::runtime_error("the browser has ended");
            left.remove_prefix(static_cast<std::size_t>(n));
        }
        return last_id_;
    }

    /// Sends a command and waits for its result. Throws what the browser says of a wrong one.
    json::object call(std::string_view method, json::object params, std::string const& session) {
        auto const id = send(method, std::move(params), session);
        auto const end = steady::now() + std::chrono::seconds(30);
        for (;;) {
            auto message = next(end);
            if (message.empty())
                throw std::runtime_error("no response to " + std::string(method) + " within 30 s");
            if (!message.contains("id")) {
                handle(message);
            } else if (message["id"] == id) {
                if (auto const* e = message.if_contains("error"))
                    throw std::runtime_error(std::string(method) + ": " + json::serialize(*e));
                return message["result"].as_object();
            }
        }
    }

    /// Handles events for this long.
    void listen(std::chrono::milliseconds span) {
        auto const end = steady::now() + span;
        for (;;) {
            auto const message = next(end);
            if (message.empty()) return;
            if (!message.contains("id")) handle(message);
        }
    }

private:
    [[noreturn]] void run(std::string const& program, int in, int out) {
        ::setpgid(0, 0);
        int const in_above = ::fcntl(in, F_DUPFD, 10), out_above = ::fcntl(out, F_DUPFD, 10);
        int const null = ::open("/dev/null", O_RDWR);
        ::dup2(null, 0);
        ::dup2(null, 1);
        ::dup2(null, 2);
        ::dup2(in_above, 3);
        ::dup2(out_above, 4);
        ::close(in_above);
        ::close(out_above);
        std::vector<std::string> words{program,
                                       "--headless",
                                       "--no-sandbox",
                                       "--disable-gpu",
                                       "--disable-quic",
                                       "--no-first-run",
                                       "--disable-background-networking",
                                       "--disable-component-update",
                                       "--disable-sync",
                                       "--disable-dev-shm-usage",
                                       "--hide-scrollbars",
                                       "--ignore-certificate-errors",
                                       "--remote-debugging-pipe",
                                       "--user-data-dir=" + profile_.string(),
                                       "about:blank"};
        std::vector<char*> argv;
        for (auto& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        ::execv(program.c_str(), argv.data());
        ::_exit(127);
    }

    // The next message, or nothing when the time is over.
    json::object next(steady::time_point end) {
        for (;;) {
            if (auto const nul = bytes_.find('\0'); nul != bytes_.npos) {
                auto message = json::parse(std::string_view(bytes_).substr(0, nul)).as_object();
                bytes_.erase(0, nul + 1);
                return message;
            }
            auto const left = std::chrono::ceil<std::chrono::milliseconds>(end - steady::now());
            pollfd waiting{from_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0)
                return {};
            char piece[65536];
            auto const n = ::read(from_, piece, sizeof piece);
            if (n <= 0) throw std::runtime_error("the browser has ended");
            bytes_.append(piece, static_cast<std::size_t>(n));
        }
    }

    void handle(json::object const& message) {
        if (on_event_)
            on_event_(message.at("method").as_string(), message.at("params").as_object());
    }

    std::filesystem::path profile_;
    pid_t process_ = -1;
    int to_ = -1;
    int from_ = -1;
    int last_id_ = 0;
    std::string bytes_;
    event_function on_event_;
};

} // namespace devtools

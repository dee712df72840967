// A server that responds to each request after a while: it keeps calls in flight.
//
//   slow_server RESPONSE_FILE PORTS MILLISECONDS
//
// It listens on so many ports of 127.0.0.1, and prints their base URLs.
#include "descriptor.hpp"
#include "responses.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace {

using steady = std::chrono::steady_clock;

void demand(bool fine, char const* what) {
    if (!fine) throw std::system_error(errno, std::generic_category(), what);
}

// A listening socket on a free port of loopback.
bench::descriptor listen_somewhere() {
    bench::descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    demand(::bind(made.get(), reinterpret_cast<sockaddr*>(&server), sizeof server) == 0, "bind");
    demand(::listen(made.get(), 4096) == 0, "listen");
    return made;
}

int port_of(bench::descriptor const& socket) {
    sockaddr_in server{};
    socklen_t size = sizeof server;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&server), &size);
    return ntohs(server.sin_port);
}

class server {
public:
    server(std::string const& body, std::size_t ports, std::chrono::milliseconds delay)
        : delay_(delay),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          response_("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body) {
        for (std::size_t i = 0; i != ports; ++i) {
            listening_.push_back(listen_somewhere());
            watch(listening_.back().get());
            std::cout << "http://127.0.0.1:" << port_of(listening_.back()) << "/client/v4\n";
        }
        std::cout.flush();
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 256> events{};
        for (;;) {
            int const ready = ::epoll_wait(epoll_.get(), events.data(), int(events.size()), wait());
            for (int i = 0; i < ready; ++i)
                handle(events[static_cast<std::size_t>(i)].data.fd);
            respond_to_those_due();
        }
    }

private:
    struct request {
        steady::time_point due;
        int socket;
    };

    void watch(int socket) {
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.fd = socket;
        demand(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &wanted) == 0, "epoll");
    }

    // Milliseconds to the next response; -1 for ever.
    [[nodiscard]] int wait() const {
        if (waiting_.empty()) return -1;
        auto const left =
            std::chrono::ceil<std::chrono::milliseconds>(waiting_.front().due - steady::now());
        return static_cast<int>(std::max(left.count(), std::int64_t{0}));
    }

    void handle(int socket) {
        for (auto const& l : listening_)
            if (l.get() == socket) return accept_all(socket);
        read_request(socket);
    }

    void accept_all(int listening) {
        for (;;) {
            int const made = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (made < 0) return;
            watch(made);
        }
    }

    // Takes what arrived for one request: the clients here send each in one piece.
    void read_request(int socket) {
        std::array<char, 4096> string;
        if (::recv(socket, string.data(), string.size(), 0) > 0) {
            waiting_.push_back({steady::now() + delay_, socket});
        } else {
            ::close(socket);
        }
    }

    void respond_to_those_due() {
        auto const now = steady::now();
        for (; !waiting_.empty() && waiting_.front().due <= now; waiting_.pop_front())
            ::send(waiting_.front().socket, response_.data(), response_.size(), MSG_NOSIGNAL);
    }

    std::chrono::milliseconds delay_;
    bench::descriptor epoll_;
    std::string response_;
    std::vector<bench::descriptor> listening_;
    std::deque<request> waiting_;
};

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 4)
            throw std::invalid_argument("usage: slow_server RESPONSE_FILE PORTS MILLISECONDS");
        std::chrono::milliseconds const delay(std::stoul(argv[3]));
        server(bench::read_file(argv[1]), std::stoul(argv[2]), delay).run();
    } catch (std::exception const& e) {
        std::cerr << "slow_server: " << e.what() << '\n';
        return 1;
    }
}

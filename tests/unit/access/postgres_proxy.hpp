// A proxy before the server that loses connections at the worst moments.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace postgres_world {

/// What happens to the next statement that holds the words it is armed with.
enum class fault : unsigned char {
    none,
    lost_before,         ///< the connection ends, and the server never sees the statement
    lost_after,          ///< the server commits; the connection ends before the client is told
    delivered_by_command ///< the client's connection ends; the server sees it when told to
};

class cutting_proxy {
public:
    /// Before the server that PGPORT names now.
    cutting_proxy()
        : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          server_port_(std::atoi(std::getenv("PGPORT"))) {
        auto address = loopback(0);
        ::socklen_t size = sizeof(address);
        ::bind(listener_, reinterpret_cast<::sockaddr*>(&address), size);
        ::listen(listener_, 64);
        ::getsockname(listener_, reinterpret_cast<::sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept(); });
    }
    cutting_proxy(cutting_proxy const&) = delete;
    cutting_proxy& operator=(cutting_proxy const&) = delete;
    ~cutting_proxy() {
        is_over_ = true;
        acceptor_.join();
        while (relays_ != 0)
            ::usleep(1000);
        ::close(listener_);
    }

    /// A connection string that leads here.
    [[nodiscard]] std::string connection() const {
        return "host=127.0.0.1 sslmode=disable port=" + std::to_string(port_);
    }
    [[nodiscard]] int port() const { return port_; }
    /// @param words the next statement that holds these meets with the fault
    void arm(fault f, std::string words) {
        std::lock_guard const lock(mutex_);
        fault_ = f;
        words_ = std::move(words);
    }
    /// How many statements have met with a fault.
    [[nodiscard]] int struck() const { return struck_; }
    /// Lets the server see what was held back; gives true once it was sent, or nobody takes it.
    void deliver() {
        is_delivered_ = true;
        while (held_ != 0)
            ::usleep(1000);
    }

private:
    static ::sockaddr_in loopback(int port) {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        return address;
    }
    static bool is_readable(int socket) {
        ::pollfd p{socket, POLLIN, 0};
        return ::poll(&p, 1, 20) > 0;
    }
    static bool send(int socket, std::string_view bytes) {
        while (!bytes.empty()) {
            auto const sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    static std::string receive(int socket) {
        std::string bytes(65536, '\0');
        auto const got = ::recv(socket, bytes.data(), bytes.size(), 0);
        bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return bytes;
    }
    /// Whether the server has told that it is ready for the next statement.
    static bool ends_statement(std::string_view bytes) {
        using namespace std::string_view_literals;
        return bytes.size() >= 6 && bytes.substr(bytes.size() - 6, 5) == "Z\0\0\0\5"sv;
    }

    void accept() {
        while (!is_over_) {
            if (!is_readable(listener_)) continue;
            int const client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            int const server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            auto address = loopback(server_port_);
            bool const is_connected =
                ::connect(server, reinterpret_cast<::sockaddr*>(&address), sizeof(address)) == 0;
            if (is_connected) {
                ++relays_;
                std::thread([this, client, server] { relay(client, server); }).detach();
                continue;
            }
            ::close(client);
            ::close(server);
        }
    }
    /// The fault that these bytes of the client's meet with, once.
    fault strike(std::string_view bytes) {
        std::lock_guard const lock(mutex_);
        if (fault_ == fault::none || bytes.find(words_) == bytes.npos) return fault::none;
        ++struck_;
        return std::exchange(fault_, fault::none);
    }
    void relay(int client, int server) {
        auto met = fault::none;
        std::string held;
        while (!is_over_ && met != fault::lost_before) {
            ::pollfd p[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
            if (::poll(p, 2, 20) <= 0) continue;
            if (p[0].revents != 0) {
                auto const bytes = receive(client);
                if (bytes.empty()) break;
                if (met == fault::none) met = strike(bytes);
                if (met == fault::delivered_by_command) {
                    held = bytes;
                    break;
                }
                if (met != fault::lost_before && !send(server, bytes)) break;
            }
            if (p[1].revents != 0) {
                auto const bytes = receive(server);
                if (bytes.empty() || (met == fault::lost_after && ends_statement(bytes))) break;
                if (met == fault::none && !send(client, bytes)) break;
            }
        }
        if (!held.empty()) ++held_;
        ::close(client);
        if (!held.empty()) {
            while (!is_over_ && !is_delivered_)
                ::usleep(1000);
            send(server, held);
            ::usleep(100'000); // to execute it
            --held_;
        }
        ::close(server);
        --relays_;
    }

    int listener_;
    int server_port_;
    int port_ = 0;
    std::atomic<bool> is_over_ = false, is_delivered_ = false;
    std::atomic<int> struck_ = 0, held_ = 0, relays_ = 0;
    std::mutex mutex_;
    fault fault_ = fault::none; // under the mutex
    std::string words_;         // under the mutex
    std::thread acceptor_;
};

} // namespace postgres_world

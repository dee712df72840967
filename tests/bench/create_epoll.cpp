// Bare sockets, epoll and OpenSSL, as fast as one would write it for this one call: the baseline.
#include "bare_connection.hpp"
#include "contest.hpp"
#include "token_json.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/epoll.h>

namespace {

class contestant {
public:
    explicit contestant(bench::arguments const& given)
        : tls_(given.ca_file.empty() ? nullptr : bench::make_tls_context(given.ca_file)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        auto const server = given.server();
        head_ = head_of(server);
        for (std::size_t i = 0; i != given.concurrency; ++i)
            add(std::make_unique<bench::bare_connection>(server, tls_.get()));
    }

    void create(std::size_t count) {
        unsent_ = pending_ = count;
        for (auto& c : connections_)
            send_next(*c);
        std::array<epoll_event, 64> events{};
        while (pending_ != 0) {
            int const ready = ::epoll_wait(epoll_.get(), events.data(), int(events.size()), -1);
            for (int i = 0; i < ready; ++i)
                advance(*static_cast<bench::bare_connection*>(
                    events[static_cast<std::size_t>(i)].data.ptr));
        }
    }

private:
    static std::string head_of(bench::address const& server) {
        namespace sample = bench::sample;
        std::string head = "POST " + server.path;
        head.append(sample::target).append(" HTTP/1.1\r\nHost: ").append(server.host);
        head.append(":").append(server.port).append("\r\nAuthorization: Bearer ");
        head.append(sample::api_token).append("\r\nUser-Agent: bench\r\n");
        head.append("Accept: application/json\r\nContent-Type: application/json\r\n");
        return head += "Content-Length: ";
    }

    void add(std::unique_ptr<bench::bare_connection> c) {
        c->do_not_block();
        epoll_event wanted{};
        wanted.events = EPOLLIN | EPOLLET;
        wanted.data.ptr = c.get();
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, c->native_handle(), &wanted);
        connections_.push_back(std::move(c));
    }

    void send_next(bench::bare_connection& c) {
        if (unsent_ == 0) return;
        --unsent_;
        body_.assign("{\"name\":\"").append(bench::sample::name);
        body_.append("\",\"duration\":\"").append(bench::sample::duration).append("\"}");
        std::array<char, 20> digits{};
        auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), body_.size());
        wire_.assign(head_).append(digits.data(), end.ptr).append("\r\n\r\n").append(body_);
        c.send(wire_);
    }

    void advance(bench::bare_connection& c) {
        if (!c.receive()) return;
        std::array<unsigned char, 4096> memory;
        boost::json::monotonic_resource arena(memory.data(), memory.size());
        static_cast<void>(bench::read_token(c.body(), &arena));
        --pending_;
        send_next(c);
    }

    bench::tls_context tls_;
    bench::descriptor epoll_;
    std::string head_;
    std::string body_;
    std::string wire_;
    std::vector<std::unique_ptr<bench::bare_connection>> connections_;
    std::size_t unsent_ = 0;
    std::size_t pending_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    return bench::run_contest<contestant>(argc, argv);
}

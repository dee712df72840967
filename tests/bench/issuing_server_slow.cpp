// issuing-server over stores that are slow: each of their functions takes 50 ms, and each fsync 20 ms.
// Usage: as issuing-server
#include "../../examples/issuing_server/server.hpp"
#include "../../examples/issuing_server/stores.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace slow_stores {

void wait(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

struct slow_disk : cfa::detail::posix {
    static int sync(int descriptor) noexcept {
        wait(20);
        return posix::sync(descriptor);
    }
};

/// A sink as another one, 50 ms later.
class slow_sink {
public:
    explicit slow_sink(std::string directory)
        : sink_(std::move(directory), std::chrono::seconds(30)) {}

    auto prepare(cfa::intent const& i) { return wait(50), sink_.prepare(i); }
    auto store(cfa::intent const& i, cfa::issued_service_token const& t) {
        return wait(50), sink_.store(i, t);
    }
    auto find(std::string_view key) { return wait(50), sink_.find(key); }
    auto secret_of(std::string_view key) { return wait(50), sink_.secret_of(key); }
    auto forget(std::string_view id) { return wait(50), sink_.forget(id); }
    auto list() { return wait(50), sink_.list(); }

private:
    cfa::basic_directory_sink<slow_disk> sink_;
};

class slow_log {
public:
    explicit slow_log(std::string path) : log_(std::move(path)) {}

    auto insert(cfa::intent const& i) { return wait(50), log_.insert(i); }
    auto update(cfa::intent const& i) { return wait(50), log_.update(i); }
    auto erase(cfa::intent const& i) { return wait(50), log_.erase(i); }
    auto list() { return wait(50), log_.list(); }

private:
    cfa::basic_file_intent_log<slow_disk> log_;
};

stores open(configuration const& c, asio::io_context&, asio::thread_pool& disk) {
    auto const key = cfa::sealing_key::from_file(c.sealing_key_id, c.sealing_key).value();
    std::string const directory = c.state_directory;
    std::filesystem::create_directory(directory + "/secrets");
    static slow_sink inner(directory + "/secrets");
    static cfa::sealed_sink<slow_sink&> sink(inner, key);
    static slow_log log(directory + "/intents");
    return {cfa::any_async_sink(cf::offloaded_sink(disk.get_executor(), sink)),
            cfa::any_async_log(cf::offloaded_log(disk.get_executor(), log)), false};
}

} // namespace slow_stores

int main(int, char** argv) {
    try {
        auto const c = read_configuration(argv[2]);
        server(argv[2], c, &slow_stores::open).run();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 2;
    }
}

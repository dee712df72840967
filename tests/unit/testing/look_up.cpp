// Names for the conformance kit, whose look-up needs no name server: this program's `getaddrinfo` is
// called by every transport in it, libcurl's too.
#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <string_view>
#include <thread>

/// All names below `loopback.test` have the address 127.0.0.1; `never-answers.test` is as a name
/// whose server is silent.
extern "C" int getaddrinfo(char const* host, char const* service, addrinfo const* hints,
                           addrinfo** found) {
    using look_up = int(char const*, char const*, addrinfo const*, addrinfo**);
    static auto* const system = reinterpret_cast<look_up*>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    std::string_view name = host != nullptr ? host : "";
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name == "never-answers.test") {
        std::this_thread::sleep_for(std::chrono::seconds(5));
        return EAI_AGAIN;
    }
    bool const is_loopback = name == "loopback.test" || name.ends_with(".loopback.test");
    return system(is_loopback ? "127.0.0.1" : host, service, hints, found);
}

/// Preserves the thread's OpenSSL error queue.
#pragma once

#include <cloudflare/core/config.hpp>

#include <string>
#include <vector>

#include <openssl/err.h>

namespace cloudflare::inline v0::detail::beast {

/// Empties the thread's error queue, as OpenSSL's operations need it to report their own errors, and
/// restores it in the destructor: the thread belongs to the caller.
class tls_error_queue {
public:
    tls_error_queue() {
        while (ERR_peek_error() != 0)
            found_.push_back(take_first());
    }
    tls_error_queue(tls_error_queue const&) = delete;
    tls_error_queue& operator=(tls_error_queue const&) = delete;
    ~tls_error_queue() {
        ERR_clear_error();
        for (auto const& e : found_)
            put_back(e);
    }

private:
    struct entry {
        unsigned long code = 0;
        std::string file{};
        int line = 0;
        std::string function{};
        std::string data{};
    };

    [[nodiscard]] static entry take_first() {
        entry e;
        char const *file = nullptr, *function = nullptr, *data = nullptr;
        int flags = 0;
        e.code = ERR_get_error_all(&file, &e.line, &function, &data, &flags);
        if (file != nullptr) e.file = file;
        if (function != nullptr) e.function = function;
        if (data != nullptr && (flags & ERR_TXT_STRING) != 0) e.data = data;
        return e;
    }
    static void put_back(entry const& e) noexcept {
        ERR_new();
        ERR_set_debug(e.file.c_str(), e.line, e.function.c_str());
        auto const library = ERR_GET_LIB(e.code), reason = ERR_GET_REASON(e.code);
        if (e.data.empty()) {
            ERR_set_error(library, reason, nullptr);
        } else {
            ERR_set_error(library, reason, "%s", e.data.c_str());
        }
    }

    std::vector<entry> found_;
};

} // namespace cloudflare::inline v0::detail::beast

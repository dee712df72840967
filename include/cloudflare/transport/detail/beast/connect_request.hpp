/// The request by which a proxy opens a tunnel.
#pragma once

#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/proxy.hpp>

#include <openssl/evp.h>

#include <cstddef>
#include <string>

namespace cloudflare::inline v0::detail::beast {

/// Source: RFC 9110, section 9.3.6.
[[nodiscard]] inline wiped_string connect_request(http::origin const& origin, proxy const& via) {
    std::string const name =
        origin.host().find(':') == std::string::npos ? origin.host() : '[' + origin.host() + ']';
    auto const target = name + ':' + std::to_string(origin.port());
    wiped_string request;
    request.append("CONNECT ").append(target).append(" HTTP/1.1\r\nHost: ").append(target);
    if (auto const credentials = via.credentials().reveal(); !credentials.empty()) {
        wiped_string encoded((credentials.size() + 2) / 3 * 4 + 1, '\0');
        auto const size =
            EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                            reinterpret_cast<unsigned char const*>(credentials.data()),
                            static_cast<int>(credentials.size()));
        encoded.resize(static_cast<std::size_t>(size));
        request.append("\r\nProxy-Authorization: Basic ").append(encoded);
    }
    return request.append("\r\n\r\n");
}

} // namespace cloudflare::inline v0::detail::beast

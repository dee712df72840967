// The server's side of TLS.
#pragma once

#include "configuration.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>

// TLS 1.2 or newer. A client's certificate is asked for where the configuration names a CA, and need not be there.
cloudflare::result<std::shared_ptr<boost::asio::ssl::context>> make_tls(configuration const& c);

// Who the client's certificate says that it is: its first alternative DNS name, else its common name.
std::optional<std::string> identity_of_peer(SSL* connection);

// Where secrets and intents are kept: sealed, in a directory or in PostgreSQL.
#pragma once

#include "server.hpp"

#include <cloudflare/access/sealing_key.hpp>

cloudflare::result<stores> open_configured(configuration const& c, boost::asio::io_context& context,
                                           boost::asio::thread_pool& disk);

// Makes the directory of secrets, and sees to it that no other process uses the state directory.
cloudflare::result<void> take_directory(std::string const& path);

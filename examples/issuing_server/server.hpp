// The server: accepts connections, reads its files again on SIGHUP, ends on SIGTERM.
#pragma once

#include "configuration.hpp"
#include "machines.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <string>

// Opens what the configuration names. Blocking stores run on the pool.
using open_stores = std::function<cloudflare::result<stores>(
    configuration const&, boost::asio::io_context&, boost::asio::thread_pool&)>;

// Serves until SIGTERM or SIGINT, which end the process. Gives the error that keeps it from serving.
cloudflare::result<void> run_server(std::string const& configuration_file, open_stores const& open);

// access-token: manages the service tokens of a Cloudflare account or zone from the command line.
#include "commands.hpp"
#include "next_command.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "output.hpp"
#include "process.hpp"

#include <boost/asio/io_context.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace {

int run(boost::asio::io_context& context, int argc, char** argv) {
    try {
        auto const parsed = parse_options(argc, argv);
        if (!parsed) {
            say(spoken(with_next_command(parsed.error(), argc, argv)));
            return wrong_usage;
        }
        if (!*parsed) return done;
        if ((*parsed)->quiet) be_quiet();
        return run_command(context, **parsed);
    } catch (std::exception const& e) {
        say(e.what());
        return left_behind;
    }
}

} // namespace

int main(int argc, char** argv) {
    keep_standard_streams();
    protect_memory();
    // A closed stdout is seen where it is written to.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    boost::asio::io_context context(1);
    int const status = run(context, argc, argv);
    std::cout.flush();
    // The context's destructor would wait for a look-up that hangs, though its call has ended.
    std::_Exit(status);
}

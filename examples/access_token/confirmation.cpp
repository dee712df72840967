#include "confirmation.hpp"

#include "output.hpp"
#include "printable.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <iostream>
#include <string_view>

#include <unistd.h>

namespace asio = boost::asio;

namespace {

// As it was typed, and its id.
std::string named(options const& o, std::size_t i) {
    auto const& id = o.arguments[i];
    return o.typed[i] == id ? id : '"' + o.typed[i] + "\" (" + id + ')';
}

} // namespace

std::string question_of(options const& o) {
    if (o.command == "delete") {
        std::string list;
        for (std::size_t i = 0; i != o.arguments.size(); ++i)
            list += (i == 0 ? "" : ", ") + named(o, i);
        return "delete " + list + "? Who uses it is shut out at once";
    }
    if (o.command == "rotate" && o.grace && o.grace->count() == 0)
        return "end the secret of " + named(o, 0) + " now? Who uses it is shut out at once";
    if (o.command == "rotate" && o.replace_now)
        return "rotate " + named(o, 0) +
               " now? The secret of the grace period that runs ends at once, and so does one whose "
               "successor was lost";
    if (o.command == "renew" && o.replace_lost && !o.watch)
        return "replace the secrets that were lost? Those still in use end at once";
    if (o.deletes_strays) return "delete all strays? Who uses one is shut out at once";
    return {};
}

awaitable<bool> is_confirmed(options const& o) {
    auto const question = question_of(o);
    bool const is_terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (question.empty() || o.skips_questions || !is_terminal) co_return true;
    clear_progress();
    std::cerr << printable(question) + ". [y/N] " << std::flush;
    // Waited for beside the signals; a line of the terminal is then read at once.
    asio::posix::stream_descriptor input(co_await asio::this_coro::executor, ::dup(STDIN_FILENO));
    boost::system::error_code failed;
    auto waiting = input.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, failed));
    co_await std::move(waiting);
    char line[64] = {};
    auto const n = failed ? 0 : ::read(input.native_handle(), line, sizeof line - 1);
    std::string_view reply(line, n > 0 ? static_cast<std::size_t>(n) : 0);
    if (reply.ends_with('\n')) reply.remove_suffix(1);
    if (reply == "y" || reply == "Y" || reply == "yes") co_return true;
    if (n <= 0) std::cerr << '\n';
    say("nothing was changed; --yes goes on without asking");
    co_return false;
}

#include "exec.hpp"

#include "output.hpp"

#include <cloudflare/access/current_secret.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace cf = cloudflare;

namespace {

constexpr int cannot_run = 126, not_found = 127; // as a shell has them

} // namespace

int execute(options const& o) {
    auto const held = cf::access::current_secret(o.secret_file).get();
    if (!held) {
        say(held.error().to_string());
        say("a token for it: access-token exec NAME --secret-file " + o.secret_file +
            " -- COMMAND");
        return wrong_usage;
    }
    auto const put = [](std::string_view name, std::string_view value) {
        return ::setenv(std::string(name).c_str(), std::string(value).c_str(), 1) == 0;
    };
    auto const& names = o.output.names;
    if (!put(names.client_id, held->token.client_id) ||
        !put(names.client_secret, held->client_secret.reveal())) {
        say("the environment cannot be set");
        return refused;
    }
    std::vector<char*> words;
    for (auto const& word : o.program)
        words.push_back(const_cast<char*>(word.c_str())); // execvp does not write there
    words.push_back(nullptr);
    std::cout.flush();
    static_cast<void>(std::signal(SIGPIPE, SIG_DFL));
    ::execvp(words[0], words.data());
    int const reason = errno;
    say(o.program[0] + ": " + std::generic_category().message(reason));
    return reason == ENOENT ? not_found : cannot_run;
}

// What the command line and the environment ask for.
#pragma once

#include "output_style.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/api/client_options.hpp>
#include <cloudflare/transport/proxy.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// How a secret file looks.
enum class secret_format {
    env,  // the lines of `file_sink`
    json, // its object
    raw   // the secret and a newline: no later command can go on with it
};

// Why a part of the connection cannot be had.
struct connection_fault {
    std::string part;
    cloudflare::error why;
};

struct options {
    cloudflare::client_options client{};
    std::optional<cloudflare::credentials> credentials{}; // there, where a command needs the API
    std::optional<cloudflare::access::any_scope> scope{}; // the same; of intents, where it is given
    std::string ca_file{};
    std::optional<cloudflare::proxy> proxy{};
    std::vector<std::pair<std::string, std::string>> given_options{}; // as they were typed
    output_style output{};
    bool quiet = false;
    bool verbose = false;
    std::string command{};
    std::vector<std::string> arguments{};
    std::vector<std::string> typed{};   // the same before names became ids
    std::vector<std::string> program{}; // what exec runs, with its arguments
    bool skips_questions = false;
    bool is_dry_run = false;
    std::vector<connection_fault> faults{}; // of doctor, which goes on
    std::string
        argument{}; // the last argument: the NAME of create, issue and ensure, the TAG of intents, else an ID
    std::string key{};
    std::string secret_file{};
    std::string secret_dir{};
    std::optional<secret_format> wanted_format{};
    std::string intents_file{}; // of all that write or read intents
    std::optional<std::chrono::seconds> min_age{};
    std::optional<std::chrono::seconds> presumed_absent_age{};
    std::optional<std::chrono::seconds> refresh_before{};
    std::optional<std::chrono::seconds> rotate_after{};
    std::optional<std::string> name{};
    std::optional<std::string> search{};
    std::optional<cloudflare::token_duration> duration{};
    std::optional<std::chrono::seconds> grace{}; // 0: none
    bool replace_now = false;
    bool replace_lost = false;
    bool watch = false;
    std::string status_file{};
    bool shows_strays = false;
    bool deletes_strays = false;
    std::optional<bool> enabled{};

    [[nodiscard]] secret_format format() const noexcept {
        return wanted_format.value_or(secret_format::env);
    }
};

// The options, or what is wrong with them. `--help` and `--version` are handled here: then there
// is nothing to do.
cloudflare::result<std::optional<options>> parse_options(int argc, char const* const* argv);

// Handing a new secret over: to a file, or to stdout.
#pragma once

#include "options.hpp"
#include "outcome.hpp"
#include "secret_file.hpp"

#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/result.hpp>

#include <optional>
#include <string>
#include <utility>

// Where a new secret goes: to a new file, or to stdout.
class secret_target {
public:
    // A file is made ready, or refused (`errc::invalid_argument`), before anything is sent.
    static cloudflare::result<secret_target> prepare(options const& o);

    // Hands the secret over, and shows the token on stdout; false where the secret could not be written.
    [[nodiscard]] bool deliver(cloudflare::access::issued_service_token const& token);
    // Whether what was delivered was also shown, where the secret is in a file.
    [[nodiscard]] exit_status shown() const noexcept { return shown_; }

private:
    explicit secret_target(output_style output) : output_(std::move(output)) {}

    output_style output_;
    std::string path_{};
    exit_status shown_ = done;
    std::optional<secret_file> raw_{};
    std::optional<cloudflare::access::file_sink> sink_{};
};

// Shows a token whose secret is in `--secret-file`, which is read where the style needs it.
exit_status show_stored(options const& o, cloudflare::access::service_token const& token);

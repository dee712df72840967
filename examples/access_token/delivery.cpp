#include "delivery.hpp"

#include "github.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "token_file.hpp"
#include "token_output.hpp"

#include <cloudflare/access/current_secret.hpp>

#include <algorithm>
#include <utility>

namespace cf = cloudflare;

namespace {

// Whether a secret is shown in this format as it is: JSON escapes what steers a terminal, the others cannot.
bool can_show(std::string_view text, output_format format) {
    auto const is_graphic = [](char c) { return c > 0x20 && c < 0x7f; };
    return format == output_format::json || std::all_of(text.begin(), text.end(), is_graphic);
}

// Hands a token over on stdout, or to GitHub.
bool hand_over(cf::access::service_token const& token, cf::secret const* secret,
               output_style const& style) {
    if (secret != nullptr && !can_show(secret->reveal(), style.format)) return false;
    if (style.format != output_format::github) return write_to_stdout(show(token, secret, style));
    return secret != nullptr && can_show(token.client_id, style.format) &&
           hand_to_github(token.client_id, secret->reveal(), style, github_files());
}

} // namespace

cf::result<secret_target> secret_target::prepare(options const& o) {
    secret_target target(o.output);
    if (o.secret_file.empty()) {
        if (!may_write_to_stdout())
            return cf::error(
                cf::errc::sink_failed,
                cf::error_details{.explanation = "stdout is closed, or nobody reads it",
                                  .delivery = cf::delivery::not_sent});
        return target;
    }
    target.path_ = o.secret_file;
    if (o.format() == secret_format::raw) {
        auto made = secret_file::create(o.secret_file);
        if (!made) return made.error();
        target.raw_.emplace(std::move(*made));
        return target;
    }
    if (is_there(o.secret_file))
        return cf::error(cf::errc::invalid_argument,
                         "secret file: " + o.secret_file +
                             ": exists; where it may hold the token already: " +
                             to_type(o, "ensure " + as_one_word(o.argument) + " --secret-file " +
                                            as_one_word(o.secret_file)));
    target.sink_.emplace(sink_of(o, o.secret_file));
    auto const ready = target.sink_->prepare(cf::access::intent({}, *o.scope, {}));
    if (!ready) return cf::error(cf::errc::invalid_argument, ready.error().details());
    return target;
}

bool secret_target::deliver(cf::access::issued_service_token const& token) {
    if (!raw_ && !sink_) return hand_over(token, &token.client_secret, output_);
    bool const is_stored =
        raw_ ? raw_->store(token.client_secret) : sink_->store(token).has_value();
    if (is_stored) inform("the secret is in " + path_);
    auto const* const secret = output_.needs_secret() ? &token.client_secret : nullptr;
    if (is_stored && !hand_over(token, secret, output_)) {
        say("the secret is stored in its file, but could not be shown");
        shown_ = left_behind;
    }
    return is_stored;
}

exit_status show_stored(options const& o, cf::access::service_token const& token) {
    if (!o.output.needs_secret()) return print(show(token, nullptr, o.output));
    auto const held = cf::access::current_secret(o.secret_file).get();
    if (held && hand_over(token, &held->client_secret, o.output)) return done;
    say("the secret is stored in " + o.secret_file + ", but could not be shown" +
        (held ? "" : ": " + held.error().to_string()));
    return left_behind;
}

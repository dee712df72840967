#include "delivery.hpp"

#include "output.hpp"
#include "token_file.hpp"

#include <algorithm>
#include <utility>

namespace cf = cloudflare;

namespace {

// Whether a secret is shown in this format as it is: JSON escapes what steers a terminal, the others cannot.
bool can_show(cf::secret const& secret, output_format format) {
    auto const is_graphic = [](char c) { return c > 0x20 && c < 0x7f; };
    auto const text = secret.reveal();
    return format == output_format::json || std::all_of(text.begin(), text.end(), is_graphic);
}

} // namespace

cf::result<secret_target> secret_target::prepare(options const& o) {
    secret_target target(o.output);
    if (o.secret_file.empty()) return target;
    if (o.format() == secret_format::raw) {
        auto made = secret_file::create(o.secret_file);
        if (!made) return made.error();
        target.raw_.emplace(std::move(*made));
        return target;
    }
    if (is_there(o.secret_file))
        return cf::error(cf::errc::invalid_argument, "secret file: " + o.secret_file + ": exists");
    target.sink_.emplace(o.secret_file);
    auto const ready = target.sink_->prepare(cf::access::intent({}, *o.scope, {}));
    if (!ready) return cf::error(cf::errc::invalid_argument, ready.error().details());
    return target;
}

bool secret_target::deliver(cf::access::issued_service_token const& token) {
    if (!raw_ && !sink_) {
        return can_show(token.client_secret, output_) &&
               write_to_stdout(show(token, &token.client_secret, output_));
    }
    bool const is_stored =
        raw_ ? raw_->store(token.client_secret) : sink_->store(token).has_value();
    if (is_stored) static_cast<void>(write_to_stdout(show(token, nullptr, output_)));
    return is_stored;
}

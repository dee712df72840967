#include "delivery.hpp"

#include "output.hpp"

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

bool deliver(cf::access::issued_service_token const& token, std::optional<secret_file>& file,
             output_format format) {
    if (!file && !can_show(token.client_secret, format)) return false;
    if (!file) return write_to_stdout(show(token, &token.client_secret, format));
    if (!file->store(token.client_secret)) return false;
    static_cast<void>(write_to_stdout(show(token, nullptr, format)));
    return true;
}

cf::result<std::optional<secret_file>> prepare_secret_file(options const& o) {
    std::optional<secret_file> file;
    if (o.secret_file.empty()) return file;
    auto made = secret_file::create(o.secret_file);
    if (!made) return made.error();
    file.emplace(std::move(*made));
    return file;
}

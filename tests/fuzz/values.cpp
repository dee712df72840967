// Texts from outside that become values: each is refused, or its text form reads back as the same
// value.
#include "run.hpp"

#include <cloudflare/api/base_url.hpp>
#include <cloudflare/api/credentials.hpp>
#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/http/date.hpp>
#include <cloudflare/json/writer.hpp>
#include <cloudflare/testing/fault.hpp>

#include <algorithm>
#include <sstream>

namespace cf = cloudflare;

std::vector<std::string> samples() {
    return {"2025-09-25T22:26:26Z",
            "2016-12-31t23:59:60.123456789+00:00",
            "8760h",
            "1h2m3.5s4ms5us6ns",
            "forever",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "https://api.cloudflare.com/client/v4",
            "http://[::1]:8080/",
            "\"default\";r=50;t=30, \"burst\";r=1",
            "120",
            "POST#2=respond-before:503:busy",
            "cfut_sample"};
}

void check(std::string_view input) {
    if (auto const t = cf::timestamp::parse(input)) {
        auto const again = cf::timestamp::parse(t->to_string());
        require(again.has_value() && *again == *t, "a timestamp's text reads back as the same");
    }
    if (auto const d = cf::token_duration::parse(input)) {
        require(d->str() == input, "a duration keeps its spelling");
        require(d->is_forever() || d->value()->count() > 0, "a duration is positive");
    }
    if (auto const url = cf::base_url::parse(input)) {
        std::ostringstream text;
        text << *url;
        auto const again = cf::base_url::parse(text.str());
        require(again.has_value() && again->origin() == url->origin() &&
                    again->path() == url->path(),
                "a base URL's text reads back as the same");
    }
    cf::http::headers fields;
    if (fields.add("Retry-After", input)) {
        require(fields.find("retry-after") == input, "a header keeps its value");
        require(std::count(fields.wire_format().begin(), fields.wire_format().end(), '\n') == 1,
                "one field is one line");
        static_cast<void>(cf::http::retry_after(fields));
    }
    static_cast<void>(cf::http::parse_date(input));
    static_cast<void>(cf::parse_rate_limit(input));
    static_cast<void>(cf::testing::fault_plan().add(input));
    if (auto const token = cf::api_token::make(input))
        require(token->authorize(fields).has_value(), "a token that is accepted can be sent");

    auto const line = cf::redact(input);
    require(line.size() <= 203, "a redacted text is short");
    require(line.find_first_of("\r\n") == line.npos, "a redacted text is one line");
    require(!cf::is_utf8(input) || cf::is_utf8(line), "redaction cuts no character in two");
}

// What a server says of waiting, from the bytes of its fields to what a call does: a number, or a
// date beside its own, in `Retry-After`. Each attempt takes a line of fields with `|` between.
#include "run.hpp"

#include <cloudflare/access.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cf = cloudflare;
using namespace std::chrono_literals;

namespace {

/// `STATUS|Name: value|...`
cf::http::response read_response(std::string_view line) {
    auto const take = [&] {
        auto const end = line.find('|');
        auto const part = line.substr(0, end);
        line = end == line.npos ? std::string_view() : line.substr(end + 1);
        return part;
    };
    auto const status = take();
    cf::http::response made{.status = status == "503"   ? 503
                                      : status == "500" ? 500
                                      : status == "403" ? 403
                                                        : 429};
    while (!line.empty()) {
        auto const field = take();
        auto const colon = field.find(": ");
        if (colon == field.npos) continue;
        static_cast<void>(made.fields.add(field.substr(0, colon), field.substr(colon + 2)));
    }
    return made;
}

/// One call, attempt for attempt, until it ends or the input does.
template <class Op>
void play(Op op, std::string_view input, std::chrono::milliseconds span, cf::time_point begin) {
    using action = cf::call_step::action;
    static cf::credentials const credentials = cf::api_token::make("sample").value();
    constexpr unsigned max_attempts = 20;
    auto const deadline = begin + span;
    cf::call<Op> call(std::make_shared<cf::call_context>(
                          credentials, cf::client_options().limiter(cf::limiter::off())),
                      std::move(op), cf::call_options().attempts(max_attempts).deadline(span));
    auto now = begin;
    unsigned sent = 0;
    for (auto next = call.start(now); next.what() != action::done;) {
        require(now < deadline, "a call acts before its deadline only");
        if (next.what() == action::send) {
            ++sent;
            if (input.empty()) break;
            auto const response = read_response(take_line(input));
            auto const asked = cf::http::retry_after(response.fields);
            require(!asked || asked->count() >= 0, "no wait is negative");
            next = call.responded(response, now, sent * 0x9e3779b97f4a7c15);
            if (next.what() != action::wait) continue;
            require(next.until() >= now, "a call wakes later than now");
            require(next.until() < deadline, "a wait ends before the deadline");
            auto const wait = std::chrono::floor<std::chrono::seconds>(next.until() - now);
            require(!asked || wait >= *asked, "a wait is as long as asked for");
        } else {
            now = next.until();
            next = call.resume(now);
        }
    }
    require(sent <= max_attempts, "attempts keep to the policy");
    auto const end = std::move(call).finish();
    require(end.has_error() && !end.error().to_string().empty(), "a refusal is an error in words");
}

} // namespace

std::vector<std::string> samples() {
    return {"429|Retry-After: 1\n429|Retry-After: 0\n503|Retry-After: 30",
            "429|Date: Fri, 02 Oct 2026 10:00:00 GMT|Retry-After: Fri, 02 Oct 2026 10:00:05 GMT",
            "503|Date: Fri, 02 Oct 2026 10:00:00 GMT|Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
            "429|Date: Friday, 02-Oct-26 10:00:00 GMT|Retry-After: Fri Oct  2 10:00:07 2026",
            "429|Retry-After: 4294967295\n500\n403|Retry-After: 18446744073709551616",
            "429|Retry-After: 9223372036854775807|Ratelimit: \"default\";r=0;t=30"};
}

void check(std::string_view input) {
    auto const account = cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353");
    for (auto const span : {5s, 600s, 100'000'000s}) {
        play(cf::access::create_service_token(*account, cf::access::create_params("ci")), input,
             span, cf::time_point(1h));
        play(cf::access::list_service_tokens(*account), input, span, cf::time_point(1000h));
    }
}

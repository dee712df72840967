// What a server says of waiting, from the bytes of its fields to what a call does: a number, or a
// date beside its own, in `Retry-After`. Each attempt takes a line of fields with `|` between.
#include "run.hpp"

#include <cloudflare/access.hpp>

#include <algorithm>
#include <optional>

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
void play(std::string_view input, std::chrono::milliseconds span, cf::time_point begin) {
    cf::retry_policy const policy = cf::retry_policy().max_attempts(20);
    auto const deadline = begin + span;
    cf::exchange call("fuzz", Op::idempotency, policy, deadline);
    auto now = begin;
    unsigned sent = 0;
    for (auto next = call.start(now); next != cf::exchange::action::done;) {
        require(now < deadline, "a call acts before its deadline only");
        if (next == cf::exchange::action::send) {
            ++sent;
            if (input.empty()) break;
            auto const response = read_response(take_line(input));
            auto const decoded = cf::decode<Op>(response);
            require(!decoded.has_value(), "a refusal is an error");
            next = call.failed(decoded.error(), now, sent * 0x9e3779b97f4a7c15);
            auto const asked = decoded.error().details().retry_after;
            require(!asked || asked->count() >= 0, "no wait is negative");
            if (next != cf::exchange::action::wait) continue;
            require(call.wake_at() >= now, "a call wakes later than now");
            require(call.wake_at() < deadline, "a wait ends before the deadline");
            auto const wait = std::chrono::floor<std::chrono::seconds>(call.wake_at() - now);
            require(!asked || wait >= *asked, "a wait is as long as asked for");
        } else {
            now = call.wake_at();
            next = call.woke(now);
        }
    }
    require(sent <= policy.max_attempts(), "attempts keep to the policy");
    require(!call.failure().code() || !call.failure().to_string().empty(), "an error has words");
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
    for (auto const span : {5s, 600s, 100'000'000s}) {
        play<cf::access::create_service_token>(input, span, cf::time_point());
        play<cf::access::get_service_token>(input, span, cf::time_point(1000h));
    }
}

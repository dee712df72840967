// The conformance kit finds what is wrong with a transport: each of these has one defect, and fails
// the checks that name it and no other.
#include <cloudflare/testing/asio_under_test.hpp>
#include <cloudflare/testing/transport_conformance.hpp>

#include <cloudflare/transport/beast_blocking.hpp>

#include <boost/asio/ssl/context.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::transport_under_test;

constexpr std::size_t max_body_size = 100'000;

beast_options good_options(std::string const& ca_file) {
    return beast_options().ca_file(ca_file).max_body_size(max_body_size);
}

/// A right transport, and what a defect makes of each call.
class defective final : public transport_under_test {
public:
    using sender = std::function<result<http::response>(http::request const&, time_point)>;
    using defect =
        std::function<result<http::response>(sender const&, http::request const&, time_point)>;

    defective(beast_options options, defect what)
        : transport_(std::move(options)), defect_(std::move(what)) {}

    result<http::response> send(http::request const& r, time_point deadline) override {
        return defect_(
            [&](http::request const& q, time_point by) { return transport_.send(q, by).get(); }, r,
            deadline);
    }

private:
    blocking_beast_transport transport_;
    defect defect_;
};

/// The names of the checks that a transport with this defect fails.
std::set<std::string>
failed_checks(defective::defect const& what,
              std::function<beast_options(std::string const&)> const& options = good_options) {
    testing::conformance_subject const subject{.make =
                                                   [&](std::string const& ca_file) {
                                                       return std::make_unique<defective>(
                                                           options(ca_file), what);
                                                   },
                                               .max_body_size = max_body_size};
    std::set<std::string> failed;
    for (auto const& outcome : testing::check_transport(subject, {}, 8))
        if (!outcome.failures.empty()) failed.emplace(outcome.name);
    return failed;
}

result<http::response> right(defective::sender const& send, http::request const& r,
                             time_point deadline) {
    return send(r, deadline);
}

/// Every failed check is about one of these, and each of these is found.
/// @param possible may be found too: a matter of timing
void check_named(std::set<std::string> const& failed, std::set<std::string> const& expected,
                 std::set<std::string> const& possible = {}) {
    for (auto const& name : failed) {
        CAPTURE(name);
        CHECK((expected.contains(name) || possible.contains(name)));
    }
    for (auto const& name : expected) {
        CAPTURE(name);
        CHECK(failed.contains(name));
    }
}

TEST_CASE("without a defect no check fails") {
    check_named(failed_checks(right), {});
}

TEST_CASE("a transport that says `not_sent` of a lost connection is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto given = send(r, deadline);
        if (given || given.error() != errc::connection_lost) return given;
        return result<http::response>(
            given.error().with([](error_details& d) { d.delivery = delivery::not_sent; }));
    });
    check_named(failed,
                {
                    "a request that the server met with a close is not sent again (GET)",
                    "a request that the server met with a close is not sent again (POST)",
                    "a request that the server met with a reset is not sent again (POST)",
                    "a body without a length is lost where TLS is cut",
                    "a call leaves no file descriptor behind",
                    "a transport leaves no file descriptor behind",
                    "a reset amid a large body leaves the outcome unknown",
                    "what is not HTTP is not a response",
                    "a response cut at any byte is lost (chunked)",
                    "a response cut at any byte is lost (chunked, TLS)",
                    "a response cut at any byte is lost (length)",
                    "a response cut at any byte is lost (length, TLS)",
                    "the outcome is unknown where the connection is closed before a response",
                    "the outcome is unknown where the connection is reset before a response",
                    "the outcome is unknown where the connection is reset within a response",
                },
                {"a response and a close amid a large body are a response, or leave the outcome "
                 "unknown"});
}

TEST_CASE("a transport that sends again after a lost connection is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto given = send(r, deadline);
        if (given || given.error() != errc::connection_lost) return given;
        return send(r, deadline);
    });
    CHECK(failed.contains("a request that the server met with a close is not sent again (GET)"));
    CHECK(failed.contains("a request that the server met with a close is not sent again (POST)"));
    CHECK(failed.contains("a request that the server met with a reset is not sent again (POST)"));
}

TEST_CASE("a transport that follows redirects is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto given = send(r, deadline);
        if (!given || !given->fields.contains("Location")) return given;
        auto next = r;
        next.target = given->fields.find("Location");
        return send(next, deadline);
    });
    check_named(failed, {"a redirect is not followed"});
}

TEST_CASE("a transport that knows no deadline is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point) {
        return send(r, time_point::clock::now() + 4s);
    });
    for (auto const& name : failed)
        CHECK(name.find("deadline") != name.npos);
    CHECK(failed.contains("a deadline that has passed sends nothing"));
    CHECK(failed.contains("the deadline ends connecting"));
    CHECK(failed.contains("the deadline ends waiting for the response"));
}

TEST_CASE("a transport that takes half a response for a whole one is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto given = send(r, deadline);
        if (given || given.error() != errc::connection_lost) return given;
        return result<http::response>(http::response{.status = 200});
    });
    CHECK(failed.contains("a response cut at any byte is lost (length)"));
    CHECK(failed.contains("a response cut at any byte is lost (chunked, TLS)"));
    CHECK(failed.contains("a body without a length is lost where TLS is cut"));
}

TEST_CASE("a transport without a bound for bodies is found") {
    check_named(failed_checks(right,
                              [](std::string const& ca_file) {
                                  return good_options(ca_file).max_body_size(10'000'000);
                              }),
                {"a body past the bound is refused", "a body without end is ended by a bound"});
}

TEST_CASE("a transport without a bound for headers is found") {
    check_named(failed_checks(right,
                              [](std::string const& ca_file) {
                                  return good_options(ca_file).max_header_size(1'000'000);
                              }),
                {"a header past the bound is refused"});
}

TEST_CASE("a transport that adds fields is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto more = r;
        static_cast<void>(more.fields.add("Expect", "100-continue"));
        return send(more, deadline);
    });
    check_named(failed, {"nothing is sent that was not asked for"});
}

TEST_CASE("a transport that tidies the target up is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto tidy = r;
        if (auto const dots = tidy.target.find("/../"); dots != tidy.target.npos)
            tidy.target.erase(0, dots + 3);
        return send(tidy, deadline);
    });
    check_named(failed, {"the target is sent byte for byte"});
}

TEST_CASE("a transport that joins fields of one name is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto given = send(r, deadline);
        if (!given) return given;
        http::headers once;
        for (auto const field : given->fields)
            static_cast<void>(once.set(field.name, field.value));
        given->fields = once;
        return given;
    });
    check_named(failed, {"fields with the same name are all kept, in their order"});
}

TEST_CASE("a transport that takes an error status for a failure is found") {
    auto const failed = failed_checks([](auto const& send, auto const& r, time_point deadline) {
        auto given = send(r, deadline);
        if (!given || given->status < 400) return given;
        return result<http::response>(error(errc::connection_lost));
    });
    check_named(failed, {"an error status is a response, with its body",
                         "a connection is used again after each kind of body"});
}

TEST_CASE("a transport that opens a connection for each request is found") {
    check_named(
        failed_checks(right,
                      [](std::string const& ca_file) {
                          return good_options(ca_file).max_idle_connections(0);
                      }),
        {"a connection is used again", "a connection is used again after each kind of body"});
}

/// A TLS context that trusts `ca_file`, changed by `change`.
template <class Change>
auto with_tls(Change change) {
    return [=](std::string const& ca_file) {
        namespace ssl = boost::asio::ssl;
        auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
        if (!ca_file.empty()) context->load_verify_file(ca_file);
        change(context->native_handle());
        return good_options(ca_file).tls_context(context);
    };
}

TEST_CASE("a transport that trusts everybody is found") {
    auto const trust_all = [](SSL_CTX* context) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    };
    check_named(failed_checks(right, with_tls(trust_all)),
                {"an untrusted certificate is refused", "a certificate of another host is refused",
                 "a wildcard does not stand for a whole name",
                 "a certificate that has expired is refused",
                 "a certificate for clients only is refused",
                 "a certificate that names its host by its common name only is refused",
                 "a certificate is checked for each name of one port",
                 "a certificate that names the address as a host name is refused",
                 "a certificate whose intermediate CA is missing is refused",
                 "a certificate that is not yet valid is refused"});
}

TEST_CASE("a transport that speaks TLS 1.1 is found") {
    auto const speak_all = [](SSL_CTX* context) {
        SSL_CTX_set_min_proto_version(context, 0);
        SSL_CTX_set_security_level(context, 0);
    };
    check_named(failed_checks(right, with_tls(speak_all)), {"TLS 1.1 is refused"});
}

} // namespace

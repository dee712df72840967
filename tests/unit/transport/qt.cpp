// The transport of examples/qt is as right as Qt's network manager lets it be.
#define DOCTEST_CONFIG_IMPLEMENT
#include "../../../examples/qt/qt_transport.hpp"

#include <cloudflare/testing/transport_conformance.hpp>

#include <QCoreApplication>
#include <QEventLoop>
#include <QSslCertificate>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace {

using namespace cloudflare;

QSslConfiguration trusting(std::string const& ca_file) {
    auto tls = QSslConfiguration::defaultConfiguration();
    if (!ca_file.empty())
        tls.setCaCertificates(QSslCertificate::fromPath(QString::fromStdString(ca_file)));
    return tls;
}

/// Each call runs an event loop of its own until it has ended.
class qt_under_test final : public testing::transport_under_test {
public:
    explicit qt_under_test(std::string const& ca_file) : transport_(trusting(ca_file)) {}

    result<http::response> send(http::request const& r, time_point deadline) override {
        return QCoro::waitFor(transport_.send(r, deadline));
    }
    std::optional<time_point> now() override { return transport_.now(); }
    bool sleep_until(time_point t) override {
        QCoro::waitFor(transport_.sleep_until(t));
        return true;
    }

private:
    QEventLoop dispatcher_; ///< without one Qt has no timers in a thread that is not its own
    qt_transport transport_;
};

TEST_CASE("Qt's transport fails no check but these") {
    testing::conformance_subject const subject{
        .make = [](std::string const& ca_file) { return std::make_unique<qt_under_test>(ca_file); },
        .accepts_common_name = true,
        .patience = std::chrono::seconds(15)};
    // What Qt's manager does by itself; none of it sends a create twice, or says `not_sent` of one
    // that the server saw.
    std::set<std::string_view> const known{
        "a connection is used again",
        "a connection is used again after each kind of body",
        "the target is sent byte for byte",
        "fields with the same name are all sent, in their order",
        "nothing is sent that was not asked for",
        "an error status is a response, with its body",
        "a body without a length ends with the connection",
        "informational responses are ignored",
        "informational responses without end are ended by the deadline or a bound",
        "fields with the same name are all kept, in their order",
        "blanks around a value are not part of it",
        "a body in an unsolicited content coding is not decoded",
        "a response cut at any byte is lost (chunked)",
        "a body without a length is lost where TLS is cut",
        "what is not HTTP is not a response",
        "a header that breaks HTTP's rules is not a response",
        "a body length that cannot be is not a response",
        "a chunk size that cannot be is not a response",
        "a header past the bound is refused",
        "a response in two pieces is the same (informational response before it)",
        "chunks count where there is a length too, or the response is refused",
        "two lengths that differ are refused",
        "a length said twice counts once, or the response is refused",
        "a length that is not digits alone is refused",
        "a length with a blank before its colon counts, or the response is refused",
        "line ends without a carriage return are read as such, or the response is refused",
        "a body that is marked as encoded comes back as it is",
        "a status line without end is ended by a bound",
        "a header field without end is ended by a bound",
        "a header without end is ended by a bound",
        "a header field of 1 MiB past the bound is refused",
        "a body without end is ended by a bound",
        "a trailer field without end is ended by a bound",
        "trailer fields without end are ended by a bound",
        "a chunk extension without end is ended by a bound",
        "a chunk size of zeros without end is ended by a bound",
        "informational responses without end are ended by a bound",
        "a request that the server met with a close is not sent again (GET)",
        "nothing was sent where the handshake is not TLS, or ends early",
        "the connection was lost where it is closed within the handshake",
        "the connection was lost where it is reset within the handshake",
        "the deadline ends connecting",
        "the deadline ends the TLS handshake",
        "the deadline ends a TLS handshake that comes byte by byte",
        "a certificate that names the address as a host name is refused",
        "a server that demands a client certificate is not tried again (TLS 1.3)",
        "what a deadline ends within the handshake is not sent later",
    };
    for (auto const& outcome : testing::check_transport(subject, {}, 4)) {
        std::ostringstream string;
        string << outcome;
        INFO(string.str());
        CHECK((outcome.failures.empty() || known.contains(outcome.name)));
    }
}

} // namespace

int main(int argc, char** argv) {
    QCoreApplication const application(argc, argv);
    return doctest::Context(argc, argv).run();
}

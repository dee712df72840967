/// Makes, lists and deletes a service token in a Qt program, in QCoro's coroutines.
///
/// Usage: PROGRAM BASE_URL ACCOUNT_ID [CA_FILE]; reads CLOUDFLARE_API_TOKEN, and DEADLINE_SECONDS
/// for a call (default 60). Compile with QT_NO_KEYWORDS: Qt's macro `forever` is a name elsewhere.
#include "qt_transport.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>

#include <QCoreApplication>
#include <QSslCertificate>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace cf = cloudflare;
namespace access_tokens = cloudflare::access;

using qt_client = cf::client<qt_transport>;

namespace {

int fail(cf::error const& e) {
    std::cerr << e << '\n';
    return 1;
}

// Each call is a variable first: g++ 12 destroys some temporaries of an awaited expression twice.
QCoro::Task<int> run(qt_client client, access_tokens::account_scope account) {
    access_tokens::service_tokens tokens(client, account);

    auto pending = tokens.create(access_tokens::create_params("qt"));
    auto const token = co_await std::move(pending);
    if (!token) co_return fail(token.error());
    // The secret is now in token->client_secret, and nowhere else: this is the time to store it.
    std::cout << "created " << token->id << '\n';

    auto pending_list_all = tokens.list_all();
    auto const all = co_await std::move(pending_list_all);
    if (all) std::cout << "there are " << all->size() << " tokens\n";

    auto pending_remove = tokens.remove(token->id);
    auto const removed = co_await std::move(pending_remove);
    if (!removed) co_return fail(removed.error());
    std::cout << "deleted " << token->id << '\n';

    co_return all ? 0 : fail(all.error());
}

QSslConfiguration trusting(char const* ca_file) {
    auto tls = QSslConfiguration::defaultConfiguration();
    if (ca_file == nullptr) return tls;
    auto const certificates = QSslCertificate::fromPath(QString::fromLocal8Bit(ca_file));
    if (certificates.isEmpty())
        throw std::runtime_error(std::string("no CA certificates in ") + ca_file);
    tls.setCaCertificates(certificates);
    return tls;
}

std::chrono::seconds call_deadline() {
    char const* const string = std::getenv("DEADLINE_SECONDS");
    return std::chrono::seconds(string == nullptr ? 60 : std::stoi(string));
}

} // namespace

int main(int argc, char** argv) {
    QCoreApplication application(argc, argv);
    if (argc != 3 && argc != 4) {
        std::cerr << "usage: " << argv[0] << " BASE_URL ACCOUNT_ID [CA_FILE]\n";
        return 1;
    }
    try {
        auto const options = cf::client_options()
                                 .base_url(cf::base_url::parse(argv[1]).value())
                                 .deadline(call_deadline());
        auto const account = access_tokens::account_scope::parse(argv[2]).value();
        // It outlives the loop: Qt's manager must not be destroyed while one of its replies emits a signal.
        qt_client const client(qt_transport(trusting(argc == 4 ? argv[3] : nullptr)),
                               cf::credentials_from_environment().value(), options);
        return QCoro::waitFor(run(client, account));
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

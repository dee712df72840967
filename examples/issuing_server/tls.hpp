// The server's side of TLS.
#pragma once

#include "configuration.hpp"

#include <boost/asio/ssl.hpp>

#include <memory>
#include <optional>

#include <openssl/x509v3.h>

namespace ssl = boost::asio::ssl;

// TLS 1.2 or newer. A client's certificate is asked for where the configuration names a CA, and need
// not be there. Throws where a file is wrong.
inline std::shared_ptr<ssl::context> make_tls(configuration const& c) {
    auto tls = std::make_shared<ssl::context>(ssl::context::tls_server);
    ::SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
    auto const checked = [](file_name const& f, boost::system::error_code const& failed) {
        if (failed) refuse(f.path, failed.message());
    };
    boost::system::error_code failed;
    tls->use_certificate_chain_file(c.tls_certificate.path, failed);
    checked(c.tls_certificate, failed);
    tls->use_private_key_file(c.tls_key.path, ssl::context::pem, failed);
    checked(c.tls_key, failed);
    if (c.tls_client_ca.path.empty()) return tls;
    tls->load_verify_file(c.tls_client_ca.path, failed);
    checked(c.tls_client_ca, failed);
    tls->set_verify_mode(ssl::verify_peer); // who shows none needs a bearer token
    // Sessions are resumed with the client's certificate.
    unsigned char const id[] = "issuing_server";
    ::SSL_CTX_set_session_id_context(tls->native_handle(), id, sizeof id - 1);
    return tls;
}

// Who the client's certificate says that it is: its first alternative DNS name, else its common name.
inline std::optional<std::string> identity_of_peer(SSL* connection) {
    std::unique_ptr<X509, decltype(&::X509_free)> const peer(
        ::SSL_get1_peer_certificate(connection), &::X509_free);
    if (!peer) return std::nullopt;
    std::unique_ptr<GENERAL_NAMES, decltype(&::GENERAL_NAMES_free)> const names(
        static_cast<GENERAL_NAMES*>(
            ::X509_get_ext_d2i(peer.get(), NID_subject_alt_name, nullptr, nullptr)),
        &::GENERAL_NAMES_free);
    ASN1_STRING const* found = nullptr;
    for (int i = 0; names && found == nullptr && i != sk_GENERAL_NAME_num(names.get()); ++i) {
        auto const* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS) found = name->d.dNSName;
    }
    auto const* const subject = ::X509_get_subject_name(peer.get());
    int const at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (found == nullptr && at >= 0)
        found = ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at));
    if (found == nullptr) return std::nullopt;
    auto const* const bytes = reinterpret_cast<char const*>(::ASN1_STRING_get0_data(found));
    return std::string(bytes, static_cast<std::size_t>(::ASN1_STRING_length(found)));
}

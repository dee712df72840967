/// A server's side of TLS: its certificate from files, and the names in its clients' certificates.
#pragma once

#include <cloudflare/core/detail/free_with.hpp>
#include <cloudflare/core/result.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace cloudflare::inline v0::server {

namespace ssl = boost::asio::ssl;

/// TLS 1.2 or newer. To read changed files again, make another one, and give it to
/// `https_server::use`.
///
/// @param certificate the file with the server's certificate and the rest of its chain, in PEM
/// @param key the file with its private key, in PEM
/// @param client_ca the file with the CA certificates of clients; they are asked for a certificate,
/// and need not have one. Empty: they are not asked
///
/// Errors: `errc::invalid_argument`, with the file and the reason.
[[nodiscard]] inline result<std::shared_ptr<ssl::context>>
load_tls(std::string const& certificate, std::string const& key,
         std::string const& client_ca = std::string()) {
    auto tls = std::make_shared<ssl::context>(ssl::context::tls_server);
    auto const flaw = [](std::string const& file, boost::system::error_code const& why) {
        return error(errc::invalid_argument, file + ": " + why.message());
    };
    boost::system::error_code failed;
    ::SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
    tls->use_certificate_chain_file(certificate, failed);
    if (failed) return flaw(certificate, failed);
    tls->use_private_key_file(key, ssl::context::pem, failed);
    if (failed) return flaw(key, failed);
    if (client_ca.empty()) return tls;
    tls->load_verify_file(client_ca, failed);
    if (failed) return flaw(client_ca, failed);
    tls->set_verify_mode(ssl::verify_peer, failed);
    // Sessions are resumed with the client's certificate, which needs an id of them.
    unsigned char const id[] = "https_server";
    ::SSL_CTX_set_session_id_context(tls->native_handle(), id, sizeof id - 1);
    return tls;
}

/// Who a verified certificate says that the client is: its first alternative DNS name, or where it
/// has none its common name. Empty where the client has shown none.
[[nodiscard]] inline std::optional<std::string> certificate_name(SSL* connection) {
    using cloudflare::detail::free_with;
    std::unique_ptr<X509, free_with<X509_free>> const peer(::SSL_get1_peer_certificate(connection));
    if (!peer) return std::nullopt;
    std::unique_ptr<GENERAL_NAMES, free_with<GENERAL_NAMES_free>> const names(
        static_cast<GENERAL_NAMES*>(
            ::X509_get_ext_d2i(peer.get(), NID_subject_alt_name, nullptr, nullptr)));
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

} // namespace cloudflare::inline v0::server

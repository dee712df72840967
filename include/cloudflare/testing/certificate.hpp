/// A certificate made on the spot, for TLS servers of tests.
#pragma once

#include <cloudflare/core/config.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace cloudflare::inline v0::testing {

/// A certificate and its key, both in PEM.
struct certificate {
    std::string pem;
    std::string key_pem;
};

namespace detail {

template <auto Free>
struct free_with {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};

template <class Write>
[[nodiscard]] std::string to_pem(Write write) {
    std::unique_ptr<BIO, free_with<BIO_free_all>> const out(BIO_new(BIO_s_mem()));
    write(out.get());
    char* text = nullptr;
    auto const size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

inline void add_extension(X509* x, int nid, std::string const& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
    std::unique_ptr<X509_EXTENSION, free_with<X509_EXTENSION_free>> const extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(x, extension.get(), -1) != 1)
        throw std::runtime_error("certificate: extension not made: " + value);
}

} // namespace detail

/// A self-signed certificate, which is its own CA: a client that trusts it trusts its server.
///
/// @param alternative_names as OpenSSL writes them
/// @param valid_from, valid_for from when, counted from now, and for how long
/// @throws std::runtime_error where OpenSSL fails
[[nodiscard]] inline certificate
make_certificate(std::string const& alternative_names = "DNS:localhost,IP:127.0.0.1,IP:::1",
                 std::chrono::seconds valid_from = std::chrono::hours(-1),
                 std::chrono::seconds valid_for = std::chrono::hours(24)) {
    std::unique_ptr<EVP_PKEY, detail::free_with<EVP_PKEY_free>> const key(EVP_EC_gen("P-256"));
    std::unique_ptr<X509, detail::free_with<X509_free>> const x(X509_new());
    if (!key || !x) throw std::runtime_error("certificate: no key");
    X509_set_version(x.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), static_cast<long>(valid_from.count()));
    X509_gmtime_adj(X509_getm_notAfter(x.get()),
                    static_cast<long>((valid_from + valid_for).count()));
    X509_set_pubkey(x.get(), key.get());
    auto* name = X509_get_subject_name(x.get());
    auto const* common_name = reinterpret_cast<unsigned char const*>("cloudflare-access sandbox");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common_name, -1, -1, 0);
    X509_set_issuer_name(x.get(), name);
    detail::add_extension(x.get(), NID_basic_constraints, "critical,CA:TRUE");
    detail::add_extension(x.get(), NID_subject_key_identifier, "hash");
    detail::add_extension(x.get(), NID_subject_alt_name, alternative_names);
    if (X509_sign(x.get(), key.get(), EVP_sha256()) == 0)
        throw std::runtime_error("certificate: not signed");

    return {detail::to_pem([&](BIO* out) { PEM_write_bio_X509(out, x.get()); }),
            detail::to_pem([&](BIO* out) {
                PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
            })};
}

} // namespace cloudflare::inline v0::testing

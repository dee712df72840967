/// Certificates for TLS servers of tests, made when they are needed.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/detail/free_with.hpp>

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

/// A certificate and its key, in PEM.
struct certificate {
    std::string pem;      ///< what the server sends: the certificate and the rest of its chain
    std::string key_pem;  ///< the private key
    std::string ca_pem{}; ///< the CA certificate that a client must trust; empty: `pem` itself
};

/// Options of a certificate.
struct certificate_options {
    /// Who signed it.
    enum class chain : unsigned char {
        self_signed,          ///< the certificate itself: it is its own CA
        intermediate,         ///< an intermediate CA, which the server sends too
        missing_intermediate, ///< an intermediate CA, which the server does not send
    };
    /// In OpenSSL's syntax; empty: no such extension.
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    std::string common_name = "cloudflare-access sandbox"; ///< of the subject
    std::string extended_key_usage{}; ///< in OpenSSL's syntax, e.g. `clientAuth`; empty: any
    std::chrono::seconds valid_from = std::chrono::hours(-1); ///< counted from now
    std::chrono::seconds valid_for = std::chrono::hours(24);  ///< counted from `valid_from`
    chain signed_by = chain::self_signed;                     ///< who signed it
};

namespace detail {

using cloudflare::detail::free_with;
using x509_ptr = std::unique_ptr<X509, free_with<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, free_with<EVP_PKEY_free>>;

template <class Write>
[[nodiscard]] std::string to_pem(Write write) {
    std::unique_ptr<BIO, free_with<BIO_free_all>> const out(BIO_new(BIO_s_mem()));
    write(out.get());
    char* string = nullptr;
    auto const size = BIO_get_mem_data(out.get(), &string);
    return {string, static_cast<std::size_t>(size)};
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

/// A certificate with its key, not in PEM.
struct signed_key {
    x509_ptr x;
    key_ptr key;

    [[nodiscard]] std::string pem() const {
        return to_pem([&](BIO* out) { PEM_write_bio_X509(out, x.get()); });
    }
    [[nodiscard]] std::string key_pem() const {
        return to_pem([&](BIO* out) {
            PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }
};

/// In the type that OpenSSL takes.
[[nodiscard]] inline std::chrono::duration<long> whole_seconds(std::chrono::seconds span) {
    return std::chrono::duration_cast<std::chrono::duration<long>>(span);
}

/// @param issuer who signs it; null: itself
[[nodiscard]] inline signed_key sign(certificate_options const& o, bool is_ca,
                                     signed_key const* issuer) {
    signed_key made{x509_ptr(X509_new()), key_ptr(EVP_EC_gen("P-256"))};
    auto* const x = made.x.get();
    if (!made.key || x == nullptr) throw std::runtime_error("certificate: no key");
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), whole_seconds(o.valid_from).count());
    X509_gmtime_adj(X509_getm_notAfter(x), whole_seconds(o.valid_from + o.valid_for).count());
    X509_set_pubkey(x, made.key.get());
    auto* const name = X509_get_subject_name(x);
    auto const* const common_name = reinterpret_cast<unsigned char const*>(o.common_name.c_str());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common_name, -1, -1, 0);
    X509_set_issuer_name(x, issuer != nullptr ? X509_get_subject_name(issuer->x.get()) : name);
    if (is_ca) add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x, NID_subject_key_identifier, "hash");
    if (!o.alternative_names.empty()) add_extension(x, NID_subject_alt_name, o.alternative_names);
    if (!o.extended_key_usage.empty()) add_extension(x, NID_ext_key_usage, o.extended_key_usage);
    auto* const key = issuer != nullptr ? issuer->key.get() : made.key.get();
    if (X509_sign(x, key, EVP_sha256()) == 0) throw std::runtime_error("certificate: not signed");
    return made;
}

} // namespace detail

/// Makes a certificate.
///
/// @throws std::runtime_error where OpenSSL fails
[[nodiscard]] inline certificate make_certificate(certificate_options const& options) {
    using chain = certificate_options::chain;
    if (options.signed_by == chain::self_signed) {
        auto const made = detail::sign(options, true, nullptr);
        return {made.pem(), made.key_pem(), {}};
    }
    auto const root = detail::sign({.alternative_names = {}, .common_name = "root"}, true, nullptr);
    auto const intermediate =
        detail::sign({.alternative_names = {}, .common_name = "intermediate"}, true, &root);
    auto const made = detail::sign(options, false, &intermediate);
    bool const shown = options.signed_by == chain::intermediate;
    return {made.pem() + (shown ? intermediate.pem() : std::string()), made.key_pem(), root.pem()};
}

/// Makes a self-signed certificate, which is its own CA: a client that trusts it trusts its server.
///
/// @param alternative_names in OpenSSL's syntax
/// @param valid_from from when, counted from now
/// @param valid_for for how long
/// @throws std::runtime_error where OpenSSL fails
[[nodiscard]] inline certificate
make_certificate(std::string const& alternative_names = "DNS:localhost,IP:127.0.0.1,IP:::1",
                 std::chrono::seconds valid_from = std::chrono::hours(-1),
                 std::chrono::seconds valid_for = std::chrono::hours(24)) {
    certificate_options options;
    options.alternative_names = alternative_names;
    options.valid_from = valid_from;
    options.valid_for = valid_for;
    return make_certificate(options);
}

} // namespace cloudflare::inline v0::testing

/// Secrets sealed by AES-256-GCM: strings that are of no use without the key. Needs OpenSSL.
#pragma once

#include <cloudflare/access/detail/aes_gcm.hpp>
#include <cloudflare/access/detail/base64.hpp>
#include <cloudflare/access/sealing_key.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/wipe.hpp>

#include <openssl/rand.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::access {

namespace detail {

inline constexpr std::string_view seal_mark = "sealed:v1:";

/// What is authenticated with the secret, so that it opens only for this key id, token, client id
/// and version.
[[nodiscard]] inline std::string associated_data(std::string_view key_id, held_token const& held) {
    std::string data = "cloudflare-access sealed v1";
    auto const add = [&](std::string_view field) { // with its length, so that no two fields merge
        data.append(" ").append(std::to_string(field.size())).append(":").append(field);
    };
    add(key_id);
    add(held.token_id);
    add(held.client_id);
    add(std::to_string(held.version));
    return data;
}

[[nodiscard]] inline error unreadable(held_token const& held, std::string const& why) {
    return {errc::secret_unreadable,
            error_details{.explanation = "the secret of " + held.token_id + ' ' + why,
                          .delivery = delivery::not_sent}};
}

} // namespace detail

/// The id of the key that sealed the string; empty if it is not sealed in a form known here.
[[nodiscard]] inline std::string_view sealed_by(std::string_view string) noexcept {
    if (!string.starts_with(detail::seal_mark)) return {};
    string.remove_prefix(detail::seal_mark.size());
    auto const id = string.substr(0, string.find(':'));
    return id.size() != string.size() && sealing_key::is_id(id) ? id : std::string_view();
}

/// Seals a secret for a token, its client id and its version; the rest of `held` does not matter.
///
/// The result is `sealed:v1:KEYID:` and, in base64url, nonce (96 random bits), ciphertext and tag:
/// letters, digits, `:`, `-`, `_` and `.` only. One key is good for 2^32 secrets.
///
/// Errors: `errc::sink_failed` if OpenSSL has no random bits or no AES-256-GCM;
/// `errc::invalid_argument` for a secret of more than 64 KiB.
[[nodiscard]] inline result<secret> seal(sealing_key const& key, held_token const& held,
                                         secret const& plain) {
    if (plain.size() > 65536)
        return error(errc::invalid_argument, "secret: must not exceed 64 KiB");
    unsigned char random[detail::nonce_size];
    if (::RAND_bytes(random, sizeof random) != 1)
        return error(errc::sink_failed,
                     error_details{.explanation = "OpenSSL has no random bits to seal with",
                                   .delivery = delivery::not_sent});
    std::string_view const nonce(reinterpret_cast<char const*>(random), sizeof random);
    detail::aes_gcm cipher(detail::aes_gcm::direction::seal, key.bytes(), nonce);
    cipher.authenticate(detail::associated_data(key.id(), held));
    wiped_string bytes(nonce);
    bytes += cipher.transform(plain.reveal());
    bytes += cipher.tag();
    if (!cipher.is_good())
        return error(errc::sink_failed,
                     error_details{.explanation = "OpenSSL cannot seal by AES-256-GCM",
                                   .delivery = delivery::not_sent});
    wiped_string string(detail::seal_mark);
    string.append(key.id()) += ':';
    detail::append_base64url(string, bytes);
    return secret::take(string);
}

/// Opens what `seal` made for the same token, client id and version.
///
/// Errors: `errc::secret_unreadable`. Its explanation says that the string is not sealed, which key
/// is missing, that the string is damaged or cut, or that the key does not fit: the key is another
/// one of that id, the string was changed, or it was sealed for another token or version. No error
/// shows any part of the secret.
[[nodiscard]] inline result<secret> unseal(sealing_keys const& keys, held_token const& held,
                                           secret const& sealed) {
    auto string = sealed.reveal();
    if (!is_sealed(string)) return detail::unreadable(held, "is not sealed");
    if (!string.starts_with(detail::seal_mark))
        return detail::unreadable(held, "is sealed in another format than v1");
    auto const id = sealed_by(string);
    if (id.empty()) return detail::unreadable(held, "is sealed and damaged: it names no key");
    auto const* const key = keys.find(id);
    if (key == nullptr)
        return detail::unreadable(held, "is sealed by the key " + std::string(id) +
                                            ", which is none of those given");
    string.remove_prefix(detail::seal_mark.size() + id.size() + 1);
    auto const bytes =
        string.find_first_of("+/") == string.npos ? detail::decode_base64(string) : std::nullopt;
    if (!bytes) return detail::unreadable(held, "is sealed and damaged: it is no base64url");
    if (bytes->size() < detail::nonce_size + detail::seal_tag_size)
        return detail::unreadable(held, "is sealed and cut short");

    std::string_view const all(*bytes);
    detail::aes_gcm cipher(detail::aes_gcm::direction::open, key->bytes(),
                           all.substr(0, detail::nonce_size));
    cipher.authenticate(detail::associated_data(id, held));
    auto const size = all.size() - detail::nonce_size - detail::seal_tag_size;
    auto plain = cipher.transform(all.substr(detail::nonce_size, size));
    if (!cipher.has_tag(std::string(all.substr(detail::nonce_size + size))))
        return detail::unreadable(held, "cannot be opened by the key " + std::string(id) +
                                            ": it was sealed by another key of that id or for "
                                            "another token, client id or version, or is damaged");
    return secret::take(plain);
}

} // namespace cloudflare::inline v0::access

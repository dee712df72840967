/// AES-256-GCM by OpenSSL.
#pragma once

#include <cloudflare/core/detail/free_with.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/wipe.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::access::detail {

inline constexpr std::size_t nonce_size = 12, seal_tag_size = 16; // bytes: 96 and 128 bits

/// The cipher, in one direction. It leaves nothing in OpenSSL's queue of errors.
class aes_gcm {
public:
    enum class direction {
        open,
        seal
    };

    aes_gcm(direction d, secret const& key, std::string_view nonce)
        : context_(::EVP_CIPHER_CTX_new()) {
        ::ERR_set_mark(); // the caller's errors stay, ours do not
        is_good_ =
            context_ != nullptr &&
            ::EVP_CipherInit_ex(context_.get(), ::EVP_aes_256_gcm(), nullptr, bytes(key.reveal()),
                                bytes(nonce), d == direction::seal ? 1 : 0) == 1;
    }
    aes_gcm(aes_gcm const&) = delete;
    aes_gcm& operator=(aes_gcm const&) = delete;
    ~aes_gcm() { ::ERR_pop_to_mark(); }

    void authenticate(std::string_view data) { update(nullptr, data); }
    /// Encrypts or decrypts: the output has the size of the input.
    [[nodiscard]] wiped_string transform(std::string_view input) {
        wiped_string output(input.size(), '\0');
        update(bytes(output), input);
        return output;
    }
    /// The tag of what was sealed.
    [[nodiscard]] std::string tag() {
        std::string tag(seal_tag_size, '\0');
        finish();
        control(EVP_CTRL_AEAD_GET_TAG, tag);
        return tag;
    }
    /// Whether what was opened is authentic: it has this tag.
    [[nodiscard]] bool has_tag(std::string tag) {
        control(EVP_CTRL_AEAD_SET_TAG, tag);
        finish();
        return is_good_;
    }
    [[nodiscard]] bool is_good() const noexcept { return is_good_; }

private:
    [[nodiscard]] static unsigned char const* bytes(std::string_view string) noexcept {
        return reinterpret_cast<unsigned char const*>(string.data());
    }
    [[nodiscard]] static unsigned char* bytes(wiped_string& string) noexcept {
        return reinterpret_cast<unsigned char*>(string.data());
    }
    void update(unsigned char* output, std::string_view input) {
        int written = 0;
        if (input.empty()) return;
        is_good_ = is_good_ && ::EVP_CipherUpdate(context_.get(), output, &written, bytes(input),
                                                  static_cast<int>(input.size())) == 1;
    }
    void finish() {
        unsigned char none[16];
        int written = 0;
        is_good_ = is_good_ && ::EVP_CipherFinal_ex(context_.get(), none, &written) == 1;
    }
    void control(int command, std::string& tag) {
        is_good_ = is_good_ && ::EVP_CIPHER_CTX_ctrl(context_.get(), command,
                                                     static_cast<int>(tag.size()), tag.data()) == 1;
    }

    std::unique_ptr<::EVP_CIPHER_CTX, cloudflare::detail::free_with<&::EVP_CIPHER_CTX_free>>
        context_;
    bool is_good_ = false;
};

} // namespace cloudflare::inline v0::access::detail

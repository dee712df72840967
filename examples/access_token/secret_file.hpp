// A new file for a secret, made before the secret exists.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/core/secret.hpp>

#include <string>

// Made with mode 0600 and refused if it exists; removed again unless a secret was stored in it.
class secret_file {
public:
    static cloudflare::result<secret_file> create(std::string path);

    secret_file(secret_file&& other) noexcept;
    secret_file& operator=(secret_file&&) = delete;
    ~secret_file();

    // Writes the secret and a newline, down to the disk; false where that failed.
    [[nodiscard]] bool store(cloudflare::secret const& secret);

private:
    secret_file(std::string path, cloudflare::access::file opened);
    [[nodiscard]] bool fill() const; // writes bytes that the secret will replace

    std::string path_; // of a file to remove at the end; else empty
    cloudflare::access::file file_;
};

/// The current secret in a sink's file, for programs that use it through rotations without a
/// restart.
#pragma once

#include <cloudflare/access/access_headers.hpp>
#include <cloudflare/access/detail/secret_reading.hpp>
#include <cloudflare/access/held_secret.hpp>
#include <cloudflare/access/sealing_key.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/response.hpp>

#include <concepts>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `current_secret`. Built by chained setters.
class current_secret_options : public cloudflare::detail::options_base<current_secret_options> {
public:
    /// A function that opens sealed secrets. It is called for each secret that is read, and returns
    /// an error for one that it does not accept. Default: none, and a sealed secret is an error.
    ///
    ///     options.open([keys](auto const& held, auto const& sealed) {
    ///         return access::unseal(keys, held, sealed);
    ///     });
    current_secret_options& open(secret_change f) { return set(open_, std::move(f)); }
    [[nodiscard]] secret_change const& open() const noexcept { return open_; }

    /// The client id to use with a file that has the secret alone. Default empty: such a file is an
    /// error.
    current_secret_options& client_id(std::string id) { return set(client_id_, std::move(id)); }
    [[nodiscard]] std::string const& client_id() const noexcept { return client_id_; }

private:
    secret_change open_;
    std::string client_id_;
};

/// Reads a token's file whenever it was replaced:
///
///     access::current_secret current("/run/app/token");
///     auto fields = current.headers();      // for a request to the protected service
///     ...
///     if (access::is_access_refusal(response) && current.refused().value())
///         ...                               // once more, with current.headers()
///
/// The file is one of `file_sink` or `directory_sink`, or a JSON object with `client_id` and
/// `client_secret` (`access-token --output json`), or the secret alone (`access-token
/// --secret-format raw`).
///
/// Each call checks whether the file has changed (open, fstat, close), and reads it if so. While
/// the file cannot be read or is half written, the secret that was read last is returned.
///
/// Errors: `errc::secret_unreadable` with the path and the reason.
///
/// Threads: may be used from several at once. Blocks on the disk.
class current_secret {
public:
    /// @param path of the file, which need not exist yet
    explicit current_secret(std::string path,
                            current_secret_options options = current_secret_options())
        : path_(std::move(path)), options_(std::move(options)) {}

    /// The token and the secret in the file; those read last if it cannot be read now.
    [[nodiscard]] result<held_secret> get() {
        std::lock_guard const lock(mutex_);
        auto const read = look(false);
        if (held_) return *held_;
        return read.error();
    }

    /// The two headers for the current secret.
    [[nodiscard]] result<http::headers> headers() {
        auto held = get();
        if (!held) return held.error();
        auto fields = held->headers();
        std::lock_guard const lock(mutex_);
        given_ = std::move(*held);
        return fields;
    }

    /// To be called when Access refused a request: reads the file again.
    ///
    /// @return whether the file holds another secret than the refused one, so that the request can
    /// be sent once more. That is safe for any request, because Access refuses before the
    /// application sees anything. An error if the file cannot be read
    [[nodiscard]] result<bool> refused(held_secret const& used) {
        std::lock_guard const lock(mutex_);
        auto const read = look(true);
        if (!read) return read.error();
        return !held_->is_same_login(used);
    }
    /// The same for what `headers` returned last, for programs with one request at a time.
    [[nodiscard]] result<bool> refused() {
        std::optional<held_secret> used;
        {
            std::lock_guard const lock(mutex_);
            used = given_;
        }
        return used ? refused(*used) : result<bool>(false);
    }

    /// The path of the file.
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    /// Reads the file if it has changed since `held_` was read.
    ///
    /// @param always reads it in any case
    [[nodiscard]] result<void> look(bool always) {
        auto const opened = detail::open_secret(path_);
        if (!opened) return opened.error();
        if (!always && held_ && opened->seen == seen_) return {};
        auto held = read(*opened);
        if (!held) return held.error();
        held_ = std::move(*held);
        seen_ = opened->seen;
        return {};
    }

    [[nodiscard]] result<held_secret> read(detail::opened_secret const& opened) const {
        auto found = detail::read_secret(path_, opened, options_.client_id());
        if (!found) return found.error();
        held_secret held{std::move(found->token), std::move(found->client_secret)};
        if (options_.open()) {
            auto plain = options_.open()(held.token, held.client_secret);
            if (!plain) return plain.error();
            held.client_secret = std::move(*plain);
        } else if (is_sealed(held.client_secret.reveal())) {
            return detail::secret_unreadable(path_,
                                             "its secret is sealed: current_secret_options::open");
        }
        // What cannot be put into a header is as bad as nothing.
        auto const fields = held.headers();
        if (!fields) return detail::secret_unreadable(path_, fields.error().details().explanation);
        return held;
    }

    std::string path_;
    current_secret_options options_;
    std::mutex mutex_;
    std::optional<held_secret> held_;
    detail::file_identity seen_;
    std::optional<held_secret> given_;
};

/// Sends a request to a protected service with the current secret. If Access refuses it, and the
/// file holds another secret by then, sends it once more with that.
///
/// @param send sends the request with these headers: `result<http::response>(http::headers const&)`
/// @return the last response, which may be a refusal (`is_access_refusal`); or the error of `send`
/// or of `current_secret::get`
template <class Send>
    requires std::same_as<std::invoke_result_t<Send&, http::headers const&>, result<http::response>>
[[nodiscard]] result<http::response> send_with(current_secret& current, Send send) {
    for (bool is_second = false;; is_second = true) {
        auto const used = current.get();
        if (!used) return used.error();
        auto const fields = used->headers();
        if (!fields) return fields.error();
        auto response = send(*fields);
        if (is_second || !response || !is_access_refusal(*response)) return response;
        auto const has_newer = current.refused(*used);
        if (!has_newer || !*has_newer) return response;
    }
}

inline std::ostream& operator<<(std::ostream& out, held_secret const& h) {
    return out << h.token << ", client secret " << h.client_secret;
}

} // namespace cloudflare::inline v0::access

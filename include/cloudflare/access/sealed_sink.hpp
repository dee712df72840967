/// A sink that seals secrets before another one keeps them. Needs OpenSSL.
#pragma once

#include <cloudflare/access/held_secret.hpp>
#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/result_or_task.hpp>
#include <cloudflare/access/sealed_secret.hpp>
#include <cloudflare/access/sealing_key.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/detail/is_printed.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/core/redact.hpp>

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What `sealed_sink::reseal` did.
struct resealed {
    /// A secret that was not sealed anew, and why.
    struct failure {
        std::string token_id; ///< the API's
        error why;            ///< of the sink, or of the keys
    };

    std::size_t sealed = 0;        ///< how many secrets were sealed by the newest key
    std::size_t unchanged = 0;     ///< how many were sealed by it before
    std::vector<failure> failed{}; ///< secrets that stay as they were
};

inline std::ostream& operator<<(std::ostream& out, resealed::failure const& f) {
    return out << "token " << cloudflare::detail::redact_own(f.token_id, 100) << ": " << f.why;
}
/// One line of counts.
inline std::ostream& operator<<(std::ostream& out, resealed const& r) {
    return out << r.sealed << " sealed anew, " << r.unchanged << " unchanged, " << r.failed.size()
               << " failed";
}

/// Passes each token to another sink with its secret sealed (AES-256-GCM, see `seal`), so that the
/// store, its backups and its disk show no secret without the key. Everything but the secret is
/// passed as it is. Consumers read the store, and open the secret with `unseal`.
///
///     auto key = access::sealing_key::from_file("2026-11", "/etc/app/2026-11.key");
///     access::sealed_sink sink(access::directory_sink(path), access::sealing_keys(*key));
///
/// A sealed secret opens for its own token, client id and version only: one that was copied to
/// another token, or restored from a backup under a later version, is an error.
///
/// To change keys: add the new one to all programs that open, then make it the newest where secrets
/// are sealed, then `reseal`, then remove the old one.
///
/// Errors: those of the sink, of the key source, and of `seal`. If there is no key, `prepare`
/// fails.
///
/// Threads, cancellation: as the sink's. Its functions return what those of the sink return.
///
/// @tparam Sink a sink, or a reference to one, which must outlive this
template <class Sink>
    requires secret_sink<std::remove_reference_t<Sink>>
class sealed_sink {
    using inner_sink = std::remove_reference_t<Sink>;
    using opened_secret = result<std::optional<held_secret>>;
    template <class S>
    using secret_given = decltype(std::declval<S&>().secret_of(std::string_view()));

public:
    /// Seals by the newest of `keys`, into `sink`.
    sealed_sink(Sink sink, sealing_keys keys)
        : sealed_sink(std::forward<Sink>(sink),
                      [keys = std::move(keys)] { return result<sealing_keys>(keys); }) {}
    /// Calls `keys` for each operation; its error is that of the operation.
    sealed_sink(Sink sink, sealing_key_source keys)
        : sink_(std::forward<Sink>(sink)), keys_(std::move(keys)) {}

    [[nodiscard]] auto prepare(intent const& i) {
        auto const next = [this, &i](issued_service_token const&) { return sink_.prepare(i); };
        return after(sealed(issued_service_token()), next); // a trial
    }
    [[nodiscard]] auto store(intent const& i, issued_service_token const& token) {
        auto const next = [this, &i](issued_service_token const& t) { return sink_.store(i, t); };
        return after(sealed(token), next);
    }
    [[nodiscard]] auto find(std::string_view key) { return sink_.find(key); }
    [[nodiscard]] auto forget(std::string_view token_id) { return sink_.forget(token_id); }
    /// As the sink below says.
    [[nodiscard]] auto list()
        requires listable_sink<inner_sink>
    {
        return sink_.list();
    }

    /// Without an intent, if the inner sink has such a function.
    [[nodiscard]] result<void> store(issued_service_token const& token)
        requires requires(inner_sink& s, issued_service_token const& t) { s.store(t); }
    {
        return after(sealed(token),
                     [this](issued_service_token const& t) { return sink_.store(t); });
    }
    /// As the sink below says.
    [[nodiscard]] result<bool> holds(std::string_view token_id)
        requires requires(inner_sink& s, std::string_view id) { s.holds(id); }
    {
        return sink_.holds(token_id);
    }

    /// What is held under the key, with its secret, opened; nothing where nothing is held. For sinks
    /// that have `secret_of`.
    ///
    /// Errors: those of `find`, of `secret_of`, of the key source, and of `unseal`.
    [[nodiscard]] opened_secret read(std::string_view key)
        requires std::is_same_v<secret_given<inner_sink>, result<std::optional<secret>>>
    {
        for (int tries = 1;; ++tries) {
            auto const sealed = sink_.secret_of(key);
            if (!sealed) return sealed.error();
            auto const held = sink_.find(key);
            if (!held) return held.error();
            auto opened = open(*held, *sealed);
            if (opened || tries == 2) return opened; // else one was stored between the two
        }
    }
    /// The same for a sink whose functions are awaited. The key must live until then.
    template <class Inner = inner_sink>
        requires(!std::is_same_v<secret_given<Inner>, result<std::optional<secret>>>)
    [[nodiscard]] typename Inner::template task<opened_secret> read(std::string_view key) {
        for (int tries = 1;; ++tries) {
            auto pending = sink_.secret_of(key);
            auto const sealed = co_await std::move(pending);
            if (!sealed) co_return sealed.error();
            auto pending_find = sink_.find(key);
            auto const held = co_await std::move(pending_find);
            if (!held) co_return held.error();
            auto opened = open(*held, *sealed);
            if (opened || tries == 2) co_return opened;
        }
    }

    /// Seals every secret by the newest key: those that an older key sealed, and those that were
    /// stored before they were sealed at all. May run beside stores, and be killed: each secret is
    /// then in its old or its new form. A secret that cannot be opened stays, and does not stop the
    /// others.
    ///
    /// Errors: those of the key source and of `list`; those of one token are in `failed`.
    [[nodiscard]] result<resealed> reseal()
        requires rewritable_sink<inner_sink>
    {
        auto const keys = keys_();
        if (!keys) return keys.error();
        auto const all = sink_.list();
        if (!all) return all.error();
        resealed report;
        for (auto const& held : *all) {
            bool has_changed = false;
            auto const change = [&](held_token const& there, secret const& old) -> result<secret> {
                if (sealed_by(old.reveal()) == keys->newest().id()) {
                    auto const opened = unseal(*keys, there, old);
                    return opened ? result<secret>(old) : opened.error();
                }
                auto const plain =
                    is_sealed(old.reveal()) ? unseal(*keys, there, old) : result<secret>(old);
                if (!plain) return plain.error();
                has_changed = true;
                return seal(keys->newest(), there, *plain);
            };
            auto const done = sink_.rewrite(held.token_id, change);
            if (!done) report.failed.push_back({held.token_id, done.error()});
            if (done) ++(has_changed ? report.sealed : report.unchanged);
        }
        return report;
    }

    /// The sink that stores the sealed secrets.
    [[nodiscard]] inner_sink& inner() noexcept { return sink_; }

private:
    using sealed_token = result<issued_service_token>;
    template <class Next>
    using given_by = std::invoke_result_t<Next, issued_service_token const&>;

    [[nodiscard]] sealed_token sealed(issued_service_token token) const {
        auto const keys = keys_();
        if (!keys) return keys.error();
        held_token held;
        held.token_id = token.id;
        held.client_id = token.client_id;
        held.version = token.client_secret_version.value_or(0);
        auto string = seal(keys->newest(), held, token.client_secret);
        if (!string) return string.error();
        token.client_secret = std::move(*string);
        return token;
    }

    [[nodiscard]] opened_secret open(std::optional<held_token> const& held,
                                     std::optional<secret> const& sealed) const {
        if (!held || !sealed) return opened_secret(std::nullopt);
        auto const keys = keys_();
        if (!keys) return keys.error();
        auto opened = unseal(*keys, *held, *sealed);
        if (!opened) return opened.error();
        return opened_secret(held_secret{*held, std::move(*opened)});
    }

    /// The result of `next` for the token, or the error of sealing it.
    template <class Next>
        requires std::is_same_v<given_by<Next>, result<void>>
    [[nodiscard]] static result<void> after(sealed_token token, Next next) {
        return token ? next(*token) : result<void>(token.error());
    }
    /// The same for a sink that is awaited. The token lives in this coroutine until the sink has
    /// ended.
    template <class Next>
    [[nodiscard]] static given_by<Next> after(sealed_token token, Next next) {
        if (!token) co_return token.error();
        auto pending = next(*token);
        auto done = co_await std::move(pending);
        co_return done;
    }

    Sink sink_;
    sealing_key_source keys_;
};

} // namespace cloudflare::inline v0::access

namespace cloudflare::inline v0::detail {
template <>
inline constexpr bool is_printed<access::resealed::failure> = true;
template <>
inline constexpr bool is_printed<access::resealed> = true;
} // namespace cloudflare::inline v0::detail

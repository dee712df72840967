/// Keys that seal secrets: 32 bytes each, from a file or from a program's own key store.
#pragma once

#include <cloudflare/access/detail/base64.hpp>
#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// A key of AES-256 with an id, which is stored with each secret that it seals.
class sealing_key {
public:
    static constexpr std::size_t size = 32; ///< bytes

    /// @param id from 1 to 64 letters, digits, `-`, `_` and `.`; never use one id for two keys
    /// @param bytes 32 random bytes
    ///
    /// Errors: `errc::invalid_argument`.
    [[nodiscard]] static result<sealing_key> make(std::string id, secret bytes) {
        if (!is_id(id)) return invalid("key id: must be 1 to 64 letters, digits, '-', '_' or '.'");
        auto const seen = bytes.reveal();
        if (seen.size() != size)
            return invalid("key " + id + ": must have 32 bytes, has " +
                           std::to_string(seen.size()));
        if (seen.find_first_not_of(seen.front()) == seen.npos)
            return invalid("key " + id + ": is not random: all its bytes are the same");
        return sealing_key(std::move(id), std::move(bytes));
    }

    /// Reads a key in one of the usual forms: 32 raw bytes, 64 hexadecimal digits, or base64 in
    /// either alphabet, with or without padding. A newline at the end of the latter two is ignored.
    ///
    /// Errors: `errc::invalid_argument`; also for 32 printable characters, which are a password or
    /// half a hexadecimal key rather than random bytes.
    [[nodiscard]] static result<sealing_key> parse(std::string id, std::string_view string) {
        if (string.size() == size) {
            if (std::all_of(string.begin(), string.end(), is_printable))
                return invalid("key " + id + ": 32 printable characters are no random bytes");
            return make(std::move(id), secret(string));
        }
        while (string.ends_with('\n') || string.ends_with('\r'))
            string.remove_suffix(1);
        auto bytes = string.size() == 2 * size ? decode_hex(string) : decode_padded(string);
        if (!bytes || bytes->size() != size)
            return invalid("key " + id +
                           ": must be 32 raw bytes, 64 hexadecimal digits or 44 characters of "
                           "base64");
        return make(std::move(id), secret::take(*bytes));
    }

    /// Reads what `parse` accepts from a regular file. The file must belong to the process's user
    /// and have mode 0600 or 0400, or belong to root and have mode 0640, 0440 or less.
    ///
    ///     openssl rand -base64 32 >2026-11.key     # under umask 077
    ///
    /// Errors: `errc::secret_unreadable` with the path and the reason; `errc::invalid_argument`.
    [[nodiscard]] static result<sealing_key> from_file(std::string id, std::string const& path) {
        auto const opened = file::open(path, O_RDONLY | O_NONBLOCK, errc::secret_unreadable);
        if (!opened) return opened.error();
        struct ::stat status{};
        if (!opened->status(status)) return file::last_error(errc::secret_unreadable, path);
        if (auto const flaw = flaw_of(status))
            return error(errc::secret_unreadable, error_details{.explanation = path + ": " + *flaw,
                                                                .delivery = delivery::not_sent});
        wiped_string string;
        if (!opened->read(string)) return file::last_error(errc::secret_unreadable, path);
        return parse(std::move(id), string);
    }

    /// The id, which is in the clear in each secret that the key sealed.
    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    /// 256 bits.
    [[nodiscard]] secret const& bytes() const noexcept { return bytes_; }

    /// Whether a key may have this id.
    [[nodiscard]] static bool is_id(std::string_view id) noexcept {
        return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '_' || c == '.';
        });
    }

private:
    sealing_key(std::string id, secret bytes) : id_(std::move(id)), bytes_(std::move(bytes)) {}

    [[nodiscard]] static error invalid(std::string why) {
        return {errc::invalid_argument, std::move(why)};
    }
    [[nodiscard]] static bool is_printable(char c) noexcept { return c >= ' ' && c <= '~'; }

    [[nodiscard]] static std::optional<std::string> flaw_of(struct ::stat const& status) {
        if (!S_ISREG(status.st_mode)) return "is no regular file";
        if (status.st_size > 1024) return "is too large for a key";
        bool const is_roots = status.st_uid == 0;
        if (!is_roots && status.st_uid != ::geteuid()) return "belongs to another user";
        if ((status.st_mode & (is_roots ? 037U : 077U)) == 0) return std::nullopt;
        std::string mode = "0000";
        for (unsigned i = 0; i != 4; ++i)
            mode[i] = static_cast<char>('0' + (status.st_mode >> (9 - 3 * i) & 7U));
        return "has mode " + mode + ", which is open to others: chmod 600";
    }

    [[nodiscard]] static std::optional<wiped_string> decode_hex(std::string_view string) {
        auto const digit = [](char c) {
            auto const at = std::string_view("0123456789abcdef0123456789ABCDEF").find(c);
            return at == std::string_view::npos ? -1 : static_cast<int>(at % 16);
        };
        wiped_string bytes;
        bytes.reserve(string.size() / 2);
        for (std::size_t i = 0; i != string.size(); i += 2) {
            int const high = digit(string[i]), low = digit(string[i + 1]);
            if (high < 0 || low < 0) return std::nullopt;
            bytes += static_cast<char>(16 * high + low);
        }
        return bytes;
    }
    [[nodiscard]] static std::optional<wiped_string> decode_padded(std::string_view string) {
        if (string.size() == 44 && string.ends_with('=')) string.remove_suffix(1);
        return detail::decode_base64(string);
    }

    std::string id_;
    secret bytes_;
};

/// The keys of a sink: the newest seals, all of them open.
class sealing_keys {
public:
    /// One key, which seals and opens.
    sealing_keys(sealing_key newest) { keys_.push_back(std::move(newest)); }

    /// Adds an older key, which opens what was sealed before.
    ///
    /// Errors: `errc::invalid_argument` if there is a key of that id.
    [[nodiscard]] result<void> add_older(sealing_key key) {
        if (find(key.id()) != nullptr)
            return error(errc::invalid_argument, "key id: " + key.id() + " is there already");
        keys_.push_back(std::move(key));
        return {};
    }

    /// The key that seals.
    [[nodiscard]] sealing_key const& newest() const noexcept { return keys_.front(); }
    /// The key of that id, or null.
    [[nodiscard]] sealing_key const* find(std::string_view id) const noexcept {
        auto const found = std::find_if(keys_.begin(), keys_.end(),
                                        [&](sealing_key const& k) { return k.id() == id; });
        return found == keys_.end() ? nullptr : &*found;
    }

private:
    std::vector<sealing_key> keys_;
};

/// Whether a string has the form of a sealed secret, of whatever version.
[[nodiscard]] inline bool is_sealed(std::string_view string) noexcept {
    return string.starts_with("sealed:v");
}

/// Returns the keys each time they are needed, for keys that change while a program runs or are
/// kept elsewhere. Called on the thread that uses the sink, from several at once if the sink is;
/// must not throw.
using sealing_key_source = std::function<result<sealing_keys>()>;

} // namespace cloudflare::inline v0::access

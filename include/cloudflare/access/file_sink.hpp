/// A sink that is a file: the token's ids and its secret, as lines for a shell.
#pragma once

#include <cloudflare/access/file.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// Keeps one token in one file, readable by its owner only:
///
///     CF_ACCESS_TOKEN_ID=f174e90a-fafe-4643-bbbc-4a0ed4fc8415
///     CF_ACCESS_CLIENT_ID=88bf3b6d86161464f6509f7219099e57.access
///     CF_ACCESS_CLIENT_SECRET=...
///
/// It is written beside its place, put on the disk and renamed, so that the file is whole or not
/// there.
class file_sink {
public:
    /// @param path where the file is or will be; its directory must exist
    explicit file_sink(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// Writes the file: a new one, or in place of one that holds the same token. A file that holds
    /// anything else is left alone, which is an error.
    [[nodiscard]] result<void> store(issued_service_token const& token) {
        auto const held = holds(token.id);
        if (!held) return held.error();
        auto const directory = open_directory_of(path_, errc::sink_failed);
        if (!directory) return directory.error();
        auto const beside = path_ + ".new." + std::to_string(::getpid());
        auto opened = file::open(beside, O_WRONLY | O_CREAT | O_TRUNC, errc::sink_failed);
        if (!opened) return opened.error();

        wiped_string text("CF_ACCESS_TOKEN_ID=");
        text.append(token.id).append("\nCF_ACCESS_CLIENT_ID=").append(token.client_id);
        text.append("\nCF_ACCESS_CLIENT_SECRET=").append(token.client_secret.reveal()) += '\n';
        // A link is made only where there is nothing yet: two processes cannot take the same place.
        bool const placed = opened->write(text) && opened->sync() &&
                            (*held ? ::rename(beside.c_str(), path_.c_str())
                                   : ::link(beside.c_str(), path_.c_str())) == 0;
        auto why = file::last_error(errc::sink_failed, path_);
        ::unlink(beside.c_str());
        if (!placed) return why;
        if (!directory->sync()) return file::last_error(errc::sink_failed, path_);
        return {};
    }

    [[nodiscard]] result<void> prepare(intent const& i) const {
        auto const held = find(i.key);
        if (!held) return held.error();
        if (!*held || (*held)->token_id == i.token_id) return {};
        return error(errc::sink_failed, path_ + ": holds the token " + (*held)->token_id);
    }
    [[nodiscard]] result<void> store(intent const&, issued_service_token const& token) {
        return store(token);
    }
    /// What the file holds, whatever the key.
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view) const {
        auto const opened = file::open(path_, O_RDONLY, errc::sink_failed);
        if (!opened && errno == ENOENT) return std::optional<held_token>();
        if (!opened) return opened.error();
        wiped_string text;
        if (!opened->read(text)) return file::last_error(errc::sink_failed, path_);
        auto const value = [&](std::string_view name) {
            auto const at = text.find(name);
            if (at == text.npos) return std::string();
            auto const from = at + name.size();
            return std::string(text, from, text.find('\n', from) - from);
        };
        held_token held{value("CF_ACCESS_TOKEN_ID="), value("CF_ACCESS_CLIENT_ID=")};
        return std::optional<held_token>(std::move(held));
    }
    [[nodiscard]] result<void> forget(std::string_view token_id) {
        auto const held = find("");
        if (!held) return held.error();
        if (!*held || (*held)->token_id != token_id) return {};
        if (::unlink(path_.c_str()) != 0) return file::last_error(errc::sink_failed, path_);
        return {};
    }

    /// Whether the file holds this token.
    [[nodiscard]] result<bool> holds(std::string_view token_id) const {
        auto const opened = file::open(path_, O_RDONLY, errc::sink_failed);
        if (!opened && errno == ENOENT) return false;
        if (!opened) return opened.error();
        wiped_string text;
        if (!opened->read(text)) return file::last_error(errc::sink_failed, path_);
        wiped_string line("CF_ACCESS_TOKEN_ID=");
        return text.starts_with(line.append(token_id) += '\n');
    }

private:
    std::string path_;
};

} // namespace cloudflare::inline v0::access

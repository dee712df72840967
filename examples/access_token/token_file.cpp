#include "token_file.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace cf = cloudflare;

namespace {
cf::error stores_nothing() {
    return {cf::errc::sink_failed, "reconcile stores nothing"};
}
} // namespace

std::string whole_path(std::string const& path) {
    std::error_code failed;
    auto const absolute = std::filesystem::absolute(path, failed).lexically_normal();
    if (failed) return path;
    auto const directory = std::filesystem::weakly_canonical(absolute.parent_path(), failed);
    return failed ? absolute.string() : (directory / absolute.filename()).string();
}

bool is_there(std::string const& path) {
    std::error_code failed;
    return std::filesystem::exists(path, failed);
}

std::optional<secret_format> format_of_file(std::string const& path) {
    std::ifstream file(path);
    char first = 0;
    if (!(file >> first)) return std::nullopt;
    if (first == '{') return secret_format::json;
    cf::access::file_sink const lines(path);
    auto const held = lines.find();
    return held && *held ? secret_format::env : secret_format::raw;
}

cf::access::file_sink sink_of(options const& o, std::string const& path) {
    auto const format = o.format() == secret_format::json ? cf::access::secret_format::json
                                                          : cf::access::secret_format::lines;
    return cf::access::file_sink(path, std::chrono::seconds(5), format);
}

std::string key_in_file(std::string_view key, std::string const& path) {
    return std::string(key) + '\n' + path;
}

std::string_view key_of_caller(std::string_view key) {
    return key.substr(0, key.find('\n'));
}

cf::result<void> token_file::store(cf::access::intent const& i,
                                   cf::access::issued_service_token const& token) const {
    auto own = i;
    own.key = key_of_caller(i.key);
    return file_.store(own, token);
}

cf::result<void> token_files::prepare(cf::access::intent const&) const {
    return stores_nothing();
}

cf::result<void> token_files::store(cf::access::intent const&,
                                    cf::access::issued_service_token const&) const {
    return stores_nothing();
}

cf::result<std::optional<cf::access::held_token>> token_files::find(std::string_view key) const {
    auto const all = intents_.list();
    if (!all) return all.error();
    for (auto const& i : *all) {
        if (i.key != key) continue;
        if (i.note.starts_with('/')) return token_file(cf::access::file_sink(i.note)).find(key);
        return cf::error(cf::errc::sink_failed,
                         "an intent was not opened by access-token: reconcile it with the "
                         "program that has its sink");
    }
    return std::optional<cf::access::held_token>();
}

cf::result<void> token_files::forget(std::string_view token_id) const {
    auto const all = intents_.list();
    if (!all) return all.error();
    cf::result<void> done;
    for (auto const& i : *all)
        if (i.note.starts_with('/'))
            if (auto const one = cf::access::file_sink(i.note).forget(token_id); !one)
                done = one; // the others are not to suffer for it
    return done;
}

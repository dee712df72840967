// Secret files as sinks, and how intents name them.
#pragma once

#include "options.hpp"

#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>

#include <optional>
#include <string>
#include <string_view>

// The path of a file as it means the same to every process: absolute, its directory without links.
std::string whole_path(std::string const& path);

// Whether a file is there, with a token in it or not.
bool is_there(std::string const& path);

// The format of a secret file that is there and no empty one; `raw` where it is neither of the others.
std::optional<secret_format> format_of_file(std::string const& path);

// The file as a sink; a new one gets the format that is asked for.
cloudflare::access::file_sink sink_of(options const& o, std::string const& path);

// Under which an intent keeps a token: the caller's key (it may be empty), and the file. So each file
// has keys of its own.
std::string key_in_file(std::string_view key, std::string const& path);
// The caller's part of it; of an issue without a key, the intent's tag.
std::string_view key_of_caller(std::string_view key);

// A secret file, in which tokens stand under the caller's part of their key.
class token_file {
public:
    explicit token_file(cloudflare::access::file_sink file) : file_(std::move(file)) {}

    cloudflare::result<void> prepare(cloudflare::access::intent const& i) const {
        return file_.prepare(i);
    }
    cloudflare::result<void> store(cloudflare::access::intent const& i,
                                   cloudflare::access::issued_service_token const& token) const;
    cloudflare::result<std::optional<cloudflare::access::held_token>>
    find(std::string_view key) const {
        return file_.find(key_of_caller(key));
    }
    cloudflare::result<void> forget(std::string_view token_id) const {
        return file_.forget(token_id);
    }

private:
    cloudflare::access::file_sink file_;
};

// All the secret files that intents name: a token is held by the one that holds it. Stores nothing.
class token_files {
public:
    // `intents` must outlive it.
    explicit token_files(cloudflare::access::file_intent_log const& intents) : intents_(intents) {}

    cloudflare::result<void> prepare(cloudflare::access::intent const& i) const;
    cloudflare::result<void> store(cloudflare::access::intent const& i,
                                   cloudflare::access::issued_service_token const& token) const;
    cloudflare::result<std::optional<cloudflare::access::held_token>>
    find(std::string_view key) const;
    cloudflare::result<void> forget(std::string_view token_id) const;

private:
    cloudflare::access::file_intent_log const& intents_;
};

/// One request and its answer as a libcurl easy handle does them.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/curl_options.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::detail::curl {

template <auto Free>
struct free_with {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using easy_handle = std::unique_ptr<CURL, free_with<curl_easy_cleanup>>;
using multi_handle = std::unique_ptr<CURLM, free_with<curl_multi_cleanup>>;

/// Frees header fields; they hold credentials, and are wiped.
inline void free_fields(curl_slist* list) noexcept {
    for (auto const* node = list; node != nullptr; node = node->next)
        wipe(node->data, std::string_view(node->data).size());
    curl_slist_free_all(list);
}

/// Sets an easy handle up for a request, takes in the answer, and tells what came of it.
///
/// The handle refers to this: it must not move while the handle works.
class transfer {
public:
    /// @param easy a handle that has been reset
    transfer(CURL* easy, http::request const& r, time_point deadline, curl_options const& options)
        : easy_(easy), options_(options), is_secure_(r.origin.is_secure()) {
        set_up_request(r);
        set_up_connection(r, deadline);
        set_up_answer();
    }
    transfer(transfer const&) = delete;
    transfer& operator=(transfer const&) = delete;

    /// The answer, or why there is none, once libcurl has ended with `code`.
    [[nodiscard]] result<http::response> finish(CURLcode code) {
        if (code == CURLE_OK && is_whole()) return std::move(answer_);
        error_details d;
        // Before libcurl has a connection and calls `before_request`, nothing of it can be sent.
        d.delivery = attempts_ != 0 ? delivery::unknown : delivery::not_sent;
        if (code != CURLE_OK) d.explanation = curl_easy_strerror(code);
        return error(meaning_of(code), std::move(d));
    }

private:
    void set_up_request(http::request const& r) {
        auto const method = std::string(http::to_string(r.method));
        bool const has_body = r.method != http::method::get && r.method != http::method::delete_;
        std::ostringstream url;
        url << r.origin;
        set(CURLOPT_URL, url.str().c_str());
        set(CURLOPT_REQUEST_TARGET, r.target.c_str());
        if (has_body || !r.body.empty()) {
            set(CURLOPT_POSTFIELDS, r.body.c_str());
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
        }
        set(CURLOPT_CUSTOMREQUEST, method.c_str());
        for (auto const field : r.fields)
            add_line(field.name, field.value.empty() ? ";" : ": ", field.value);
        // What libcurl would add of its own accord.
        for (std::string_view const name : {"Accept", "Content-Type", "Expect"})
            if (!r.fields.contains(name)) add_line(name, ":", {});
        set(CURLOPT_HTTPHEADER, fields_.get());
    }

    void add_line(std::string_view name, std::string_view between, std::string_view value) {
        wiped_string line(name);
        line.append(between).append(value);
        auto* const longer = curl_slist_append(fields_.get(), line.c_str());
        if (longer == nullptr) throw std::bad_alloc();
        static_cast<void>(fields_.release());
        fields_.reset(longer);
    }

    void set_up_connection(http::request const& r, time_point deadline) {
        using std::chrono::milliseconds;
        auto const left =
            std::chrono::ceil<milliseconds>(deadline - time_point::clock::now()).count();
        auto const timeout = static_cast<long>(std::clamp<std::int64_t>(left, 1, 1'000'000'000));
        set(CURLOPT_TIMEOUT_MS, timeout);
        set(CURLOPT_CONNECTTIMEOUT_MS,
            std::min(timeout, static_cast<long>(options_.connect_timeout().count())));
        set(CURLOPT_NOSIGNAL, 1L);
        if (!is_secure_) set(CURLOPT_NOPROXY, "*"); // a proxy would want another target
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
        if (!options_.ca_file().empty()) set(CURLOPT_CAINFO, options_.ca_file().c_str());
        if (!options_.client_certificate_file().empty()) {
            set(CURLOPT_SSLCERT, options_.client_certificate_file().c_str());
            set(CURLOPT_SSLKEY, options_.client_key_file().c_str());
        }
        if (!r.repeatable)
            set(CURLOPT_MAXAGE_CONN, static_cast<long>(options_.trusted_idle_time().count()));
        set(CURLOPT_PREREQFUNCTION, &transfer::before_request);
        set(CURLOPT_PREREQDATA, this);
    }

    void set_up_answer() {
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        set(CURLOPT_HEADERFUNCTION, &transfer::take_header_line);
        set(CURLOPT_HEADERDATA, this);
        set(CURLOPT_WRITEFUNCTION, &transfer::take_body);
        set(CURLOPT_WRITEDATA, this);
    }

    template <class Value>
    void set(CURLoption option, Value value) {
        if (curl_easy_setopt(easy_, option, value) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    }

    /// Called when a connection is there and before the request is sent. libcurl sends a second time
    /// where a kept connection turns out to be closed, whatever the method: it may not.
    static int before_request(void* self, char*, char*, int, int) {
        return ++static_cast<transfer*>(self)->attempts_ == 1 ? CURL_PREREQFUNC_OK
                                                              : CURL_PREREQFUNC_ABORT;
    }

    static std::size_t take_header_line(char* data, std::size_t, std::size_t size, void* self) {
        std::string_view const line(data, size);
        return static_cast<transfer*>(self)->take_line(line) ? size : 0;
    }

    /// Gives whether the line is taken: libcurl ends the transfer where it is not.
    bool take_line(std::string_view line) {
        header_size_ += line.size();
        if (header_size_ > options_.max_header_size()) return !(too_large_ = true);
        while (line.ends_with('\n') || line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.starts_with("HTTP/")) return begin_answer();
        if (line.empty()) return header_ended_ = true;
        if (header_ended_) return true; // a trailer
        auto const colon = line.find(':');
        malformed_ =
            colon == line.npos || !take_field(line.substr(0, colon), line.substr(colon + 1));
        return !malformed_;
    }

    bool take_field(std::string_view name, std::string_view value) {
        auto const begin = std::min(value.find_first_not_of(" \t"), value.size());
        value.remove_prefix(begin);
        value = value.substr(0, value.find_last_not_of(" \t") + 1);
        if (http::same_name(name, "Content-Length") && !is_length(value)) return false;
        return answer_.fields.add(name, value).has_value();
    }

    /// Whether this is a body's length, and the only one; libcurl lets others pass.
    [[nodiscard]] bool is_length(std::string_view value) const noexcept {
        auto const earlier = answer_.fields.find("Content-Length");
        return !value.empty() && value.size() < 19 &&
               value.find_first_not_of("0123456789") == value.npos &&
               (earlier.empty() || earlier == value);
    }

    /// A status line: of an interim answer, which the next one replaces, or of the final one.
    bool begin_answer() {
        long status = 0;
        curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        answer_ = http::response{.status = static_cast<int>(status)};
        header_ended_ = false;
        return true;
    }

    static std::size_t take_body(char* data, std::size_t, std::size_t size, void* self) {
        auto& t = *static_cast<transfer*>(self);
        t.too_large_ = size > t.options_.max_body_size() - t.answer_.body.size();
        if (t.too_large_) return 0;
        t.answer_.body.append(data, size);
        return size;
    }

    /// Whether what libcurl takes for an answer is a whole one.
    [[nodiscard]] bool is_whole() const {
        if (!header_ended_ || answer_.status < 200) return false;
        // libcurl does not tell a TLS connection that was cut from one that was closed.
        long version = 0;
        curl_easy_getinfo(easy_, CURLINFO_HTTP_VERSION, &version);
        bool const has_no_body = answer_.status == 204 || answer_.status == 304;
        return !is_secure_ || has_no_body || version > CURL_HTTP_VERSION_1_1 ||
               answer_.fields.contains("Content-Length") ||
               answer_.fields.contains("Transfer-Encoding");
    }

    [[nodiscard]] errc meaning_of(CURLcode code) const noexcept {
        if (too_large_) return errc::response_too_large;
        if (malformed_) return errc::malformed_response;
        switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY: return errc::resolve_failed;
        case CURLE_COULDNT_CONNECT:
        case CURLE_PROXY: return errc::connect_failed;
        case CURLE_OPERATION_TIMEDOUT: return errc::deadline_exceeded;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER: return errc::tls_failed;
        case CURLE_UNSUPPORTED_PROTOCOL: // HTTP/0.9, or what is no HTTP at all
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING: return errc::malformed_response;
        default: return errc::connection_lost;
        }
    }

    CURL* easy_;
    curl_options const& options_;
    bool is_secure_;
    std::unique_ptr<curl_slist, free_with<free_fields>> fields_;
    http::response answer_;
    std::size_t header_size_ = 0;
    unsigned attempts_ = 0;
    bool header_ended_ = false;
    bool too_large_ = false;
    bool malformed_ = false;
};

} // namespace cloudflare::inline v0::detail::curl

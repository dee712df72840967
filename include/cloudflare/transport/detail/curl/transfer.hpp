/// One request and its response on a libcurl easy handle.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/curl_options.hpp>
#include <cloudflare/transport/detail/curl/failure.hpp>
#include <cloudflare/transport/detail/curl/handles.hpp>
#include <cloudflare/transport/detail/curl/open_sockets.hpp>
#include <cloudflare/transport/detail/curl/response_reader.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <sstream>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::detail::curl {

/// Sets up an easy handle for a request, receives the response, and says how it ended.
///
/// The handle refers to this object until its destructor resets the handle, so neither may move.
class transfer {
public:
    transfer(CURL* easy, open_sockets& sockets, http::request const& r, time_point deadline,
             curl_options const& options)
        : easy_(easy),
          sockets_(sockets),
          origin_(r.origin),
          options_(options),
          deadline_(deadline),
          is_secure_(r.origin.is_secure()),
          reader_(options) {
        sockets.serve(easy);
        set_up_request(r);
        set_up_connection();
        set_up_response();
    }
    transfer(transfer const&) = delete;
    transfer& operator=(transfer const&) = delete;
    ~transfer() { curl_easy_reset(easy_); }

    /// Whether the response was refused, so that the rest of it need not be read.
    [[nodiscard]] bool is_refused() const noexcept {
        return reader_.failure() != response_reader::fault::none;
    }

    /// Tells the hook where no connection could be opened.
    void report(result<http::response> const& given) const {
        if (given || attempts_ != 0 || !options_.connection_trace()) return;
        auto const why = given.error();
        sockets_.open_failed(origin_, why, began_);
    }

    /// Whether bytes followed the response, which libcurl has dropped.
    [[nodiscard]] bool had_excess() const noexcept { return had_excess_; }

    /// The response or the error, after libcurl has ended with `code`.
    [[nodiscard]] result<http::response> finish(CURLcode code) {
        if (code == CURLE_OK && !is_refused() && is_whole()) return reader_.take();
        if (is_refused()) {
            bool const too_large = reader_.failure() == response_reader::fault::too_large;
            return error(too_large ? errc::response_too_large : errc::malformed_response,
                         error_details{.delivery = delivery::unknown});
        }
        return to_error(describe(code));
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
        // Removes what libcurl would add by itself.
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

    void set_up_connection() {
        using std::chrono::milliseconds;
        auto const left =
            std::chrono::ceil<milliseconds>(deadline_ - time_point::clock::now()).count();
        auto const timeout = std::clamp<std::int64_t>(left, 1, 1'000'000'000);
        auto const connecting =
            std::clamp<std::int64_t>(options_.connect_timeout().count(), 1, timeout);
        tolerance_ = milliseconds(1 + timeout / 1000);
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout));
        set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connecting));
        set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
        set(CURLOPT_QUICK_EXIT, 1L); // does not wait for a name server that does not respond
#endif
        if (!is_secure_) set(CURLOPT_NOPROXY, "*"); // a proxy would want another target
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
        if (!options_.ca_file().empty()) set(CURLOPT_CAINFO, options_.ca_file().c_str());
        if (!options_.client_certificate_file().empty()) {
            set(CURLOPT_SSLCERT, options_.client_certificate_file().c_str());
            set(CURLOPT_SSLKEY, options_.client_key_file().c_str());
        }
        set(CURLOPT_PREREQFUNCTION, &transfer::before_request);
        set(CURLOPT_PREREQDATA, this);
    }

    void set_up_response() {
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        set(CURLOPT_HEADERFUNCTION, &transfer::take_line);
        set(CURLOPT_HEADERDATA, this);
        set(CURLOPT_WRITEFUNCTION, &transfer::take_body);
        set(CURLOPT_WRITEDATA, this);
        set(CURLOPT_ERRORBUFFER, static_cast<char*>(message_));
        set(CURLOPT_DEBUGFUNCTION, &transfer::observe);
        set(CURLOPT_DEBUGDATA, this);
        set(CURLOPT_VERBOSE, 1L); // to `observe`, and nowhere else
    }

    template <class Value>
    void set(CURLoption option, Value value) {
        if (curl_easy_setopt(easy_, option, value) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    }

    [[nodiscard]] long info(CURLINFO what) const noexcept {
        long value = 0;
        return curl_easy_getinfo(easy_, what, &value) == CURLE_OK ? value : 0;
    }

    /// Called when there is a connection, before the request is sent. If a kept connection turns
    /// out to be closed, libcurl calls this a second time, whatever the method: that is refused.
    static int before_request(void* self, char*, char*, int, int local_port) noexcept {
        auto& t = *static_cast<transfer*>(self);
        t.opened_ = t.info(CURLINFO_NUM_CONNECTS) != 0;
        if (t.options_.connection_trace())
            t.sockets_.begins(t.origin_, local_port, t.opened_, t.began_);
        return ++t.attempts_ == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
    }

    static std::size_t take_line(char* data, std::size_t, std::size_t size, void* self) {
        auto& t = *static_cast<transfer*>(self);
        auto const status = static_cast<int>(t.info(CURLINFO_RESPONSE_CODE));
        return t.reader_.take_line({data, size}, status) ? size : 0;
    }

    static std::size_t take_body(char* data, std::size_t, std::size_t size, void* self) {
        return static_cast<transfer*>(self)->reader_.take_body({data, size}) ? size : 0;
    }

    /// Receives libcurl's debug output: the bytes of the body before chunks are decoded, and the
    /// message that bytes were dropped, which libcurl does not report otherwise.
    static int observe(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
        auto& t = *static_cast<transfer*>(self);
        if (type == CURLINFO_DATA_IN) t.reader_.note_undecoded(size);
        if (type == CURLINFO_TEXT)
            for (std::string_view const dropped : {"Excess found", "Leftovers after chunking"})
                if (std::string_view(data, size).starts_with(dropped)) t.had_excess_ = true;
        return 0;
    }

    /// Whether what libcurl takes for a response is complete.
    [[nodiscard]] bool is_whole() const noexcept {
        if (!reader_.has_header() || reader_.lacks_chunks()) return false;
        // libcurl does not distinguish a TLS connection that was cut from one that was closed.
        return !is_secure_ || info(CURLINFO_HTTP_VERSION) > CURL_HTTP_VERSION_1_1 ||
               !reader_.ends_with_connection();
    }

    [[nodiscard]] failure describe(CURLcode code) {
        failure f{.code = code, .message = static_cast<char const*>(message_)};
        f.sent = attempts_ != 0;
        f.opened = opened_ && attempts_ == 1;
        f.response_begun = reader_.has_begun();
        f.deadline_passed = time_point::clock::now() + tolerance_ >= deadline_;
        f.system_error = info(CURLINFO_OS_ERRNO);
        if (auto const status = info(CURLINFO_HTTP_CONNECTCODE); !f.sent && status / 100 != 2)
            f.proxy_status = status;
        if (f.proxy_status != 0) f.proxy_address = peer_address();
        return f;
    }

    /// A space, and the address and port that the connection leads to (the proxy's, if there is
    /// one); empty where libcurl does not know them, as newer versions may not.
    [[nodiscard]] std::string_view peer_address() {
        char* address = nullptr;
        curl_easy_getinfo(easy_, CURLINFO_PRIMARY_IP, &address);
        std::string_view const ip = address != nullptr ? address : "";
        if (ip.empty()) return {};
        bool const is_v6 = ip.find(':') != ip.npos;
        peer_.assign(is_v6 ? " [" : " ").append(ip).append(is_v6 ? "]:" : ":");
        return peer_ += std::to_string(info(CURLINFO_PRIMARY_PORT));
    }

    CURL* easy_;
    open_sockets& sockets_;
    http::origin origin_;
    time_point began_ = time_point::clock::now();
    curl_options const& options_;
    time_point deadline_;
    bool is_secure_;
    response_reader reader_;
    field_list fields_;
    char message_[CURL_ERROR_SIZE] = {};
    std::string peer_;
    std::chrono::milliseconds tolerance_{}; ///< libcurl may use a clock that is not adjusted
    unsigned attempts_ = 0;
    bool opened_ = false;
    bool had_excess_ = false;
};

} // namespace cloudflare::inline v0::detail::curl

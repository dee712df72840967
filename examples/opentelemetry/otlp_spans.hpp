// Spans of the library's calls as OTLP/JSON, without OpenTelemetry's SDK: a span a call, an event an attempt. The names
// are those of the semantic conventions for HTTP clients (opentelemetry.io/docs/specs/semconv/http/http-spans).
#pragma once

#include <cloudflare/api/trace.hpp>
#include <cloudflare/core/version.hpp>
#include <cloudflare/json/writer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The target with its ids replaced, so that all calls of one kind share it: an account's id, a zone's, a token's.
inline std::string url_template(std::string_view target) {
    target = target.substr(0, target.find('?'));
    std::string made, before;
    while (!target.empty()) {
        target.remove_prefix(1); // the slash
        auto const segment = target.substr(0, target.find('/'));
        target.remove_prefix(segment.size());
        bool const is_id =
            segment.size() >= 32 && segment.find_first_not_of("0123456789abcdef-") == segment.npos;
        made += is_id ? "/{" + before + "_id}" : '/' + std::string(segment);
        before = segment.substr(0, segment.size() - (segment.ends_with('s') ? 1 : 0));
    }
    return made;
}

/// Makes spans of the events of a `trace_hook`. Threads: any.
class otlp_spans {
public:
    /// @param write gets one line of OTLP/JSON for each call: an ExportTraceServiceRequest, as a file exporter writes
    /// it, or as it is sent to a collector's `/v1/traces`
    otlp_spans(std::string service_name, std::function<void(std::string const&)> write)
        : service_(std::move(service_name)), write_(std::move(write)) {}
    otlp_spans(otlp_spans const&) = delete;
    otlp_spans& operator=(otlp_spans const&) = delete;
    /// Writes also the calls that ended between two attempts.
    ~otlp_spans() {
        for (auto& [call, s] : open_)
            write_(line(s));
    }

    /// For `client_options().trace(...)`.
    void operator()(cloudflare::trace_event const& e) {
        auto const now = std::chrono::system_clock::now();
        std::lock_guard const lock(mutex_);
        if (auto const old = open_.find(e.call); old != open_.end() && e.attempt == 1) {
            write_(line(old->second));
            open_.erase(old);
        }
        auto& s = open_[e.call];
        if (s.attributes.empty()) begin(s, e, now);
        end_attempt(s, e, now);
        if (!e.is_last) return;
        write_(line(s));
        open_.erase(e.call);
    }

private:
    using time = std::chrono::system_clock::time_point;
    using object = cloudflare::json_object_writer;

    struct span {
        std::string name{};
        time begin{}, end{};
        std::map<std::string, object> attributes{}; ///< by key
        std::vector<object> events{};
        bool failed = false;
    };

    static object attribute(std::string_view key, std::string_view value) {
        return object().add("key", key).add("value", object().add("stringValue", value));
    }
    static object attribute(std::string_view key,
                            std::int64_t value) { // 64 bits are a string in proto3's JSON
        return object()
            .add("key", key)
            .add("value", object().add("intValue", std::to_string(value)));
    }
    static std::string nanoseconds(time t) {
        auto const since =
            std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch());
        return std::to_string(since.count());
    }

    void begin(span& s, cloudflare::trace_event const& e, time now) {
        using clock = std::chrono::system_clock;
        auto const method = std::string(to_string(e.method));
        auto const path = url_template(e.target);
        s.name = method + ' ' + path;
        s.begin = now - std::chrono::duration_cast<clock::duration>(e.elapsed + e.waited);
        set(s, "http.request.method", method);
        set(s, "url.template", path);
        set(s, "cloudflare.operation", e.operation);
        if (e.origin == nullptr) return;
        std::string const scheme = e.origin->is_secure() ? "https" : "http";
        set(s, "url.scheme", scheme);
        // Without the query, in which names of tokens stand.
        set(s, "url.full",
            scheme + "://" + e.origin->authority() +
                std::string(e.target.substr(0, e.target.find('?'))));
        set(s, "server.address", e.origin->host());
        set(s, "server.port", std::int64_t{e.origin->port()});
    }

    /// What the last attempt tells is the call's.
    void end_attempt(span& s, cloudflare::trace_event const& e, time now) {
        std::vector<object> of_attempt{
            attribute("http.request.resend_count", std::int64_t{e.attempt} - 1)};
        if (e.attempt > 1) set(s, "http.request.resend_count", std::int64_t{e.attempt} - 1);
        s.attributes.erase("http.response.status_code");
        s.attributes.erase("error.type");
        if (e.http_status != 0) {
            set(s, "http.response.status_code", std::int64_t{e.http_status});
            of_attempt.push_back(
                attribute("http.response.status_code", std::int64_t{e.http_status}));
        }
        s.failed = e.failure != nullptr;
        if (s.failed) {
            set(s, "error.type", error_type(e));
            of_attempt.push_back(attribute("error.type", error_type(e)));
            of_attempt.push_back(attribute("exception.message", e.failure->to_string()));
        }
        if (!e.cf_ray.empty())
            of_attempt.push_back(
                attribute("http.response.header.cf-ray", cloudflare::redact(e.cf_ray)));
        s.end = now;
        s.events.push_back(object()
                               .add("timeUnixNano", nanoseconds(now))
                               .add("name", "http.attempt")
                               .add("attributes", of_attempt));
    }

    /// The status of a response that is an error; else the library's code.
    static std::string error_type(cloudflare::trace_event const& e) {
        if (e.http_status >= 400) return std::to_string(e.http_status);
        std::string name(to_string(static_cast<cloudflare::errc>(e.failure->code().value())));
        for (char& c : name)
            if (c == ' ') c = '_';
        return name;
    }

    template <class Value>
    static void set(span& s, std::string const& key, Value const& value) {
        s.attributes.insert_or_assign(key, attribute(key, value));
    }

    std::string random_hex(int digits) {
        std::string hex;
        while (digits-- != 0)
            hex += "0123456789abcdef"[random_() & 15];
        return hex;
    }

    std::string line(span& s) {
        std::vector<object> attributes;
        for (auto const& [key, one] : s.attributes)
            attributes.push_back(one);
        auto const written = object()
                                 .add("traceId", random_hex(32))
                                 .add("spanId", random_hex(16))
                                 .add("name", s.name)
                                 .add("kind", 3) // SPAN_KIND_CLIENT
                                 .add("startTimeUnixNano", nanoseconds(s.begin))
                                 .add("endTimeUnixNano", nanoseconds(s.end))
                                 .add("attributes", attributes)
                                 .add("events", s.events)
                                 .add("status", object().add("code", s.failed ? 2 : 0));
        auto const scope =
            object().add("name", "cloudflare-access").add("version", cloudflare::version);
        auto const in_scope =
            object().add("scope", scope).add("spans", std::vector<object>{written});
        auto const resource = object().add(
            "attributes",
            std::vector<object>{attribute("service.name", std::string_view(service_))});
        auto const of_resource =
            object().add("resource", resource).add("scopeSpans", std::vector<object>{in_scope});
        return object().add("resourceSpans", std::vector<object>{of_resource}).finish();
    }

    std::string service_;
    std::function<void(std::string const&)> write_;
    std::mutex mutex_;
    std::map<void const*, span> open_;
    std::random_device random_;
};

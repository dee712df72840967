/// One page in a headless browser, as a test uses it: keys, sizes, media, scripts, and a server that the test plays.
#pragma once

#include "devtools_pipe.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>

#include <cstdint>
#include <fstream>
#include <map>

namespace devtools {

/// What the page asks for.
struct page_request {
    std::string method;
    std::string url;
    std::map<std::string, std::string> fields = {}; ///< names as the browser writes them
};

/// What the played server does with it.
struct page_response {
    enum class kind : unsigned char {
        sent,
        refused,
        never
    };
    int status = 200;
    std::string type = "text/html; charset=utf-8";
    std::string body = {};
    kind how = kind::sent; ///< or the connection is refused, or nothing ever comes
};

inline constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

[[nodiscard]] inline std::string base64(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k != 3; ++k)
            group = group << 8U |
                    (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k != 4; ++k)
            out += i + k <= bytes.size() ? base64_digits[group >> (18U - 6U * k) & 63U] : '=';
    }
    return out;
}

[[nodiscard]] inline std::string from_base64(std::string_view digits) {
    std::string out;
    std::uint32_t group = 0;
    int bits = 0;
    for (char const c : digits) {
        auto const value = base64_digits.find(c);
        if (value == base64_digits.npos) break; // the padding
        group = group << 6U | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out += static_cast<char>(group >> bits & 255U);
    }
    return out;
}

class browser_page {
public:
    using server_function = std::function<page_response(page_request const&)>;

    explicit browser_page(std::string const& program) : pipe_(program) {
        auto const target = pipe_.call("Target.createTarget", {{"url", "about:blank"}}, {});
        session_ = pipe_
                       .call("Target.attachToTarget",
                             {{"targetId", target.at("targetId")}, {"flatten", true}}, {})
                       .at("sessionId")
                       .as_string();
        pipe_.on_event([this](auto method, auto const& params) { handle(method, params); });
        for (auto const* domain : {"Page.enable", "Runtime.enable", "Log.enable"})
            call(domain);
        call("Emulation.setFocusEmulationEnabled", {{"enabled", true}});
    }

    json::object call(std::string_view method, json::object params = {}) {
        return pipe_.call(method, std::move(params), session_);
    }

    /// From now on each request of the page's is responded to by `server`, and none leaves the browser.
    void play_server(server_function server) {
        if (!server_) call("Fetch.enable", {{"patterns", {{{"urlPattern", "*"}}}}});
        server_ = std::move(server);
    }

    /// A script that runs before those of each page that is opened from now on.
    void run_before(std::string_view script) {
        call("Page.addScriptToEvaluateOnNewDocument", {{"source", script}});
    }
    void open(std::string const& url) {
        auto const result = call("Page.navigate", {{"url", url}});
        if (auto const* e = result.if_contains("errorText");
            e != nullptr && !e->as_string().empty())
            throw std::runtime_error("cannot open " + url + ": " + std::string(e->as_string()));
        wait_for("document.readyState === 'complete'");
    }

    /// The value of an expression in the page; a promise is awaited.
    json::value evaluate(std::string_view expression) {
        auto result =
            call("Runtime.evaluate",
                 {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}});
        if (auto const* e = result.if_contains("exceptionDetails"))
            throw std::runtime_error(std::string(expression) + ": " + json::serialize(*e));
        auto const& value = result.at("result").as_object();
        return value.contains("value") ? value.at("value") : json::value();
    }
    std::string string(std::string_view expression) {
        auto const v = evaluate(expression);
        return v.is_string() ? std::string(v.as_string()) : json::serialize(v);
    }
    bool holds(std::string_view expression) {
        auto const v = evaluate(expression);
        return v.is_bool() && v.as_bool();
    }
    /// Whether the expression becomes true within ten seconds.
    bool wait_for(std::string_view expression) {
        auto const end = steady::now() + std::chrono::seconds(10);
        while (!holds(expression)) {
            if (steady::now() > end) return false;
            pipe_.listen(std::chrono::milliseconds(20));
        }
        return true;
    }
    void listen(std::chrono::milliseconds span) { pipe_.listen(span); }

    void size(int width, int height) {
        call("Emulation.setDeviceMetricsOverride", {{"width", width},
                                                    {"height", height},
                                                    {"deviceScaleFactor", 1},
                                                    {"mobile", width < 600}});
    }
    /// The user's settings, e.g. `{{"prefers-color-scheme", "dark"}}`.
    void media(std::map<std::string, std::string> const& settings) {
        json::array features;
        for (auto const& [name, value] : settings)
            features.push_back({{"name", name}, {"value", value}});
        call("Emulation.setEmulatedMedia", {{"features", features}});
    }

    /// Presses and releases a key: `Tab`, `Enter`, `Space`, `Escape`.
    void press(std::string_view key, bool shift = false) {
        struct key_code {
            int code;
            char const* characters;
        };
        static std::map<std::string_view, key_code> const known{
            {"Tab", {9, ""}}, {"Enter", {13, "\r"}}, {"Space", {32, " "}}, {"Escape", {27, ""}}};
        auto const& [code, characters] = known.at(key);
        json::object event{{"key", key == "Space" ? " " : key},
                           {"code", key},
                           {"windowsVirtualKeyCode", code},
                           {"modifiers", shift ? 8 : 0}};
        auto down = event;
        down["type"] = *characters == '\0' ? "rawKeyDown" : "keyDown";
        down["text"] = characters;
        call("Input.dispatchKeyEvent", down);
        event["type"] = "keyUp";
        call("Input.dispatchKeyEvent", event);
    }
    /// Types into what has the focus.
    void type(std::string_view characters) { call("Input.insertText", {{"text", characters}}); }

    /// The whole page as a PNG file.
    void picture(std::string const& path) {
        auto const data =
            call("Page.captureScreenshot", {{"format", "png"}, {"captureBeyondViewport", true}})
                .at("data")
                .as_string();
        std::ofstream(path, std::ios::binary) << from_base64(data);
    }

    /// What the browser complains of: exceptions, errors of the console, breaches of the page's policy.
    [[nodiscard]] std::vector<std::string> const& complaints() const noexcept {
        return complaints_;
    }
    void forget_complaints() { complaints_.clear(); }
    /// What was asked of the played server, in order.
    [[nodiscard]] std::vector<page_request> const& requests() const noexcept { return requests_; }

private:
    void handle(std::string_view method, json::object const& params) {
        if (method == "Fetch.requestPaused") respond(params);
        if (method == "Runtime.exceptionThrown")
            complaints_.push_back(json::serialize(params.at("exceptionDetails")));
        if (method != "Log.entryAdded") return;
        auto const& entry = params.at("entry").as_object();
        // That a response was an error is what the tests do.
        if (entry.at("level") == "error" && entry.at("source") != "network")
            complaints_.emplace_back(entry.at("text").as_string());
    }

    void respond(json::object const& params) {
        auto const& asked = params.at("request").as_object();
        page_request r{.method = std::string(asked.at("method").as_string()),
                       .url = std::string(asked.at("url").as_string())};
        for (auto const& [name, value] : asked.at("headers").as_object())
            r.fields[name] = value.as_string();
        auto const response = server_(r);
        requests_.push_back(std::move(r));
        auto const& id = params.at("requestId");
        if (response.how == page_response::kind::never) return;
        if (response.how == page_response::kind::refused) {
            pipe_.send("Fetch.failRequest",
                       {{"requestId", id}, {"errorReason", "ConnectionRefused"}}, session_);
            return;
        }
        pipe_.send("Fetch.fulfillRequest",
                   {{"requestId", id},
                    {"responseCode", response.status},
                    {"responseHeaders", {{{"name", "Content-Type"}, {"value", response.type}}}},
                    {"body", base64(response.body)}},
                   session_);
    }

    devtools_pipe pipe_;
    std::string session_;
    server_function server_;
    std::vector<page_request> requests_;
    std::vector<std::string> complaints_;
};

} // namespace devtools

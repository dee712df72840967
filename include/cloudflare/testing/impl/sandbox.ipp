/// The definitions of `sandbox`.
#pragma once

#include <cloudflare/core/detail/splitmix64.hpp>
#include <cloudflare/http/date.hpp>
#include <cloudflare/testing/sandbox.hpp>

namespace cloudflare::inline v0::testing {

namespace detail {

namespace json = boost::json;

[[nodiscard]] inline std::string percent_decoded(std::string_view string) {
    std::string decoded;
    for (std::size_t i = 0; i != string.size(); ++i) {
        unsigned byte = 0;
        bool const escaped =
            string[i] == '%' && i + 2 < string.size() &&
            std::from_chars(&string[i] + 1, &string[i] + 3, byte, 16).ptr == &string[i] + 3;
        decoded += escaped ? static_cast<char>(byte) : string[i];
        if (escaped) i += 2;
    }
    return decoded;
}

/// The string without white space at its ends.
[[nodiscard]] inline std::string trimmed(std::string_view string) {
    auto const begin = string.find_first_not_of(" \t\r\n");
    if (begin == string.npos) return {};
    return std::string(string.substr(begin, string.find_last_not_of(" \t\r\n") - begin + 1));
}

/// The parts of `string` between separators; those at its ends too.
[[nodiscard]] inline std::vector<std::string_view> split(std::string_view string, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        auto const end = string.find(separator);
        parts.push_back(string.substr(0, end));
        if (end == string.npos) return parts;
        string.remove_prefix(end + 1);
    }
}

/// A request's target, parsed.
struct target {
    std::vector<std::string_view> segments{};
    std::map<std::string, std::string, std::less<>> query{};

    explicit target(std::string_view string) {
        auto const question = string.find('?');
        segments = split(string.substr(0, question), '/');
        if (question == string.npos) return;
        for (auto const pair : split(string.substr(question + 1), '&')) {
            auto const equals = pair.find('=');
            auto const value = equals == pair.npos ? "" : pair.substr(equals + 1);
            query[percent_decoded(pair.substr(0, equals))] = percent_decoded(value);
        }
    }
};

[[nodiscard]] inline std::int64_t
number_or(std::map<std::string, std::string, std::less<>> const& q, std::string_view key,
          std::int64_t otherwise) {
    auto const found = q.find(key);
    if (found == q.end()) return otherwise;
    std::int64_t value = otherwise;
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    return value;
}

/// The body as an object; an empty body is an empty object.
[[nodiscard]] inline std::optional<json::object> parse_object(std::string_view body) {
    if (body.empty()) return json::object();
    boost::system::error_code failed;
    auto value = json::parse(body, failed);
    if (failed || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

} // namespace detail

inline http::response sandbox::handle(http::request const& r, timestamp now) {
    now = timestamp(now.seconds()); // the API keeps whole seconds
    auto response = route(r, now);
    ++request_count_;
    auto const ray = "5a9d" + std::to_string(100'000'000'000 + request_count_) + "-SBX";
    static_cast<void>(response.fields.add("Date", http::format_date(now)));
    static_cast<void>(response.fields.add("cf-ray", ray));
    static_cast<void>(response.fields.add("cf-auditlog-id", new_uuid()));
    if (options_.rate_limit != 0 && options_.shows_rate_limit) {
        auto const left = std::max<std::int64_t>(0, options_.rate_limit - window_count_);
        auto const reset = std::max(window_end_, banned_until_).seconds() - now.seconds();
        static_cast<void>(
            response.fields.add("Ratelimit", "\"default\";r=" + std::to_string(left) +
                                                 ";t=" + std::to_string(reset.count())));
    }
    return response;
}

inline http::response sandbox::route(http::request const& r, timestamp now) {
    std::string_view path = r.target;
    if (std::find(protected_.begin(), protected_.end(), path) != protected_.end())
        return protected_page(r, now);
    if (!path.starts_with(options_.base_path)) return failure(404, 7000, "No route for that URI");
    path.remove_prefix(options_.base_path.size());
    if (auto refused = refuse_credentials(r)) return std::move(*refused);
    if (auto refused = refuse_rate(now)) return std::move(*refused);
    for (auto const& own : routes_)
        if (auto response = own(r, path, now)) return std::move(*response);

    // "", accounts or zones, id, access, service_tokens [, token id [, action]]
    detail::target const target(path);
    auto const& s = target.segments;
    bool const known = s.size() >= 5 && s.size() <= 7 && (s[1] == "accounts" || s[1] == "zones") &&
                       s[3] == "access" && s[4] == "service_tokens";
    if (!known) return failure(404, 7000, "No route for that URI");
    if (s[2].size() != 32)
        return failure(404, 7003,
                       "Could not route to " + std::string(path) +
                           ", perhaps your object identifier is invalid?");
    auto const scope = std::string(s[1]) + '/' + std::string(s[2]);

    using http::method;
    if (s.size() == 5) {
        if (r.method == method::post) return create(scope, r.body, now);
        if (r.method == method::get) return list(scope, target.query, now);
        return failure(405, 10405, "Method not allowed for this authentication scheme");
    }
    auto* token = find(s[5]);
    if (token == nullptr || token->scope != scope)
        return failure(404, 12135, "access.api.error.not_found");
    if (s.size() == 7) {
        bool const available = s[1] == "accounts" || options_.zones_have_actions;
        if (!available || r.method != method::post)
            return failure(404, 7000, "No route for that URI");
        if (s[6] == "rotate") return rotate(*token, r.body, now);
        if (s[6] == "refresh") return refresh(*token, now);
        return failure(404, 7000, "No route for that URI");
    }
    if (r.method == method::get) return success(show(*token));
    if (r.method == method::put) return update(*token, r.body, now);
    if (r.method == method::delete_) return remove(*token);
    return failure(405, 10405, "Method not allowed for this authentication scheme");
}

inline http::response sandbox::protected_page(http::request const& r, timestamp now) {
    http::response page{.status = 200};
    if (admits(r.fields.find("CF-Access-Client-Id"), r.fields.find("CF-Access-Client-Secret"),
               now)) {
        page.body = "behind Access\n";
        return page;
    }
    page.status = 302;
    static_cast<void>(page.fields.add(
        "Location", "https://sandbox.cloudflareaccess.com/cdn-cgi/access/login/127.0.0.1"));
    static_cast<void>(page.fields.add("WWW-Authenticate", "Cloudflare-Access"));
    return page;
}

inline std::optional<http::response> sandbox::refuse_credentials(http::request const& r) const {
    std::string_view token = r.fields.find("Authorization");
    bool const has_key =
        !r.fields.find("X-Auth-Key").empty() && !r.fields.find("X-Auth-Email").empty();
    if (token.empty() && !has_key)
        return failure(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
    if (has_key && options_.api_token.empty()) return std::nullopt;
    if (!token.starts_with("Bearer ")) return failure(400, 6003, "Invalid request headers");
    token.remove_prefix(7);
    if (!options_.api_token.empty() && token != options_.api_token)
        return failure(401, 10000, "Authentication error");
    return std::nullopt;
}

inline std::optional<http::response> sandbox::refuse_rate(timestamp now) {
    if (options_.rate_limit == 0) return std::nullopt;
    bool const banned = now < banned_until_;
    if (now >= window_end_ && !banned) {
        window_end_ = now.plus(std::chrono::minutes(5));
        window_count_ = 0;
    }
    if (!banned && ++window_count_ <= options_.rate_limit) return std::nullopt;
    auto const has_ban = options_.rate_ban > std::chrono::seconds(0);
    banned_until_ = has_ban ? now.plus(options_.rate_ban) : window_end_;
    auto refused = failure(429, 971, "Please wait and consider throttling your request speed");
    auto const wait = banned_until_.seconds() - now.seconds();
    if (options_.tells_retry_after)
        static_cast<void>(refused.fields.add("Retry-After", std::to_string(wait.count())));
    return refused;
}

inline http::response sandbox::create(std::string const& scope, std::string_view body,
                                      timestamp now) {
    auto const members = detail::parse_object(body);
    if (!members || !members->contains("name")) return bad_request("name is required");
    auto const held = std::count_if(tokens_.begin(), tokens_.end(),
                                    [&](sandbox_token const& t) { return t.scope == scope; });
    if (static_cast<std::size_t>(held) >= options_.token_limit)
        return failure(options_.limit_status, options_.limit_code, options_.limit_message);

    sandbox_token t;
    t.scope = scope;
    t.created_at = now;
    if (auto const* version = members->if_contains("client_secret_version"))
        if (version->is_int64()) t.version = version->get_int64();
    t.expires_at = expiry(t.duration, now);
    if (auto const reason = apply(t, *members, now)) return bad_request(*reason);
    t.id = new_uuid();
    t.client_id = random_string("0123456789abcdef", 32) + ".access";
    t.secret = new_secret();
    tokens_.push_back(t);
    return success(show(t, true), options_.create_status);
}

inline http::response sandbox::list(std::string const& scope, parameters const& query,
                                    timestamp now) const {
    auto const matches = [&](sandbox_token const& t) {
        if (t.scope != scope || !options_.read_permission) return false;
        if (t.created_at.plus(options_.list_lag) > now) return false;
        if (auto const name = query.find("name"); name != query.end() && options_.filters_by_name)
            if (options_.name_is_substring ? t.name.find(name->second) == t.name.npos
                                           : t.name != name->second)
                return false;
        if (auto const part = query.find("search");
            part != query.end() && options_.filters_by_search)
            return t.name.find(part->second) != t.name.npos ||
                   t.client_id.find(part->second) != t.client_id.npos;
        return true;
    };
    std::vector<sandbox_token const*> found;
    for (auto const& t : tokens_)
        if (matches(t)) found.push_back(&t);

    auto const total = static_cast<std::int64_t>(found.size());
    auto const wanted = detail::number_or(query, "per_page", 1000);
    if (wanted < 1 || wanted > 1000) return bad_request("per_page must be from 1 to 1000");
    auto const per_page = (std::min)(wanted, options_.max_per_page);
    auto const asked = std::max<std::int64_t>(1, detail::number_or(query, "page", 1));
    auto const page = options_.ignores_page ? 1 : asked;

    // A page past the last one is empty, however large its number.
    auto const begin = page - 1 > total / per_page ? total : (page - 1) * per_page;
    boost::json::array items;
    for (auto i = begin; i < (std::min)(total, begin + per_page); ++i)
        items.push_back(show(*found[static_cast<std::size_t>(i)]));
    auto const count = static_cast<std::int64_t>(items.size());
    boost::json::object envelope{{"success", true},
                                 {"errors", boost::json::array()},
                                 {"messages", boost::json::array()},
                                 {"result", std::move(items)}};
    if (options_.has_result_info)
        envelope["result_info"] = {{"count", count},
                                   {"page", page},
                                   {"per_page", per_page},
                                   {"total_count", total},
                                   {"total_pages", (total + per_page - 1) / per_page}};
    http::response response{.status = 200};
    response.body = boost::json::serialize(envelope);
    static_cast<void>(response.fields.add("Content-Type", "application/json; charset=UTF-8"));
    return response;
}

inline http::response sandbox::update(sandbox_token& t, std::string_view body, timestamp now) {
    auto const members = detail::parse_object(body);
    if (!members) return bad_request("body is not an object");

    auto changed = t;
    if (options_.update_moves_expiry) changed.expires_at = expiry(t.duration, now);
    if (auto const reason = apply(changed, *members, now)) return bad_request(*reason);

    std::int64_t version = t.version;
    if (auto const* member = members->if_contains("client_secret_version"))
        if (member->is_int64()) version = member->get_int64();
    if (version < t.version && options_.lower_version_is_refused)
        return bad_request("client_secret_version must not be lowered");
    bool const rotated = version > t.version;
    if (rotated) {
        auto const until = members->contains("previous_client_secret_expires_at")
                               ? changed.previous_expires_at.value_or(now)
                               : now;
        replace_secret(changed, until);
        changed.version = version;
    }
    t = std::move(changed);
    return success(show(t, rotated && options_.update_shows_secret));
}

inline http::response sandbox::rotate(sandbox_token& t, std::string_view body, timestamp now) {
    if (options_.rotate_refuses_disabled && !t.enabled) return bad_request("token is disabled");
    if (options_.rotate_refuses_expired && t.expires_at <= now)
        return bad_request("token is expired");
    auto const members = detail::parse_object(body);
    if (!members) return bad_request("body is not an object");
    auto changed = t;
    changed.previous_expires_at.reset();
    if (auto const reason = apply(changed, *members, now)) return bad_request(*reason);
    replace_secret(changed, changed.previous_expires_at.value_or(now));
    if (options_.rotate_raises_version) ++changed.version;
    t = std::move(changed);
    return success(show(t, true));
}

inline http::response sandbox::refresh(sandbox_token& t, timestamp now) {
    t.expires_at =
        options_.refresh_uses_duration ? expiry(t.duration, now) : now.plus(std::chrono::days(365));
    t.updated_at = now;
    return success(show(t));
}

inline http::response sandbox::remove(sandbox_token const& t) {
    if (t.in_use)
        return failure(
            400, 12139,
            "access.api.error.service_token_in_use: cannot delete service token because it "
            "is used by a policy, group, or app SCIM configuration");
    auto response =
        success(options_.delete_shows_token ? boost::json::value(show(t)) : boost::json::value());
    std::erase_if(tokens_, [id = t.id](sandbox_token const& other) { return other.id == id; });
    return response;
}

inline std::optional<std::string> sandbox::apply(sandbox_token& t, boost::json::object const& body,
                                                 timestamp now) {
    if (auto const* name = body.if_contains("name")) {
        if (!name->is_string() || name->get_string().empty()) return "name must not be empty";
        t.name = std::string(name->get_string());
        if (options_.trims_names) t.name = detail::trimmed(t.name);
        if (t.name.empty()) return "name must not be empty";
        if (options_.max_name_length != 0 && t.name.size() > options_.max_name_length) {
            if (!options_.cuts_long_names) return "name is too long";
            t.name.resize(options_.max_name_length);
        }
    }
    if (auto const* duration = body.if_contains("duration")) {
        if (!duration->is_string()) return "duration must be a string";
        auto const parsed = token_duration::parse(std::string(duration->get_string()));
        if (!parsed) return "duration is invalid";
        auto const length = parsed->value();
        if (options_.max_duration.count() != 0 && (!length || *length > options_.max_duration))
            return "duration is too long";
        t.duration = *parsed;
        t.expires_at = expiry(t.duration, now);
    }
    if (auto const* until = body.if_contains("previous_client_secret_expires_at")) {
        if (!until->is_string()) return "previous_client_secret_expires_at must be a string";
        auto const parsed = timestamp::parse(std::string(until->get_string()));
        if (!parsed) return "previous_client_secret_expires_at is invalid";
        t.previous_expires_at = *parsed;
        if (auto const most = options_.max_grace; most.count() != 0)
            t.previous_expires_at = (std::min)(*parsed, now.plus(most));
    }
    if (auto const* enabled = body.if_contains("enabled")) {
        if (!enabled->is_bool()) return "enabled must be a boolean";
        t.enabled = enabled->get_bool();
        bool const grace = t.previous_expires_at && *t.previous_expires_at > now;
        if (!t.enabled && grace) t.previous_expires_at = now;
    }
    t.updated_at = now;
    return std::nullopt;
}

inline void sandbox::replace_secret(sandbox_token& t, timestamp previous_expires_at) {
    t.previous_secret = std::exchange(t.secret, new_secret());
    t.previous_expires_at = previous_expires_at;
    if (auto const most = options_.max_grace_of_rotation; most.count() != 0)
        t.previous_expires_at = (std::min)(previous_expires_at, t.updated_at.plus(most));
}

inline bool sandbox::admits(std::string_view client_id, std::string_view secret, timestamp now) {
    for (auto& t : tokens_) {
        if (t.client_id != client_id) continue;
        bool const previous = !t.previous_secret.empty() && t.previous_secret == secret &&
                              t.previous_expires_at && *t.previous_expires_at > now;
        if (!t.enabled || t.expires_at <= now || (t.secret != secret && !previous)) return false;
        t.last_seen_at = now;
        return true;
    }
    return false;
}

inline timestamp sandbox::expiry(token_duration const& d, timestamp now) const {
    if (d.is_forever()) return options_.forever_expires_at;
    return now.plus(std::chrono::ceil<std::chrono::seconds>(*d.value()));
}

inline boost::json::object sandbox::show(sandbox_token const& t, bool with_secret) const {
    boost::json::object shown;
    shown["client_id"] = t.client_id;
    if (with_secret) {
        shown["client_secret"] = t.secret;
    } else if (options_.masks_secrets) {
        shown["client_secret"] = std::string(t.secret.size(), '*');
    }
    shown["created_at"] = t.created_at.to_string();
    if (!with_secret || options_.shows_expiry_with_secret)
        shown["expires_at"] = t.expires_at.to_string();
    shown["id"] = t.id;
    shown["name"] = t.name;
    shown["updated_at"] = t.updated_at.to_string();
    shown["duration"] = t.duration.str();
    if (t.last_seen_at) shown["last_seen_at"] = t.last_seen_at->to_string();
    if (t.previous_expires_at && (with_secret || options_.shows_previous_expiry))
        shown["previous_client_secret_expires_at"] = t.previous_expires_at->to_string();
    if (options_.shows_version_and_enabled) {
        shown["client_secret_version"] = t.version;
        shown["enabled"] = t.enabled;
    }
    return shown;
}

inline std::uint64_t sandbox::random_bits() noexcept {
    return cloudflare::detail::splitmix64(random_ += cloudflare::detail::splitmix64_step);
}

inline std::string sandbox::random_string(std::string_view alphabet, std::size_t size) {
    std::string string;
    while (string.size() != size)
        string += alphabet[random_bits() % alphabet.size()];
    return string;
}

inline std::string sandbox::new_secret() {
    if (!options_.cfast_secrets) return random_string("0123456789abcdef", 64);
    return "cfast_" +
           random_string("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 48);
}

inline std::string sandbox::new_uuid() {
    auto uuid = random_string("0123456789abcdef", 36);
    for (std::size_t const at : {8U, 13U, 18U, 23U})
        uuid[at] = '-';
    uuid[14] = '4';
    uuid[19] = 'a';
    return uuid;
}

inline http::response sandbox::success(boost::json::value result, int status) {
    boost::json::object const envelope{{"success", true},
                                       {"errors", boost::json::array()},
                                       {"messages", boost::json::array()},
                                       {"result", std::move(result)}};
    http::response response{.status = status};
    response.body = boost::json::serialize(envelope);
    static_cast<void>(response.fields.add("Content-Type", "application/json; charset=UTF-8"));
    return response;
}

inline http::response sandbox::failure(int status, std::int64_t code, std::string_view message) {
    boost::json::object entry{{"code", code}, {"message", message}};
    if (code == 6003)
        entry["error_chain"] = {
            {{"code", 6111}, {"message", "Invalid format for Authorization header"}}};
    boost::json::object const envelope{{"result", nullptr},
                                       {"success", false},
                                       {"errors", boost::json::array{std::move(entry)}},
                                       {"messages", boost::json::array()}};
    http::response response{.status = status};
    response.body = boost::json::serialize(envelope);
    static_cast<void>(response.fields.add("Content-Type", "application/json; charset=UTF-8"));
    return response;
}

} // namespace cloudflare::inline v0::testing

/// The functions of a sink as operations: each says which statement to execute next, and makes the
/// result from the replies.
#pragma once

#include <cloudflare/access/detail/postgres/log_operations.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail::postgres {

inline constexpr std::string_view held_columns =
    "token_id, client_id, version, to_char(since AT TIME ZONE 'UTC', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), tag, key";

/// What is held, from a row of `held_columns`.
[[nodiscard]] inline held_token held_from(row const& r) {
    held_token held{std::string(string_at(r, 0)), std::string(string_at(r, 1)), number_at(r, 2)};
    if (auto const since = timestamp::parse(string_at(r, 3))) held.since = *since;
    held.tag = string_at(r, 4);
    held.key = string_at(r, 5);
    return held;
}

[[nodiscard]] inline result<void> check_key(std::string_view key) {
    if (key.size() > max_key_size)
        return error(errc::invalid_argument,
                     "key: must have at most " + std::to_string(max_key_size) + " bytes");
    return check_string("key", key);
}

/// What the functions have in common: the table, and the string that identifies the row.
class secret_operation {
public:
    static constexpr errc code = errc::sink_failed;
    static constexpr std::string_view doubt = written_or_not;

protected:
    secret_operation(tables const& names, std::string_view by) : tables_(names), by_(by) {}

    [[nodiscard]] std::string const& by() const noexcept { return by_; }
    [[nodiscard]] std::string table() const { return tables_.secrets(); }
    [[nodiscard]] std::string select() const {
        return "SELECT " + std::string(held_columns) + " FROM " + table();
    }
    [[nodiscard]] statement look_by_key() const {
        return statement(select() + " WHERE key = $1").value(by_);
    }

private:
    tables tables_;
    std::string by_;
};

/// Checks that the key is free or holds the intent's own token, and that the user may write.
class prepare_operation : public secret_operation {
public:
    using value_type = void;

    prepare_operation(tables const& names, intent const& i)
        : secret_operation(names, i.key), token_id_(i.token_id) {}

    [[nodiscard]] result<void> check() const { return check_key(by()); }
    [[nodiscard]] statement next() const {
        return statement("SELECT has_table_privilege('" + table() +
                         "', 'INSERT') AND has_table_privilege('" + table() +
                         "', 'UPDATE') AND has_table_privilege('" + table() +
                         "', 'DELETE') AND current_setting('transaction_read_only') = 'off', "
                         "(SELECT token_id FROM " +
                         table() + " WHERE key = $1)")
            .value(by());
    }
    [[nodiscard]] std::optional<result<void>> take(reply const& given, bool /*in_doubt*/) const {
        auto const first = given.rows.empty() ? row() : given.rows.front();
        if (string_at(first, 0) != "t")
            return result<void>(error(errc::sink_failed, "PostgreSQL: " + table() +
                                                             " cannot be written by this user"));
        auto const held = string_at(first, 1);
        if (held.empty() || held == token_id_) return result<void>();
        return result<void>(
            error(errc::sink_failed, "the key holds the token " + std::string(held)));
    }

private:
    std::string token_id_;
};

/// Inserts or replaces, if the key is free or holds no later secret of the same token. Storing the
/// same secret again changes nothing, so a store that was not acknowledged is simply repeated.
class store_operation : public secret_operation {
public:
    using value_type = void;

    store_operation(tables const& names, intent const& i, issued_service_token const& token)
        : secret_operation(names, i.key),
          token_id_(token.id),
          client_id_(token.client_id),
          tag_(i.tag),
          version_(token.client_secret_version.value_or(0)),
          secret_(token.client_secret) {}

    [[nodiscard]] result<void> check() const {
        if (auto const ok = check_key(by()); !ok) return ok;
        if (token_id_.empty()) return error(errc::invalid_argument, "token: must have an id");
        for (auto const& [field, string] :
             {std::pair<std::string_view, std::string_view>("token id", token_id_),
              {"client id", client_id_},
              {"tag", tag_},
              {"client secret", secret_.reveal()}})
            if (auto const ok = check_string(field, string); !ok) return ok;
        return {};
    }
    [[nodiscard]] statement next() const { return looks_ ? look_by_key() : store(); }
    [[nodiscard]] std::optional<result<void>> take(reply const& given, bool /*in_doubt*/) {
        if (!looks_) {
            if (given.affected == 1) return result<void>();
            looks_ = true;
            return std::nullopt;
        }
        looks_ = false;
        if (given.rows.empty()) return std::nullopt; // the key is free now
        auto const held = held_from(given.rows.front());
        if (held.token_id != token_id_)
            return result<void>(
                error(errc::sink_failed, "the key holds the token " + held.token_id));
        if (held.version <= version_) return std::nullopt;
        return result<void>(error(errc::sink_failed, "a later secret of " + token_id_ +
                                                         " is held, of version " +
                                                         std::to_string(held.version)));
    }

private:
    [[nodiscard]] statement store() const {
        statement s("INSERT INTO " + table() +
                    " AS held (key, token_id, client_id, client_secret, version, tag) VALUES ($1, "
                    "$2, $3, $4, $5, $6) ON CONFLICT (key) DO UPDATE SET client_id = "
                    "excluded.client_id, client_secret = excluded.client_secret, version = "
                    "excluded.version, since = CASE WHEN held.client_secret = "
                    "excluded.client_secret AND held.version = excluded.version THEN held.since "
                    "ELSE clock_timestamp() END WHERE held.token_id = excluded.token_id AND "
                    "held.version <= excluded.version" +
                    std::string(durably));
        s.writing().value(by()).value(token_id_).value(client_id_).value(secret_.reveal());
        s.value(version_).value(tag_);
        return s;
    }

    std::string token_id_;
    std::string client_id_;
    std::string tag_;
    std::int64_t version_;
    secret secret_;
    bool looks_ = false;
};

class find_operation : public secret_operation {
public:
    using value_type = std::optional<held_token>;

    find_operation(tables const& names, std::string_view key) : secret_operation(names, key) {}

    [[nodiscard]] result<void> check() const { return check_key(by()); }
    [[nodiscard]] statement next() const { return look_by_key(); }
    [[nodiscard]] std::optional<result<value_type>> take(reply const& given,
                                                         bool /*in_doubt*/) const {
        if (given.rows.empty()) return result<value_type>(value_type());
        return result<value_type>(value_type(held_from(given.rows.front())));
    }
};

class forget_operation : public secret_operation {
public:
    using value_type = void;

    forget_operation(tables const& names, std::string_view token_id)
        : secret_operation(names, token_id) {}

    [[nodiscard]] result<void> check() const { return check_string("token id", by()); }
    [[nodiscard]] statement next() const {
        return statement("DELETE FROM " + table() + " WHERE token_id = $1" + std::string(durably))
            .writing()
            .value(by());
    }
    [[nodiscard]] std::optional<result<void>> take(reply const& /*given*/,
                                                   bool /*in_doubt*/) const {
        return result<void>();
    }
};

class list_held_operation : public secret_operation {
public:
    using value_type = std::vector<held_token>;

    explicit list_held_operation(tables const& names) : secret_operation(names, {}) {}

    [[nodiscard]] result<void> check() const { return {}; }
    [[nodiscard]] statement next() const { return statement(select() + " ORDER BY key"); }
    [[nodiscard]] std::optional<result<value_type>> take(reply const& given,
                                                         bool /*in_doubt*/) const {
        value_type all;
        for (auto const& r : given.rows)
            all.push_back(held_from(r));
        return result<value_type>(std::move(all));
    }
};

class secret_of_operation : public secret_operation {
public:
    using value_type = std::optional<secret>;

    secret_of_operation(tables const& names, std::string_view key) : secret_operation(names, key) {}

    [[nodiscard]] result<void> check() const { return check_key(by()); }
    [[nodiscard]] statement next() const {
        return statement("SELECT client_secret FROM " + table() + " WHERE key = $1").value(by());
    }
    [[nodiscard]] std::optional<result<value_type>> take(reply const& given,
                                                         bool /*in_doubt*/) const {
        if (given.rows.empty()) return result<value_type>(value_type());
        return result<value_type>(value_type(secret(string_at(given.rows.front(), 0))));
    }
};

} // namespace cloudflare::inline v0::access::detail::postgres

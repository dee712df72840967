/// The functions of an intent log as operations: each says which statement to execute next, and
/// makes the result from the replies.
#pragma once

#include <cloudflare/access/detail/postgres/tables.hpp>
#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/intent_log.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail::postgres {

/// Makes a write durable even if the database or the user is set to acknowledge earlier. In
/// `RETURNING` it applies to the statement's own transaction.
inline constexpr std::string_view durably =
    " RETURNING set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN "
    "'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)";

inline constexpr std::string_view intent_columns =
    "tag, is_account, scope_id, name, opened_at, note, purpose, key, sink, token_id, version, "
    "state, until, writer, revision";

/// The values of an intent, in the order of `intent_columns`.
[[nodiscard]] inline statement with_intent(std::string sql, intent const& i) {
    statement s(std::move(sql));
    s.writing().value(i.tag).value(i.scope.is_account() ? "true" : "false").value(i.scope.id());
    s.value(i.name).value(i.opened_at.to_string()).value(i.note);
    s.value(static_cast<int>(i.purpose)).value(i.key).value(i.sink).value(i.token_id);
    s.value(i.version).value(static_cast<int>(i.state)).value(i.until.to_string());
    s.value(i.writer).value(i.revision);
    return s;
}

[[nodiscard]] inline result<any_scope> scope_from(bool is_account, std::string_view id) {
    if (is_account) {
        auto const account = account_scope::parse(id);
        if (!account) return account.error();
        return any_scope(*account);
    }
    auto const zone = zone_scope::parse(id);
    if (!zone) return zone.error();
    return any_scope(*zone);
}

/// An intent from a row of `intent_columns`.
[[nodiscard]] inline result<intent> intent_from(row const& r) {
    auto const scope = scope_from(string_at(r, 1) == "t", string_at(r, 2));
    auto const opened = timestamp::parse(string_at(r, 4));
    auto const until = timestamp::parse(string_at(r, 12));
    auto const purpose = number_at(r, 6), state = number_at(r, 11);
    bool const is_known = purpose >= 0 && purpose <= 1 && state >= 0 && state <= 3;
    if (!scope || !opened || !until || !is_known)
        return error(errc::intent_log_failed, "PostgreSQL: the row of intent " +
                                                  std::string(string_at(r, 0)) +
                                                  " has values that this program does not know");
    intent i(std::string(string_at(r, 0)), *scope, std::string(string_at(r, 3)), *opened,
             std::string(string_at(r, 5)));
    i.purpose = static_cast<intent_purpose>(purpose);
    i.key = string_at(r, 7);
    i.sink = string_at(r, 8);
    i.token_id = string_at(r, 9);
    i.version = number_at(r, 10);
    i.state = static_cast<intent_state>(state);
    i.until = *until;
    i.writer = string_at(r, 13);
    i.revision = number_at(r, 14);
    return i;
}

/// In bytes: an entry of PostgreSQL's B-tree has at most a third of a page.
inline constexpr std::size_t max_key_size = 2000;

[[nodiscard]] inline result<void> check_intent(intent const& i) {
    for (auto const& [field, string] : {std::pair<std::string_view, std::string_view>("tag", i.tag),
                                        {"key", i.key},
                                        {"sink", i.sink},
                                        {"name", i.name},
                                        {"token_id", i.token_id},
                                        {"note", i.note},
                                        {"writer", i.writer}})
        if (auto const ok = check_string(field, string); !ok) return ok;
    if (i.key.size() + i.sink.size() > max_key_size)
        return error(errc::invalid_argument, "key: must have, with the sink's name, at most " +
                                                 std::to_string(max_key_size) + " bytes");
    return {};
}

/// What an error says of a write that may have been committed.
inline constexpr std::string_view written_or_not = "; whether it was written is not known";

/// What the four functions have in common.
class intent_operation {
public:
    static constexpr errc code = errc::intent_log_failed;
    static constexpr std::string_view doubt = written_or_not;

    [[nodiscard]] result<void> check() const { return check_intent(intent_); }

protected:
    intent_operation(tables const& names, intent const& i) : tables_(names), intent_(i) {}

    [[nodiscard]] intent const& wanted() const noexcept { return intent_; }
    [[nodiscard]] std::string table() const { return tables_.intents(); }
    [[nodiscard]] std::string select() const {
        return "SELECT " + std::string(intent_columns) + " FROM " + table();
    }
    [[nodiscard]] statement look_by_tag() const {
        return statement(select() + " WHERE tag = $1").value(intent_.tag);
    }
    [[nodiscard]] error written_since() const {
        return {errc::conflict,
                "intent " + intent_.tag + ": written or erased by somebody else since"};
    }

private:
    tables tables_;
    intent intent_;
};

/// Inserts; if an intent is in the way, reads it. If that was erased meanwhile, starts again.
class insert_operation : public intent_operation {
public:
    using value_type = std::optional<intent>;

    insert_operation(tables const& names, intent const& i) : intent_operation(names, i) {}

    [[nodiscard]] statement next() const { return looks_ ? look() : insert(); }
    [[nodiscard]] std::optional<result<value_type>> take(reply const& given, bool in_doubt) {
        if (!looks_) {
            if (given.affected == 1) return result<value_type>(value_type());
            looks_ = true;
            return std::nullopt;
        }
        looks_ = false;
        if (given.rows.empty()) return std::nullopt;
        auto held = intent_from(given.rows.front());
        if (!held) return result<value_type>(held.error());
        bool const is_ours = in_doubt && *held == wanted(); // inserted without an acknowledgement
        return result<value_type>(is_ours ? value_type() : value_type(std::move(*held)));
    }

private:
    [[nodiscard]] statement insert() const {
        return with_intent("INSERT INTO " + table() + " (" + std::string(intent_columns) +
                               ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
                               "$14, $15) ON CONFLICT DO NOTHING" +
                               std::string(durably),
                           wanted());
    }
    [[nodiscard]] statement look() const {
        statement s(select() + " WHERE tag = $1 OR (key = $2 AND key <> '' AND state <> " +
                    std::string(settled_state) +
                    " AND purpose = $3 AND is_account = $4 AND scope_id = $5 AND sink = $6) ORDER "
                    "BY tag = $1 DESC LIMIT 1");
        auto const& i = wanted();
        s.value(i.tag).value(i.key).value(static_cast<int>(i.purpose));
        s.value(i.scope.is_account() ? "true" : "false").value(i.scope.id()).value(i.sink);
        return s;
    }

    bool looks_ = false;
};

/// A write by revision. If it has no effect after a try that was not acknowledged, the row tells
/// whether that try was committed.
class revision_operation : public intent_operation {
protected:
    using intent_operation::intent_operation;

    /// Whether the next statement reads the row.
    [[nodiscard]] bool looks() const noexcept { return looks_; }
    [[nodiscard]] std::optional<result<void>> take_write(reply const& given, bool in_doubt) {
        if (given.affected == 1) return result<void>();
        if (!in_doubt) return result<void>(written_since());
        looks_ = true;
        return std::nullopt;
    }

private:
    bool looks_ = false;
};

/// Compare-and-set by revision.
class update_operation : public revision_operation {
public:
    using value_type = void;

    update_operation(tables const& names, intent const& i) : revision_operation(names, i) {}

    [[nodiscard]] statement next() const { return looks() ? look_by_tag() : update(); }
    [[nodiscard]] std::optional<result<void>> take(reply const& given, bool in_doubt) {
        if (!looks()) return take_write(given, in_doubt);
        if (given.rows.empty()) return result<void>(written_since());
        auto const held = intent_from(given.rows.front());
        if (!held) return result<void>(held.error());
        auto written = wanted();
        ++written.revision;
        return *held == written ? result<void>() : result<void>(written_since());
    }

private:
    [[nodiscard]] statement update() const {
        auto const& i = wanted();
        statement s("UPDATE " + table() +
                    " SET name = $3, token_id = $4, version = $5, opened_at = $6, note = $7, state "
                    "= $8, until = $9, writer = $10, revision = revision + 1 WHERE tag = $1 AND "
                    "revision = $2" +
                    std::string(durably));
        s.writing().value(i.tag).value(i.revision).value(i.name).value(i.token_id).value(i.version);
        s.value(i.opened_at.to_string()).value(i.note).value(static_cast<int>(i.state));
        s.value(i.until.to_string()).value(i.writer);
        return s;
    }
};

/// Erases by revision. If the intent does not exist after a try that was not acknowledged, either
/// that try or somebody else erased it, so the result is an error.
class erase_operation : public revision_operation {
public:
    using value_type = void;

    erase_operation(tables const& names, intent const& i) : revision_operation(names, i) {}

    [[nodiscard]] statement next() const { return looks() ? look_by_tag() : erase(); }
    [[nodiscard]] std::optional<result<void>> take(reply const& given, bool in_doubt) {
        if (!looks()) return take_write(given, in_doubt);
        if (!given.rows.empty()) return result<void>(written_since());
        return result<void>(error(errc::intent_log_failed,
                                  "PostgreSQL: intent " + wanted().tag +
                                      " is erased; whether by this call is not known, because the "
                                      "connection was lost"));
    }

private:
    [[nodiscard]] statement erase() const {
        return statement("DELETE FROM " + table() + " WHERE tag = $1 AND revision = $2" +
                         std::string(durably))
            .writing()
            .value(wanted().tag)
            .value(wanted().revision);
    }
};

class list_intents_operation {
public:
    using value_type = std::vector<intent>;
    static constexpr errc code = errc::intent_log_failed;
    static constexpr std::string_view doubt = written_or_not;

    explicit list_intents_operation(tables const& names) : tables_(names) {}

    [[nodiscard]] result<void> check() const { return {}; }
    [[nodiscard]] statement next() const {
        return statement("SELECT " + std::string(intent_columns) + " FROM " + tables_.intents() +
                         " ORDER BY number");
    }
    [[nodiscard]] std::optional<result<value_type>> take(reply const& given, bool /*in_doubt*/) {
        value_type all;
        for (auto const& r : given.rows) {
            auto i = intent_from(r);
            if (!i) return result<value_type>(i.error());
            all.push_back(std::move(*i));
        }
        return result<value_type>(std::move(all));
    }

private:
    tables tables_;
};

} // namespace cloudflare::inline v0::access::detail::postgres

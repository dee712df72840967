/// The connection string, taken apart: which servers it names, and what libpq is told.
#pragma once

#include <cloudflare/access/postgres_options.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/wipe.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail::postgres {

/// A server as libpq names it: each may be empty.
struct server {
    std::string host{}; ///< a name, an address, or the directory of a socket
    std::string address{};
    std::string port{};

    /// Whether libpq would look the name up, and block meanwhile.
    [[nodiscard]] bool needs_look_up() const {
        bool const is_path = host.starts_with('/') || host.starts_with('@');
        return address.empty() && !host.empty() && !is_path;
    }
};

/// What libpq is told, in pairs of keyword and value.
class connection_parameters {
public:
    void set(std::string keyword, std::string_view value) {
        keywords_.push_back(std::move(keyword));
        values_.emplace_back(value);
    }
    /// Begins to connect.
    [[nodiscard]] PGconn* start() const {
        std::vector<char const*> keywords, values;
        for (auto const& k : keywords_)
            keywords.push_back(k.c_str());
        for (auto const& v : values_)
            values.push_back(v.c_str());
        keywords.push_back(nullptr);
        values.push_back(nullptr);
        return PQconnectStartParams(keywords.data(), values.data(), 0);
    }

private:
    std::vector<std::string> keywords_;
    std::vector<wiped_string> values_; // one of them is the password
};

/// The servers and what else the connection string says.
class servers {
public:
    /// @return `errc::invalid_argument` where libpq cannot read the string; its message is not
    /// shown, for it quotes
    [[nodiscard]] static result<servers> parse(secret const& string) {
        wiped_string const text(string.reveal());
        using options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
        options const given(PQconninfoParse(text.c_str(), nullptr), &PQconninfoFree);
        if (!given || text.find('\0') != text.npos)
            return error(errc::invalid_argument,
                         "connection: must be a connection string or URI that libpq can read");
        servers parsed;
        for (auto const* o = given.get(); o->keyword != nullptr; ++o)
            if (o->val != nullptr) parsed.explicit_.set(o->keyword, o->val);
        options const defaults(PQconndefaults(), &PQconninfoFree);
        auto const value = [&](std::string_view keyword) {
            for (auto const* from : {given.get(), defaults.get()})
                for (auto const* o = from; o != nullptr && o->keyword != nullptr; ++o)
                    if (keyword == o->keyword && o->val != nullptr) return std::string(o->val);
            return std::string();
        };
        parsed.list(value("host"), value("hostaddr"), value("port"));
        parsed.name_ = value("application_name");
        parsed.chooses_gss_ = value_of(given.get(), "gssencmode");
        return parsed;
    }

    [[nodiscard]] std::vector<server> const& all() const noexcept { return all_; }

    /// What the sessions call themselves: the user's name for the program.
    [[nodiscard]] std::string name() const {
        return name_.empty() ? "cloudflare-access" : name_.substr(0, 40);
    }

    /// What libpq is told to connect to these in turn.
    ///
    /// @param session the name of the session
    [[nodiscard]] connection_parameters parameters(std::vector<server> const& list,
                                                   std::string const& session) const {
        auto p = explicit_;
        auto const joined = [&](auto member) {
            std::string line;
            for (auto const& s : list)
                line += (&s == list.data() ? "" : ",") + s.*member;
            return line;
        };
        for (auto const& [keyword, member] : {std::pair("host", &server::host),
                                              {"hostaddr", &server::address},
                                              {"port", &server::port}}) {
            auto const line = joined(member);
            if (line.find_first_not_of(',') != line.npos) p.set(keyword, line);
        }
        p.set("client_encoding", "UTF8");
        p.set("target_session_attrs", "read-write");
        p.set("application_name", session);
        if (!chooses_gss_) p.set("gssencmode", "disable"); // asking for a ticket blocks
        return p;
    }

private:
    [[nodiscard]] static bool value_of(PQconninfoOption const* from, std::string_view keyword) {
        for (auto const* o = from; o->keyword != nullptr; ++o)
            if (keyword == o->keyword) return o->val != nullptr;
        return false;
    }
    [[nodiscard]] static std::vector<std::string> split(std::string const& line) {
        std::vector<std::string> parts(1);
        for (char const c : line)
            c == ',' ? parts.emplace_back() : parts.back() += c;
        return parts;
    }
    /// As libpq pairs them: lists of hosts and addresses of one length, and one port for all or one
    /// for each. What does not fit is left as it is, for libpq to refuse.
    void list(std::string const& host, std::string const& address, std::string const& port) {
        auto const hosts = split(host), addresses = split(address), ports = split(port);
        auto const count = std::max(hosts.size(), addresses.size());
        bool const fits = (host.empty() || hosts.size() == count) &&
                          (address.empty() || addresses.size() == count) &&
                          (ports.size() == 1 || ports.size() == count);
        if (!fits) {
            all_.push_back({host, address, port});
            return;
        }
        for (std::size_t i = 0; i != count; ++i)
            all_.push_back({i < hosts.size() ? hosts[i] : "",
                            i < addresses.size() ? addresses[i] : "",
                            ports.size() == 1 ? ports[0] : ports[i]});
    }

    connection_parameters explicit_;
    std::vector<server> all_;
    std::string name_;
    bool chooses_gss_ = false;
};

/// The list with another one first: for a try after one that met with silence.
[[nodiscard]] inline std::vector<server> rotated(std::vector<server> list, unsigned by) {
    if (!list.empty())
        std::rotate(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(by % list.size()),
                    list.end());
    return list;
}

} // namespace cloudflare::inline v0::access::detail::postgres

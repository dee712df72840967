/// The parsed connection string: which servers it names, and what else is passed to libpq.
#pragma once

#include <cloudflare/access/postgres_options.hpp>
#include <cloudflare/core/detail/posix_only.hpp>
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

/// A server as libpq names it; each member may be empty.
struct server {
    std::string host{}; ///< a name, an address, or the directory of a socket
    std::string address{};
    std::string port{};

    /// Whether libpq would look up the name, and block.
    [[nodiscard]] bool needs_look_up() const {
        bool const is_path = host.starts_with('/') || host.starts_with('@');
        return address.empty() && !host.empty() && !is_path;
    }
};

/// What is passed to libpq: pairs of keyword and value.
class connection_parameters {
public:
    void set(std::string keyword, std::string_view value) {
        keywords_.push_back(std::move(keyword));
        values_.emplace_back(value);
    }
    /// Starts to connect.
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
    std::vector<wiped_string> values_; // one of them may be the password
};

/// The servers and what else the connection string says.
class servers {
public:
    /// @return `errc::invalid_argument` if libpq cannot read the string; libpq's message, which
    /// quotes the string, is not shown
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

    /// The `application_name` of the connection string, or a default.
    [[nodiscard]] std::string name() const {
        return name_.empty() ? "cloudflare-access" : name_.substr(0, 40);
    }

    /// What is passed to libpq to try these servers in turn.
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
    /// Pairs the lists as libpq does: as many hosts as addresses, and one port for all or one for
    /// each. Lists that do not fit are left as they are, and libpq refuses them.
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

/// The list with another server first, for the try after one that did not respond.
[[nodiscard]] inline std::vector<server> rotated(std::vector<server> list, unsigned by) {
    if (!list.empty())
        std::rotate(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(by % list.size()),
                    list.end());
    return list;
}

} // namespace cloudflare::inline v0::access::detail::postgres

#include "configuration.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/sealing_key.hpp>

#include <boost/describe/members.hpp>
#include <boost/json/parse.hpp>
#include <boost/mp11/algorithm.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace cf = cloudflare;
namespace json = boost::json;

namespace {

[[noreturn]] void refuse(std::string const& field, std::string const& rule) {
    throw std::invalid_argument(field + ": " + rule);
}

// Reads a JSON value into a member: each overload takes one kind.
struct configuration_reader {
    std::filesystem::path directory;

    void read(std::string& to, json::value const& v, std::string const& field) const {
        if (!v.is_string()) refuse(field, "must be a string");
        to = v.get_string().c_str();
    }
    void read(file_name& to, json::value const& v, std::string const& field) const {
        read(to.path, v, field);
        if (!to.path.empty()) to.path = (directory / to.path).string();
    }
    void read(bool& to, json::value const& v, std::string const& field) const {
        if (!v.is_bool()) refuse(field, "must be true or false");
        to = v.get_bool();
    }
    template <std::int64_t Least, std::int64_t Most>
    void read(whole_number<Least, Most>& to, json::value const& v, std::string const& field) const {
        if (!v.is_int64() || v.get_int64() < Least || v.get_int64() > Most)
            refuse(field, "must be a whole number from " + std::to_string(Least) + " to " +
                              std::to_string(Most));
        to.value = v.get_int64();
    }
    template <class T>
    void read(std::vector<T>& to, json::value const& v, std::string const& field) const {
        if (!v.is_array()) refuse(field, "must be an array");
        for (auto const& element : v.get_array())
            read(to.emplace_back(), element, field + '[' + std::to_string(to.size() - 1) + ']');
    }
    template <class T>
    void read(T& to, json::value const& v, std::string const& field) const {
        if (!v.is_object()) refuse(field, "must be an object");
        auto unread = v.get_object();
        auto const prefix = field.empty() ? field : field + '.';
        using members = boost::describe::describe_members<T, boost::describe::mod_public>;
        boost::mp11::mp_for_each<members>([&](auto member) {
            auto const* const given = v.get_object().if_contains(member.name);
            if (given != nullptr) read(to.*member.pointer, *given, prefix + member.name);
            unread.erase(member.name);
        });
        if (!unread.empty()) refuse(prefix + std::string(unread.begin()->key()), "is no setting");
    }
};

template <class T>
void check(std::string const& field, cf::result<T> const& parsed) {
    if (!parsed) refuse(field, parsed.error().details().explanation);
}

void check(configuration const& c) {
    if (c.tls_certificate.path.empty()) refuse("tls_certificate", "must be set");
    if (c.tls_key.path.empty()) refuse("tls_key", "must be set");
    if (c.tls_client_ca.path.empty() && c.bearer_hashes.path.empty())
        refuse("bearer_hashes", "must be set, or tls_client_ca: nobody could be let in");
    if (c.state_directory.path.empty() == c.postgres.empty())
        refuse("state_directory", "must be set, or postgres, and not both");
    if (c.sealing_key.path.empty()) refuse("sealing_key", "must be set");
    if (!cf::access::sealing_key::is_id(c.sealing_key_id))
        refuse("sealing_key_id", "must have 1 to 64 letters, digits, '-', '_' or '.'");
    check("account_id", cf::access::account_scope::parse(c.account_id));
    check("api_base_url", cf::base_url::parse(c.api_base_url));
    check("token_duration", cf::token_duration::parse(c.token_duration));
}

} // namespace

cf::result<configuration> read_configuration(std::string const& path) {
    auto const text = read_file(path);
    if (!text) return text.error();
    try {
        configuration c;
        auto const directory = std::filesystem::path(path).parent_path();
        c.status_page.path = (directory / c.status_page.path).string();
        configuration_reader{directory}.read(c, json::parse(std::string_view(*text)), "");
        check(c);
        return c;
    } catch (std::exception const& e) {
        return cf::error(cf::errc::invalid_argument, path + ": " + e.what());
    }
}

cf::result<cf::wiped_string> read_file(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    cf::wiped_string text{std::istreambuf_iterator<char>(in), {}};
    if (!in) return cf::error(cf::errc::invalid_argument, path + ": cannot be read");
    return text;
}

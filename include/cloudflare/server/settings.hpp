/// A program's settings from a JSON file, read strictly into a struct that Boost.Describe describes.
#pragma once

#include <cloudflare/core/result.hpp>

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::server {

namespace detail {

template <std::integral T, std::int64_t Least, std::int64_t Most>
inline constexpr bool has_all_of = (Least >= 0 || std::is_signed_v<T>) &&
                                   static_cast<std::int64_t>(static_cast<T>(Least)) == Least &&
                                   static_cast<std::int64_t>(static_cast<T>(Most)) == Most;

} // namespace detail

/// An integer within bounds, which are part of its type, so that `read_settings` keeps them.
template <std::int64_t Least, std::int64_t Most>
class whole_number {
public:
    /// @param value a default, within the bounds
    constexpr whole_number(std::int64_t value = Least) noexcept : value_(value) {}
    /// The number.
    [[nodiscard]] constexpr std::int64_t value() const noexcept { return value_; }
    /// The same in any type of integer that has all numbers within the bounds.
    template <std::integral T>
        requires detail::has_all_of<T, Least, Most>
    constexpr operator T() const noexcept {
        return static_cast<T>(value_);
    }

    static constexpr std::int64_t least = Least; ///< the smallest one
    static constexpr std::int64_t most = Most;   ///< the largest one

private:
    std::int64_t value_;
};

namespace detail {

/// Reads a value into a setting; each overload takes one kind. False: there is a fault, and
/// `fault` tells the field and the rule.
class settings_reader {
public:
    explicit settings_reader(std::filesystem::path directory) : directory_(std::move(directory)) {}

    std::string fault{};

    /// Of the defaults.
    template <class Settings>
    void resolve_paths(Settings& settings) const {
        for_each_member<Settings>([&](auto member) {
            auto& setting = settings.*member.pointer;
            using type = std::remove_reference_t<decltype(setting)>;
            if constexpr (std::is_same_v<type, std::filesystem::path>) {
                if (!setting.empty()) setting = directory_ / setting;
            } else if constexpr (boost::describe::has_describe_members<type>::value) {
                resolve_paths(setting);
            }
        });
    }

    bool read(std::string& to, boost::json::value const& v, std::string const& field) {
        if (!v.is_string()) return refuse(field, "must be a string");
        to.assign(v.get_string().data(), v.get_string().size());
        if (to.find('\0') != to.npos) return refuse(field, "must have no NUL");
        return true;
    }
    bool read(std::filesystem::path& to, boost::json::value const& v, std::string const& field) {
        std::string string;
        if (!read(string, v, field)) return false;
        to = string.empty() ? std::filesystem::path() : directory_ / string;
        return true;
    }
    bool read(bool& to, boost::json::value const& v, std::string const& field) {
        if (!v.is_bool()) return refuse(field, "must be true or false");
        to = v.get_bool();
        return true;
    }
    template <std::int64_t Least, std::int64_t Most>
    bool read(whole_number<Least, Most>& to, boost::json::value const& v,
              std::string const& field) {
        if (!v.is_int64() || v.get_int64() < Least || v.get_int64() > Most)
            return refuse(field, "must be a whole number from " + std::to_string(Least) + " to " +
                                     std::to_string(Most));
        to = v.get_int64();
        return true;
    }
    template <class T>
    bool read(std::vector<T>& to, boost::json::value const& v, std::string const& field) {
        if (!v.is_array()) return refuse(field, "must be an array");
        to.clear();
        for (auto const& element : v.get_array())
            if (auto const at = field + '[' + std::to_string(to.size()) + ']';
                !read(to.emplace_back(), element, at))
                return false;
        return true;
    }
    template <class Settings>
    bool read(Settings& to, boost::json::value const& v, std::string const& field) {
        if (!v.is_object()) return refuse(field, "must be an object");
        for (auto const& given : v.get_object()) {
            std::string const name(given.key());
            auto const path = field.empty() ? name : field + '.' + name;
            bool is_known = false, is_right = true;
            for_each_member<Settings>([&](auto member) {
                if (name != member.name) return;
                is_known = true;
                is_right = read(to.*member.pointer, given.value(), path);
            });
            if (!is_known) return refuse(path, "is no setting");
            if (!is_right) return false;
        }
        return true;
    }

private:
    template <class Settings, class F>
    static void for_each_member(F f) {
        using members = boost::describe::describe_members<Settings, boost::describe::mod_public>;
        boost::mp11::mp_for_each<members>(f);
    }
    bool refuse(std::string const& field, std::string const& rule) {
        fault = field.empty() ? rule : field + ": " + rule;
        return false;
    }

    std::filesystem::path directory_;
};

} // namespace detail

/// Reads a JSON file whose members are called as those of the struct. What is not in the file keeps
/// its default; what is in the file and not in the struct is an error.
///
///     struct settings {
///         std::string address = "127.0.0.1";
///         server::whole_number<0, 65535> port{8443};
///         std::filesystem::path certificate;
///     };
///     BOOST_DESCRIBE_STRUCT(settings, (), (address, port, certificate))
///     ...
///     auto const s = server::read_settings<settings>("/etc/app/config.json");
///
/// A member is a string without NUL, a bool, a `whole_number`, a path (in the file, and as a default: absolute,
/// or seen from the file's directory), a struct of these that is described, too, or a vector of any
/// of them.
///
/// Errors: `errc::invalid_argument`, with the file, and the line or the member and its rule, e.g.
/// `config.json: rules[2].names: must be a string`.
template <class Settings>
[[nodiscard]] result<Settings> read_settings(std::filesystem::path const& file) {
    auto const refused = [&](std::string const& where, std::string const& why) {
        return error(errc::invalid_argument, file.string() + where + ": " + why);
    };
    std::ifstream in(file, std::ios::binary);
    std::string const text{std::istreambuf_iterator<char>(in), {}};
    if (!in) return refused("", "cannot be read");
    boost::json::parser parser;
    boost::system::error_code failed;
    auto const size = parser.write(text, failed);
    if (failed) {
        auto const read = text.begin() + static_cast<std::ptrdiff_t>((std::min)(size, text.size()));
        auto const line = std::count(text.begin(), read, '\n') + 1;
        return refused(':' + std::to_string(line), "is not JSON: " + failed.message());
    }
    detail::settings_reader reader(file.parent_path());
    Settings settings;
    reader.resolve_paths(settings);
    if (!reader.read(settings, parser.release(), "")) return refused("", reader.fault);
    return settings;
}

} // namespace cloudflare::inline v0::server

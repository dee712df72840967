// Profiles: named sets of settings in a configuration file, none of them a secret.
#pragma once

#include <cloudflare/core/result.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

using profile_settings = std::map<std::string, std::string, std::less<>>; // by the option's name
using profiles = std::map<std::string, profile_settings, std::less<>>;

// Reads a file of this form; `#` begins a comment line:
//
//     [staging]
//     account = 023e105f4ecef8ad9ca31a8372d0c353
//     credentials-command = pass show cloudflare/staging
//
// Errors: `errc::invalid_argument`, whose explanation begins with the line's number. A secret is refused, and not shown.
cloudflare::result<profiles> parse_profiles(std::string_view text);

// The profile that is wanted, which must be there; else the one called `default`, or nothing. In paths, `~/` is the home.
cloudflare::result<profile_settings> choose_profile(profiles const& all,
                                                    std::optional<std::string> const& wanted,
                                                    std::string const& path,
                                                    std::string const& home);

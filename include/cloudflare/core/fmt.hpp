/// fmt (github.com/fmtlib/fmt, 8 or newer) for the library's types. To be included beside the headers
/// of the types that are printed; it declares them only.
///
///     fmt::print("{:>40}\n", token.error());
#pragma once

#include <cloudflare/core/detail/printed.hpp>

#include <fmt/format.h>

/// Prints what `operator<<` prints, so no secret, with the format specification of a string.
template <cloudflare::detail::printed T>
struct fmt::formatter<T, char> : fmt::formatter<fmt::string_view, char> {
    template <class Context>
    auto format(T const& value, Context& context) const {
        return fmt::formatter<fmt::string_view, char>::format(cloudflare::detail::print(value),
                                                              context);
    }
};

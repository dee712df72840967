/// `std::format` for the library's types, where the standard library has it. To be included beside
/// the headers of the types that are printed; it declares them only.
///
///     std::format("{:>40}", token.error())
#pragma once

#include <cloudflare/core/detail/printed.hpp>

#include <string_view>
#include <version>

#if defined(__cpp_lib_format)

#include <format>

/// Prints what `operator<<` prints, so no secret, with the format specification of a string.
template <cloudflare::detail::printed T>
struct std::formatter<T, char> : std::formatter<std::string_view, char> {
    template <class Context>
    auto format(T const& value, Context& context) const {
        return std::formatter<std::string_view, char>::format(cloudflare::detail::print(value),
                                                              context);
    }
};

#endif

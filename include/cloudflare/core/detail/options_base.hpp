/// The base of the options classes: setters that chain.
#pragma once

#include <cloudflare/core/config.hpp>

#include <type_traits>
#include <utility>

namespace cloudflare::inline v0::detail {

/// Base of a class whose settings are private members, each with a setter and a getter of one name.
///
/// An aggregate with designated initializers would be shorter, but g++ 12 destroys an aggregate
/// twice when it stands inside a `co_await` expression, which is where options are written. A class
/// with private members is not an aggregate, and safe there. See "g++ 12's rules" in
/// include/README.md.
///
/// @tparam Options the derived class
template <class Options>
class options_base {
    friend Options;

    options_base() noexcept {}

    /// Assigns `value` to a setting, and returns the options for the next setter. The reference is
    /// to this object also where it is a temporary: keep a copy, not the reference.
    template <class Setting, class Value>
    Options& set(Setting& setting,
                 Value&& value) noexcept(std::is_nothrow_assignable_v<Setting&, Value>) {
        setting = std::forward<Value>(value);
        return static_cast<Options&>(*this);
    }
};

} // namespace cloudflare::inline v0::detail

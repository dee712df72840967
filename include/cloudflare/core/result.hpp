/// What a call returns: a value or an error. Failures outside the program throw nothing.
#pragma once

#include <cloudflare/core/error.hpp>

#include <boost/system/result.hpp>

namespace cloudflare::inline v0 {

/// `boost::system::result` with this library's `error`.
///
/// `value()` throws `error_exception` where there is no value; `*r` and `r->` are unchecked;
/// `r.error()` returns a copy, which is cheap.
template <class T>
using result = boost::system::result<T, error>;

/// Called by `result<T>::value()` on an error, found by argument-dependent lookup.
[[noreturn]] inline void throw_exception_from_error(error const& e, boost::source_location const&) {
    boost::throw_exception(error_exception(e));
}

} // namespace cloudflare::inline v0

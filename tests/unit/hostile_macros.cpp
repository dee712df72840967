// What system headers define as macros, <Windows.h> and <X11/Xlib.h> first of all, does not break the library's headers.
#include <doctest/doctest.h>

// The headers that ours include take care of themselves, or come first.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/system/result.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <compare>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <random>
#include <ratio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define interface struct
#define far
#define near
#define pascal
#define cdecl
#define small char
#define hyper int
#define IN
#define OUT
#define OPTIONAL
#define CALLBACK
#define WINAPI
#define CONST const
#define VOID void
#define STRICT 1
#define ERROR 0
#define NO_ERROR 0
#define DELETE (0x00010000L)
#define IGNORE 0
#define TRUE 1
#define FALSE 0
#define DOMAIN 1
#define OVERFLOW 3
#define GetObject GetObjectA
#define GetMessage GetMessageA
#define SendMessage SendMessageA
#define CreateFile CreateFileA
#define None 0L
#define Status int
#define Success 0
#define Always 2
#define Bool int
#define signals public
#define slots
#define emit

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>

#undef min
#undef max

TEST_CASE("the library works where its headers came after hostile macros") {
    using namespace cloudflare;
    CHECK(retry_policy().max_attempts(7).max_attempts() == 7);
    CHECK(backoff(retry_policy(), 1, 0).count() == 0);
    CHECK(http::origin::parse("https://api.example:8443").value().port() == 8443);
    CHECK(token_duration::hours(1) < token_duration::forever());
}

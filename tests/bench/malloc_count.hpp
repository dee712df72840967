/// How often this program, its libraries included, has asked the heap for memory.
#pragma once

#include <cstdint>

namespace bench {

/// Calls of malloc, calloc, realloc and the aligned ones since the program began. Exact for a
/// program with one thread.
[[nodiscard]] std::uint64_t malloc_count() noexcept;

} // namespace bench

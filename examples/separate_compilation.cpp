// The heavy parts of the library, compiled once for all programs here.
#include <cloudflare/src.hpp>

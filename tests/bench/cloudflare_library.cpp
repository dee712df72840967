// The heavy parts of the library, compiled once for the programs here.
#include <cloudflare/src.hpp>

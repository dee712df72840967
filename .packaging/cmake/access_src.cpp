#include <cloudflare/access_src.hpp>

// What src.hpp has beyond access_src.hpp.
#include <cloudflare/transport/impl/beast.ipp>
#include <cloudflare/transport/impl/beast_blocking.ipp>

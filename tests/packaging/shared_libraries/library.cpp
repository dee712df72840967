// A shared library with a copy of cloudflare-access in it, of which nothing is exported. Built twice, with LIBRARY as
// `first` and as `second`.
#include "library.hpp"

#include <cloudflare/core/result.hpp>
#include <cloudflare/src.hpp>

namespace LIBRARY {

boost::system::error_category const& category() {
    return cloudflare::error_category();
}
cloudflare::error rate_limited() {
    return {cloudflare::errc::rate_limited, "for a while"};
}
void throw_rate_limited() {
    static_cast<void>(cloudflare::result<int>(rate_limited()).value());
}
bool recognises(cloudflare::error const& e) {
    return e == cloudflare::errc::rate_limited && e.code() == rate_limited().code() &&
           e.code() == cloudflare::condition::rate_limited;
}
bool catches(void (*throw_one)()) {
    try {
        throw_one();
    } catch (cloudflare::error_exception const& thrown) {
        return recognises(thrown.error());
    } catch (...) {
    }
    return false;
}

} // namespace LIBRARY

// Boost.URL from its headers, for builds that Debian has no library for.
#include <boost/url/src.hpp>

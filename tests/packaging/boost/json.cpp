// Boost.JSON from its headers, for builds that Debian has no library for.
#include <boost/json/src.hpp>

// Lengths of time as people write them.
#pragma once

#include <string>
#include <string_view>

// The string with its days, weeks and years as hours, which is what the API takes: `1d` is `24h`, `1y` is `8760h`,
// `1d12h30m` is `36h30m`. What has none of them, or cannot be read, stays as it is.
std::string in_hours(std::string_view written);

// "Did you mean": the known word that a mistyped one is nearest to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// How many letters must be added, left out, replaced or swapped with the next one to make one word the other.
std::size_t distance(std::string_view a, std::string_view b);

// The nearest of the words, where one is near enough to be meant; else empty.
std::string_view nearest(std::string_view word, std::vector<std::string_view> const& known);

// `; did you mean X?`, or nothing.
std::string did_you_mean(std::string_view word, std::vector<std::string_view> const& known);

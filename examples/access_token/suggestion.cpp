#include "suggestion.hpp"

#include <algorithm>

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j)
        d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t j = 1; j <= b.size(); ++j) {
            auto const replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
            bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

std::string_view nearest(std::string_view word, std::vector<std::string_view> const& known) {
    if (word.empty() || word.size() > 64) return {};
    std::string_view best;
    auto least = 2 * std::max<std::size_t>(1, word.size() / 3) + 2; // too far
    for (auto const one : known) {
        // The beginning of a word is nearly as near as one wrong letter.
        bool const is_begun = word.size() > 2 && one.starts_with(word);
        auto const far = std::min<std::size_t>(2 * distance(word, one), is_begun ? 3 : 100);
        if (far >= least) continue;
        least = far;
        best = one;
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::vector<std::string_view> const& known) {
    auto const best = nearest(word, known);
    return best.empty() ? std::string() : "; did you mean " + std::string(best) + '?';
}

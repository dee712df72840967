// A table for people: a header, and columns as wide as what they hold.
#pragma once

#include <string>
#include <vector>

struct table {
    std::vector<std::string> header{};
    std::vector<std::vector<std::string>> rows{}; // each as long as the header

    // @param colours whether the header is bold
    [[nodiscard]] std::string str(bool colours) const;
};

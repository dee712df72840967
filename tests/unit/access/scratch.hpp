// A directory of a test's own, removed at the end.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace faults {

struct scratch {
    scratch() {
        auto pattern = (std::filesystem::temp_directory_path() / "stores-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        directory = pattern;
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() { std::filesystem::remove_all(directory); }

    [[nodiscard]] std::string path(std::string const& name = "file") const {
        return (directory / name).string();
    }
    /// How many entries the directory has.
    [[nodiscard]] int entries() const {
        int count = 0;
        for ([[maybe_unused]] auto const& e : std::filesystem::directory_iterator(directory))
            ++count;
        return count;
    }
    std::filesystem::path directory;
};

inline std::string read(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write(std::string const& path, std::string const& text) {
    std::ofstream(path, std::ios::binary) << text;
}

} // namespace faults

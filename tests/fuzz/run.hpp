// Runs a fuzz target: by libFuzzer, or on inputs made from a seed by mutating the target's samples.
// Usage without libFuzzer: PROGRAM [COUNT [SEED]]
// Usage with libFuzzer: PROGRAM [OPTION...] CORPUS_DIR, into which the samples are written first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

// What each target defines: good inputs to begin with, and the check, which aborts where something
// is wrong.
std::vector<std::string> samples();
void check(std::string_view input);

inline void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

/// The next line of an input that has several, taken off its front.
inline std::string_view take_line(std::string_view& rest) {
    auto const end = rest.find('\n');
    auto const line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    return line;
}

#ifdef USE_LIBFUZZER
// Not inline, or clang leaves them out: libFuzzer, which calls them, is linked later.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    check({reinterpret_cast<char const*>(data), size});
    return 0;
}

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    for (auto i = 1; i != *argc; ++i) {
        std::filesystem::path const corpus((*argv)[i]);
        if (corpus.native().starts_with("-") || std::filesystem::is_regular_file(corpus)) continue;
        std::filesystem::create_directories(corpus);
        auto const all = samples();
        for (std::size_t n = 0; n != all.size(); ++n)
            std::ofstream(corpus / ("sample_" + std::to_string(n)), std::ios::binary) << all[n];
        break;
    }
    return 0;
}
#else
class input_maker {
public:
    explicit input_maker(std::uint64_t seed) : random_(seed), samples_(samples()) {}

    std::string next() {
        auto text = samples_[below(samples_.size())];
        for (auto changes = below(6); changes != 0; --changes)
            change(text);
        return text;
    }

private:
    std::size_t below(std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
    }
    void change(std::string& text) {
        auto const at = below(text.size() + 1);
        switch (below(5)) {
        case 0: text.insert(at, 1, static_cast<char>(below(256))); break;
        case 1: text.resize(at); break;
        case 2: text.erase(at, below(8) + 1); break;
        case 3: {
            auto const& other = samples_[below(samples_.size())];
            text.insert(at, other.substr(below(other.size() + 1), below(20)));
            break;
        }
        default:
            if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        }
    }

    std::mt19937_64 random_;
    std::vector<std::string> samples_;
};

int main(int argc, char** argv) {
    auto const count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000ULL;
    auto const seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1ULL;
    input_maker inputs(seed);
    for (auto const& sample : samples())
        check(sample);
    for (auto i = 0ULL; i != count; ++i)
        check(inputs.next());
    std::printf("%llu inputs from seed %llu\n", count, seed);
}
#endif

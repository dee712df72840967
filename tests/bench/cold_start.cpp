// How long new processes take: runs programs in turn with the same arguments, and prints the medians.
//
//   cold_start RUNS PROGRAMS PROGRAM... ARGUMENT...    where PROGRAMS is how many there are
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char** environ;

namespace {

using milliseconds = std::chrono::duration<double, std::milli>;

struct times {
    std::vector<double> wall;
    std::vector<double> cpu;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// A process that says nothing on stdout, from its start to its end.
void run_once(char* program, std::vector<char*> arguments, times& to) {
    arguments.insert(arguments.begin(), program);
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t silent;
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, 1, "/dev/null", O_WRONLY, 0);

    auto const begin = std::chrono::steady_clock::now();
    pid_t child = 0;
    bool const started =
        posix_spawn(&child, program, &silent, nullptr, arguments.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&silent);
    if (!started) throw std::runtime_error(std::string("not started: ") + program);
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    milliseconds const wall = std::chrono::steady_clock::now() - begin;
    if (status != 0) throw std::runtime_error(std::string("failed: ") + program);

    to.wall.push_back(wall.count());
    auto const span = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
    };
    to.cpu.push_back(span(used.ru_utime) + span(used.ru_stime));
}

void print(std::vector<char*> const& programs, std::vector<times> const& all) {
    std::cout << std::fixed << std::setprecision(2) << std::setw(36) << "wall ms" << std::setw(10)
              << "CPU ms" << std::setw(10) << "/ first\n";
    for (std::size_t i = 0; i != programs.size(); ++i)
        std::cout << "  " << std::left << std::setw(26)
                  << std::filesystem::path(programs[i]).filename().string() << std::right
                  << std::setw(8) << median(all[i].wall) << std::setw(10) << median(all[i].cpu)
                  << std::setw(9) << median(all[i].wall) / median(all[0].wall) << '\n';
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 4) throw std::invalid_argument("usage: RUNS PROGRAMS PROGRAM... ARGUMENT...");
        auto const runs = std::stoul(argv[1]);
        auto const count = std::stol(argv[2]);
        std::vector<char*> const programs(argv + 3, argv + 3 + count);
        std::vector<char*> const arguments(argv + 3 + count, argv + argc);
        std::vector<times> all(programs.size());
        for (std::size_t run = 0; run != runs; ++run)
            for (std::size_t i = 0; i != programs.size(); ++i)
                run_once(programs[i], arguments, all[i]);
        print(programs, all);
        return 0;
    } catch (std::exception const& e) {
        std::cerr << "cold_start: " << e.what() << '\n';
        return 1;
    }
}

#include <cloudflare/transport/detail/fork_detector.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

namespace fork_detector_tests {
namespace {

using cloudflare::detail::fork_detector;

/// The exit status of a child that runs `job` and exits with what it gives.
template <class Job>
int status_of_child(Job job) {
    auto const child = ::fork();
    if (child == 0) ::_exit(job());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a process is no child of itself") {
    fork_detector const here;
    CHECK_FALSE(here.in_child());
}

TEST_CASE("a forked child is detected, and its parent is not taken for one") {
    fork_detector const here;
    CHECK(status_of_child([&] { return here.in_child() ? 1 : 0; }) == 1);
    CHECK_FALSE(here.in_child());
}

TEST_CASE("what a child makes is its own") {
    CHECK(status_of_child([] { return fork_detector().in_child() ? 1 : 0; }) == 0);
}

TEST_CASE("a child's child is detected too") {
    fork_detector const here;
    CHECK(status_of_child(
              [&] { return status_of_child([&] { return here.in_child() ? 1 : 0; }); }) == 1);
}

} // namespace
} // namespace fork_detector_tests

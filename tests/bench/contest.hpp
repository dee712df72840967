/// The course that each contestant runs: connect and warm up, then make the creates that count.
#pragma once

#include "arguments.hpp"
#include "stopwatch.hpp"

#include <exception>
#include <iostream>

namespace bench {

/// The `main` of a contestant.
///
/// @tparam Contestant made of `arguments`; its `create(n)` makes `n` creates, as many at once as
/// the arguments say, over connections that it keeps
template <class Contestant>
int run_contest(int argc, char** argv) {
    try {
        auto const given = arguments::parse(argc, argv);
        Contestant contestant(given);
        contestant.create(given.warm_up);
        stopwatch const watch;
        contestant.create(given.count);
        print_each(std::cout, watch.read(), given.count);
        return 0;
    } catch (std::exception const& e) {
        std::cerr << argv[0] << ": " << e.what() << '\n';
        return 1;
    }
}

} // namespace bench

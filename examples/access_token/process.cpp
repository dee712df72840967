#include "process.hpp"

#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

void protect_memory() {
    rlimit const none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    ::prctl(PR_SET_DUMPABLE,
            0); // also where a program is told of crashes, for which the limit does not count
#endif
}

#include "work_lock.hpp"

#include "token_file.hpp"

#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace {

// FNV-1a: two files that share a byte by chance wait for each other, no more.
::off_t byte_of(std::string const& path) {
    std::uint64_t hash = 14695981039346656037U;
    for (char const c : path)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<::off_t>::max());
    return static_cast<::off_t>(hash % last);
}

} // namespace

work_lock::work_lock(work_lock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), held_(other.held_) {}

work_lock::~work_lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

work_lock::attempt work_lock::try_lock(std::string const& log, std::string const& secret_file,
                                       kind wanted) {
    return try_lock(log, std::vector<std::string>{secret_file}, wanted);
}

work_lock::attempt work_lock::try_lock(std::string const& log,
                                       std::vector<std::string> const& secret_files, kind wanted) {
    auto const path = whole_path(log) + ".lock";
    int const descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    work_lock taken(descriptor, descriptor >= 0);
    for (auto const& secret_file : secret_files) {
        if (!taken.held_) break;
        struct ::flock range{};
        range.l_type = wanted == kind::shared ? F_RDLCK : F_WRLCK;
        range.l_whence = SEEK_SET;
        range.l_start = byte_of(secret_file);
        range.l_len = 1;
        auto in_the_way = range;
        taken.held_ = ::fcntl(descriptor, F_SETLK, &range) == 0;
        if (taken.held_ || (errno != EAGAIN && errno != EACCES)) continue;
        attempt none; // closing the descriptor ends what was locked
        if (::fcntl(descriptor, F_GETLK, &in_the_way) == 0 && in_the_way.l_type != F_UNLCK)
            none.holder = static_cast<int>(in_the_way.l_pid);
        return none;
    }
    return attempt{std::move(taken)};
}

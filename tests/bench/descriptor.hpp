/// A file descriptor that is closed at the end.
#pragma once

#include <cerrno>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace bench {

class descriptor {
public:
    /// @param number as `socket` and the like give it: throws where it says that there is none
    explicit descriptor(int number) : number_(number) {
        if (number_ < 0) throw std::system_error(errno, std::generic_category(), "descriptor");
    }
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

} // namespace bench

#include "secret_file.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cf = cloudflare;

namespace {

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        auto const n = ::write(descriptor, text.data(), text.size());
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

} // namespace

secret_file::secret_file(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

secret_file::secret_file(secret_file&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      stored_(other.stored_) {}

secret_file::~secret_file() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (!stored_) ::unlink(path_.c_str());
}

cf::result<secret_file> secret_file::create(std::string path) {
    int const descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return cf::error(
            cf::errc::invalid_argument,
            "secret file: " + path + ": " +
                boost::system::error_code(errno, boost::system::system_category()).message());
    secret_file made(std::move(path), descriptor);
    // The disk's room is taken now, while nothing is lost if there is none.
    if (::posix_fallocate(descriptor, 0, 256) != 0)
        return cf::error(cf::errc::invalid_argument, "secret file: no room on the disk");
    return made;
}

bool secret_file::store(cf::secret const& secret) {
    bool const written = write_all(descriptor_, secret.reveal()) && write_all(descriptor_, "\n") &&
                         ::ftruncate(descriptor_, static_cast<off_t>(secret.size() + 1)) == 0 &&
                         ::fsync(descriptor_) == 0;
    stored_ = written;
    return written;
}

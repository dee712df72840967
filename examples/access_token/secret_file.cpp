#include "secret_file.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cf = cloudflare;

namespace {
constexpr std::size_t reserved = 256; // bytes: more than a secret has
}

secret_file::secret_file(std::string path, cf::access::file opened)
    : path_(std::move(path)), file_(std::move(opened)) {}

secret_file::secret_file(secret_file&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

secret_file::~secret_file() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

cf::result<secret_file> secret_file::create(std::string path) {
    auto opened =
        cf::access::file::open(path, O_WRONLY | O_CREAT | O_EXCL, cf::errc::invalid_argument);
    if (!opened) return opened.error();
    secret_file made(std::move(path), std::move(*opened));
    // Space on the disk is taken now, while nothing is lost if there is none. Not every file system can set it aside.
    int const failed = ::posix_fallocate(made.file_.descriptor(), 0, reserved);
    if (failed == ENOSPC || failed == EDQUOT) {
        errno = failed;
    } else if (failed == 0 || made.fill()) {
        return made;
    }
    return cf::access::file::last_error(cf::errc::invalid_argument, made.path_);
}

bool secret_file::fill() const {
    return file_.write(std::string(reserved, '\0')) &&
           ::lseek(file_.descriptor(), 0, SEEK_SET) == 0;
}

bool secret_file::store(cf::secret const& secret) {
    auto const size = static_cast<off_t>(secret.size() + 1);
    bool const written = file_.write(secret.reveal()) && file_.write("\n") &&
                         ::ftruncate(file_.descriptor(), size) == 0 && file_.sync();
    if (written) path_.clear();
    return written;
}

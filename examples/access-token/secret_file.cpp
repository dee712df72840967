#include "secret_file.hpp"

#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cf = cloudflare;

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
    // The disk's room is taken now, while nothing is lost if there is none.
    if (::posix_fallocate(made.file_.descriptor(), 0, 256) != 0)
        return cf::error(cf::errc::invalid_argument, "secret file: no room on the disk");
    return made;
}

bool secret_file::store(cf::secret const& secret) {
    auto const size = static_cast<off_t>(secret.size() + 1);
    bool const written = file_.write(secret.reveal()) && file_.write("\n") &&
                         ::ftruncate(file_.descriptor(), size) == 0 && file_.sync();
    if (written) path_.clear();
    return written;
}

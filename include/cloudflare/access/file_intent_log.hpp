/// A log of intents that is a file: appended to, flushed (fsync), and readable after any crash.
#pragma once

#include <cloudflare/access/detail/intent_log_file.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/core/detail/utf8.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Keeps intents in a file. A handle: copies share what was read.
///
/// The first line names the format; a file that starts with anything else is refused and not
/// changed. Each further line is a checksum and a JSON object. The next write removes the part of a
/// line that a crash left at the end; a line that is whole but for its newline counts. A damaged
/// line, or one with a member of another type than is written, is ignored, kept and counted
/// (`damaged_lines`); a whole line that is not understood, perhaps of a later version, is kept.
///
/// A write costs one line and one `fsync`, however many intents there are; concurrent writes of
/// several threads share one. A file over 64 KiB of which most is of no use any more is written
/// anew (`NAME.new.DIGITS`) and replaced.
///
/// Errors: `errc::intent_log_failed` with the path and the reason, also if the directory is
/// missing, because it may be a volume that is not mounted (`delivery` is `unknown` if the write may
/// have been made all the same, otherwise `not_sent`); `errc::invalid_argument` for an intent whose
/// strings are not UTF-8; `errc::conflict` as in `intent_log`.
///
/// Threads: may be used from several at once, by several processes of one host, and of several
/// hosts if the file system has locks (`flock`) across them; one without locks is an error. Blocks
/// on the disk, and for up to `patience` on another process that has the lock.
///
/// @tparam System the system calls; another one than the default is for tests
template <class System = detail::posix>
class basic_file_intent_log {
public:
    /// @param path the file, or a symbolic link to it; created with the first intent, in a
    /// directory that must exist
    /// @param patience how long a call may wait for another process, which may be stopped; negative
    /// counts as zero. An issue calls a log that failed up to four times.
    explicit basic_file_intent_log(std::string path,
                                   std::chrono::milliseconds patience = std::chrono::seconds(5))
        : state_(std::make_shared<state>(std::move(path), patience)) {}

    /// Of the file.
    [[nodiscard]] std::string const& path() const noexcept { return state_->file.path(); }

    [[nodiscard]] result<std::optional<intent>> insert(intent const& i) const {
        change c{.what = change::kind::insert, .wanted = i};
        if (auto const done = state_->commit(c); !done) return done.error();
        return std::move(c.in_the_way);
    }
    [[nodiscard]] result<void> update(intent const& i) const {
        change c{.what = change::kind::update, .wanted = i};
        return state_->commit(c);
    }
    [[nodiscard]] result<void> erase(intent const& i) const {
        change c{.what = change::kind::erase, .wanted = i};
        return state_->commit(c);
    }
    [[nodiscard]] result<std::vector<intent>> list() const { return state_->file.list(); }

    /// How many lines of the file were damaged at the last call of another function. Each may be an
    /// intent that is lost: look at the file.
    [[nodiscard]] std::size_t damaged_lines() const { return state_->file.damaged_lines(); }

private:
    using change = detail::intent_change;

    /// What copies share: the file, and the changes that threads wait for.
    struct state {
        state(std::string path, std::chrono::milliseconds patience)
            : file(std::move(path), patience) {}

        /// Adds the change to the next batch. The first thread that finds no other writing writes
        /// the batch for all that wait.
        [[nodiscard]] result<void> commit(change& c) {
            if (auto const ok = check(c.wanted); !ok) return ok;
            std::unique_lock lock(mutex);
            waiting.push_back(&c);
            written.wait(lock, [&] { return c.is_done || !is_busy; });
            if (c.is_done) return c.outcome;
            is_busy = true;
            auto const batch = std::exchange(waiting, {});
            lock.unlock();
            auto const outcome = file.commit(batch);
            lock.lock();
            for (auto* one : batch) {
                if (!outcome && one->outcome) one->outcome = outcome;
                one->is_done = true;
            }
            is_busy = false;
            written.notify_all();
            return c.outcome;
        }

        detail::intent_log_file<System> file;
        std::mutex mutex;
        std::condition_variable written;
        std::vector<change*> waiting;
        bool is_busy = false; ///< a thread writes
    };

    [[nodiscard]] static result<void> check(intent const& i) {
        for (auto const* string : {&i.tag, &i.name, &i.note, &i.key, &i.sink, &i.token_id})
            if (!is_utf8(*string))
                return error(errc::invalid_argument, "intent: name, note and keys must be UTF-8");
        if (i.tag.empty()) return error(errc::invalid_argument, "intent: tag must not be empty");
        return {};
    }

    std::shared_ptr<state> state_;
};

/// A `basic_file_intent_log` on this system's files.
using file_intent_log = basic_file_intent_log<>;

static_assert(intent_log<file_intent_log>);

} // namespace cloudflare::inline v0::access

/// The file of an intent log: read on, appended to, and written anew when it has grown.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/detail/intent_journal.hpp>
#include <cloudflare/access/detail/replacement.hpp>
#include <cloudflare/access/intent_log.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// A change of a log, and what came of it.
struct intent_change {
    enum class kind : unsigned char {
        insert,
        update,
        erase
    };

    kind what;
    intent const& wanted;
    std::optional<intent> in_the_way{}; ///< of an insert: who holds its tag or key
    result<void> outcome{};
    bool is_done = false;
};

/// Threads: may be used from several at once.
template <class System>
class intent_log_file {
public:
    /// @param patience how long to wait for another process that has the lock
    intent_log_file(std::string path, std::chrono::milliseconds patience)
        : path_(std::move(path)), patience_(patience) {}

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// Carries out the changes in turn, with one write and one `fsync` for all.
    ///
    /// @return an error: none of them was written, or it is not known which
    [[nodiscard]] result<void> commit(std::vector<intent_change*> const& batch) {
        std::lock_guard const lock(mutex_);
        auto const opened = open_locked(O_RDWR | O_CREAT, LOCK_EX);
        if (!opened) return opened.error();
        if (auto const read = read_on(*opened); !read) return read;
        std::string lines;
        for (auto* change : batch) {
            auto const line = line_of(*change);
            if (!line) continue;
            // The next of the batch depends on this one.
            journal_.apply(*line);
            lines.append(*line) += '\n';
        }
        if (lines.empty()) return {};
        return append(*opened, lines);
    }

    [[nodiscard]] result<std::vector<intent>> list() {
        std::lock_guard const lock(mutex_);
        auto const opened = open_locked(O_RDONLY, LOCK_SH);
        if (!opened) {
            if (opened.error().details().cause.value() != ENOENT) return opened.error();
            forget();
            auto const directory = open_directory_of<System>(target_, errc::intent_log_failed);
            if (!directory) return named(directory.error(), ": its directory cannot be opened");
            return std::vector<intent>();
        }
        if (auto const read = read_on(*opened); !read) return read.error();
        return journal_.all();
    }

    /// How many lines were damaged when the file was read last.
    [[nodiscard]] std::size_t damaged_lines() {
        std::lock_guard const lock(mutex_);
        return journal_.damaged();
    }

private:
    using file = basic_file<System>;

    /// The line that a change writes; nothing if it writes none, and then its outcome is set.
    [[nodiscard]] std::optional<std::string> line_of(intent_change& change) const {
        auto const& i = change.wanted;
        if (change.what == intent_change::kind::insert) {
            auto const* held = journal_.in_the_way_of(i);
            if (held == nullptr) return intent_journal::line_of(i);
            change.in_the_way = *held;
            return std::nullopt;
        }
        auto const* held = journal_.find(i.tag);
        if (held == nullptr || held->revision != i.revision) {
            change.outcome = error(
                errc::conflict, "intent " + i.tag + ": written or erased by somebody else since");
            return std::nullopt;
        }
        if (change.what == intent_change::kind::erase) return intent_journal::line_of_erased(i.tag);
        auto next = i;
        ++next.revision;
        return intent_journal::line_of(next);
    }

    /// Opens the file and locks it; again if another one was put in its place meanwhile.
    [[nodiscard]] result<file> open_locked(int flags, int operation) {
        for (int tries = 0; tries != 100; ++tries) {
            auto resolved = resolve_links<System>(path_, errc::intent_log_failed);
            if (!resolved) return resolved.error();
            target_ = std::move(*resolved);
            auto opened = file::open(target_, flags | O_NONBLOCK, errc::intent_log_failed);
            if (!opened) return named(opened.error());
            auto const locked = opened->lock(operation, patience_, errc::intent_log_failed, path_);
            if (!locked) return locked.error();
            struct ::stat own{}, there{};
            if (!opened->status(own)) return last_error();
            if (!S_ISREG(own.st_mode)) return failed(": is no regular file");
            if (System::status(target_.c_str(), there) != 0) {
                if (errno == ENOENT) continue;
                return last_error();
            }
            if (own.st_dev != there.st_dev || own.st_ino != there.st_ino) continue;
            note(own);
            return opened;
        }
        return failed(": is replaced again and again");
    }
    /// Forgets what was read if this is another file, or not what it was.
    void note(struct ::stat const& own) {
        size_ = static_cast<std::size_t>(own.st_size);
        if (own.st_dev != device_ || own.st_ino != inode_ || size_ < end_ || is_suspect_) forget();
        device_ = own.st_dev;
        inode_ = own.st_ino;
    }
    void forget() {
        journal_ = intent_journal();
        end_ = 0;
        lacks_newline_ = false;
    }

    /// Applies the lines after those that were read before.
    [[nodiscard]] result<void> read_on(file const& opened) {
        if (size_ == end_) return {};
        wiped_string text;
        if (!opened.read(text, end_)) return last_error();
        std::string_view rest = text;
        if (end_ == 0) {
            auto const first = rest.substr(0, rest.find('\n'));
            if (rest.starts_with(journal_format)) {
                rest.remove_prefix(journal_format.size());
                end_ = journal_format.size();
            } else if (first.size() == rest.size() ? !intent_journal::may_be_cut_format(rest)
                                                   : !intent_journal::is_whole(first)) {
                return failed(": is no intent log, according to its first line");
            }
        }
        if (lacks_newline_ && rest.starts_with('\n')) {
            rest.remove_prefix(1);
            ++end_;
            lacks_newline_ = false;
        }
        for (auto stop = rest.find('\n'); stop != rest.npos; stop = rest.find('\n')) {
            journal_.apply(rest.substr(0, stop));
            rest.remove_prefix(stop + 1);
            end_ += stop + 1;
        }
        if (end_ != 0 && intent_journal::holds_line(rest)) {
            journal_.apply(rest);
            end_ += rest.size();
            lacks_newline_ = true;
        }
        return {};
    }

    /// Writes the lines, which the journal has already, after the last whole one, and flushes them.
    [[nodiscard]] result<void> append(file const& opened, std::string const& lines) {
        constexpr std::size_t small_size = std::size_t{64} * 1024;
        bool const has_grown = size_ > small_size && size_ / 4 > journal_.live_bytes();
        if ((has_grown || is_suspect_) && rewrite(opened)) {
            if (is_suspect_) return in_doubt(last_error());
            return {};
        }

        wiped_string rest;
        std::string text;
        if (size_ != end_ && !opened.read(rest, end_)) return is_suspect_ = true, last_error();
        if (end_ == 0) {
            text = journal_format;
        } else if (lacks_newline_) {
            text = "\n";
        } else if (!intent_journal::may_be_cut_line(rest)) {
            text = "\n"; // not from a crash: it stays, as a damaged line
            journal_.apply(rest);
            end_ = size_;
        }
        text += lines;
        bool const is_cut = size_ == end_ || cut(opened);
        bool const is_written =
            is_cut && opened.write(text, end_) && opened.sync() && (end_ != 0 || sync_directory());
        if (!is_written) {
            auto const why = last_error();
            is_suspect_ = true;
            static_cast<void>(cut(opened)); // takes back what was written, if it can be
            return is_cut ? in_doubt(why) : why;
        }
        end_ += text.size();
        lacks_newline_ = false;
        return {};
    }
    /// Removes what follows the last whole line.
    [[nodiscard]] bool cut(file const& opened) const {
        return System::truncate(opened.descriptor(), static_cast<::off_t>(end_)) == 0;
    }

    /// Writes all that is still of use to a new file, which replaces the old one.
    ///
    /// @return false if that failed, and the old one is unchanged. If `is_suspect_` is set
    /// afterwards, it is not known whether the new one is on the disk
    [[nodiscard]] bool rewrite(file const& opened) {
        sweep();
        struct ::stat own{}, made{};
        if (!opened.status(own)) return false;
        auto fresh = replacement<System>::make(directory_of(target_), replacement_prefix(target_),
                                               errc::intent_log_failed);
        if (!fresh) return false;
        auto const text = journal_.text();
        bool const is_placed =
            fresh->file().status(made) && fresh->copy_rights(own, errc::intent_log_failed, path_) &&
            fresh->file().write(text) && fresh->file().sync() && fresh->move_to(target_);
        if (!is_placed) return false;
        device_ = made.st_dev;
        inode_ = made.st_ino;
        end_ = text.size();
        lacks_newline_ = false;
        is_suspect_ = !sync_directory();
        return true;
    }
    /// Removes what processes that died in `rewrite` left. This one has the lock.
    void sweep() const {
        std::vector<std::string> names;
        auto const directory = directory_of(target_);
        if (System::list(directory.c_str(), names) != 0) return;
        for (auto const& name : names)
            if (digits_after(replacement_prefix(target_), name) == replacement<System>::digits)
                System::unlink((directory + '/' + name).c_str());
    }
    [[nodiscard]] bool sync_directory() const {
        auto const directory = open_directory_of<System>(target_, errc::intent_log_failed);
        return directory && directory->sync();
    }

    [[nodiscard]] error failed(std::string const& why) const {
        return {errc::intent_log_failed,
                error_details{.explanation = path_ + why, .delivery = delivery::not_sent}};
    }
    /// The same error, with the path that the caller knows.
    [[nodiscard]] error named(error const& e, std::string const& why = "") const {
        return e.with([&](error_details& d) { d.explanation = path_ + why; });
    }
    [[nodiscard]] error last_error() const {
        return file::last_error(errc::intent_log_failed, path_);
    }
    /// The same error, of a step that may have changed what the disk holds.
    [[nodiscard]] static error in_doubt(error const& e) {
        return e.with([](error_details& d) { d.delivery = delivery::unknown; });
    }

    std::string const path_;
    std::chrono::milliseconds const patience_;
    std::mutex mutex_;
    std::string target_; ///< the path without links
    // What was read, of which file and up to where.
    intent_journal journal_;
    ::dev_t device_ = 0;
    ::ino_t inode_ = 0;
    std::size_t end_ = 0;        ///< of the last whole line that was carried out
    std::size_t size_ = 0;       ///< of the file, when it was opened
    bool lacks_newline_ = false; ///< the last line that was carried out
    bool is_suspect_ = false;    ///< a write failed: what the disk holds is not known
};

} // namespace cloudflare::inline v0::access::detail

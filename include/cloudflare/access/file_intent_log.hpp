/// A log of intents that is a file: appended to, flushed (fsync), and readable after any crash.
#pragma once

#include <cloudflare/access/detail/file.hpp>
#include <cloudflare/access/detail/intent_journal.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/core/detail/system_random.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Keeps intents in a file. A handle: copies share what was read.
///
/// The first line names the format; a file that begins with another is refused and left as it is.
/// Each further line is a checksum and a JSON object. What a crash left of a line at the end is
/// cut off by the next write. A line that is damaged is ignored, kept and counted:
/// `damaged_lines`. A line that is whole and not understood, of a later version perhaps, is kept.
///
/// A write costs one line and one `fsync`, however many intents were or are open; writes of several
/// threads at once share one. A file past 64 KiB of which most is of no use any more is written
/// anew beside (`NAME.new.DIGITS`) and put in its place.
///
/// Errors: `errc::intent_log_failed` with the path and the reason, also where the directory is
/// missing, which may be a volume that is not mounted; `errc::invalid_argument` for an intent whose
/// strings are not UTF-8; `errc::conflict` as `intent_log` says.
///
/// Threads: may be used from several at once, and by several processes of one host, or of several
/// where the file system has locks (`flock`) across them; one that has none is an error. Blocks on
/// the disk, and on another process that has the lock for no longer than `patience`.
///
/// @tparam System the system calls; another one than the default is for tests
template <class System = detail::posix>
class basic_file_intent_log {
public:
    /// @param path the file, made with the first intent; its directory must exist. Of a symbolic
    /// link, what it leads to.
    /// @param patience how long a call may wait for another process, which may be stopped; below
    /// zero counts as none. (An issue calls a log that failed again, up to four times.)
    explicit basic_file_intent_log(std::string path,
                                   std::chrono::milliseconds patience = std::chrono::seconds(5))
        : state_(std::make_shared<state>(std::move(path), patience)) {}

    /// Of the file.
    [[nodiscard]] std::string const& path() const noexcept { return state_->path; }

    [[nodiscard]] result<std::optional<intent>> insert(intent const& i) const {
        write w{.kind = change::insert, .wanted = i};
        if (auto const done = state_->commit(w); !done) return done.error();
        return std::move(w.in_the_way);
    }
    [[nodiscard]] result<void> update(intent const& i) const {
        write w{.kind = change::update, .wanted = i};
        return state_->commit(w);
    }
    [[nodiscard]] result<void> erase(intent const& i) const {
        write w{.kind = change::erase, .wanted = i};
        return state_->commit(w);
    }
    [[nodiscard]] result<std::vector<intent>> list() const { return state_->list(); }

    /// How many lines of the file are damaged, as of the last call of another function. Intents may
    /// be lost with them: look at the file.
    [[nodiscard]] std::size_t damaged_lines() const { return state_->damaged_lines(); }

private:
    using file = basic_file<System>;

    enum class change : unsigned char {
        insert,
        update,
        erase
    };

    /// A write that a thread waits for.
    struct write {
        change kind;
        intent const& wanted;
        std::string line{};
        std::optional<intent> in_the_way{};
        result<void> outcome{};
        bool done = false;
    };

    struct state {
        state(std::string log_path, std::chrono::milliseconds wait)
            : path(std::move(log_path)), patience(wait) {}

        [[nodiscard]] result<void> commit(write& w);
        [[nodiscard]] result<std::vector<intent>> list();
        [[nodiscard]] std::size_t damaged_lines() {
            std::lock_guard const lock(file_mutex);
            return journal.damaged();
        }

        [[nodiscard]] result<void> commit_all(std::vector<write*> const& batch);
        [[nodiscard]] result<file> open_locked(int flags, int operation);
        [[nodiscard]] result<void> read_on(file const& opened);
        [[nodiscard]] bool decide(write& w) const;
        [[nodiscard]] result<void> append(file const& opened, std::string const& lines);
        [[nodiscard]] bool rewrite(file const& opened);
        [[nodiscard]] bool put_in_place(std::string const& text);
        void sweep(std::string const& target) const;
        [[nodiscard]] bool sync_directory() const;
        /// Whether an unterminated first line may be what a crash left of the format line.
        [[nodiscard]] static bool may_be_cut_format(std::string_view text) noexcept {
            return detail::journal_format.starts_with(text) ||
                   (text.size() <= 4096 && text.find_first_not_of('\0') == text.npos);
        }
        void forget() {
            journal = detail::intent_journal();
            end = 0;
        }
        [[nodiscard]] error failed(std::string const& why) const {
            return {errc::intent_log_failed,
                    error_details{.explanation = path + why, .delivery = delivery::not_sent}};
        }
        /// The same error, with the path that the caller knows.
        [[nodiscard]] error named(error const& e, std::string const& why = "") const {
            return e.with([&](error_details& d) { d.explanation = path + why; });
        }
        [[nodiscard]] error last_error(std::string const& why = "") const {
            return file::last_error(errc::intent_log_failed, path + why);
        }

        std::string const path;
        std::chrono::milliseconds const patience;

        // Who waits, and whether a thread writes for all.
        std::mutex mutex;
        std::condition_variable written;
        std::vector<write*> waiting;
        bool busy = false;

        // What was read, of which file and up to where.
        std::mutex file_mutex;
        detail::intent_journal journal;
        ::dev_t device = 0;
        ::ino_t inode = 0;
        std::size_t end = 0;  ///< of the last whole line that was carried out
        std::size_t size = 0; ///< of the file, when it was read
        bool suspect = false; ///< a write failed: what the disk holds is not known
        std::string target;   ///< `path` without links
    };

    std::shared_ptr<state> state_;
};

/// Puts the write into the next batch. The first thread that finds nobody at work writes for all
/// who wait.
template <class System>
result<void> basic_file_intent_log<System>::state::commit(write& w) {
    auto const& i = w.wanted;
    for (auto const* text : {&i.tag, &i.name, &i.note, &i.key, &i.sink, &i.token_id})
        if (!is_utf8(*text))
            return error(errc::invalid_argument, "intent: name, note and keys must be UTF-8");
    if (i.tag.empty()) return error(errc::invalid_argument, "intent: tag must not be empty");

    std::unique_lock lock(mutex);
    waiting.push_back(&w);
    written.wait(lock, [&] { return w.done || !busy; });
    if (w.done) return w.outcome;
    busy = true;
    auto const batch = std::exchange(waiting, {});
    lock.unlock();
    auto const outcome = commit_all(batch);
    lock.lock();
    for (auto* one : batch) {
        if (!outcome && one->outcome) one->outcome = outcome;
        one->done = true;
    }
    busy = false;
    written.notify_all();
    return w.outcome;
}

template <class System>
result<void> basic_file_intent_log<System>::state::commit_all(std::vector<write*> const& batch) {
    std::lock_guard const lock(file_mutex);
    auto const opened = open_locked(O_RDWR | O_CREAT, LOCK_EX);
    if (!opened) return opened.error();
    if (auto const read = read_on(*opened); !read) return read;

    std::string lines;
    for (auto* w : batch) {
        if (!decide(*w)) continue;
        // The next of the batch is decided on what this one leaves.
        journal.apply(w->line);
        lines.append(w->line) += '\n';
    }
    if (lines.empty()) return {};
    return append(*opened, lines);
}

/// Whether there is something to write; if not, the write's outcome says why.
template <class System>
bool basic_file_intent_log<System>::state::decide(write& w) const {
    auto const& i = w.wanted;
    if (w.kind == change::insert) {
        if (auto const* held = journal.in_the_way_of(i)) {
            w.in_the_way = *held;
            return false;
        }
        w.line = detail::intent_journal::line_of(i);
        return true;
    }
    auto const* held = journal.find(i.tag);
    if (held == nullptr || held->revision != i.revision) {
        w.outcome =
            error(errc::conflict, "intent " + i.tag + ": written or erased by somebody else since");
        return false;
    }
    auto next = i;
    ++next.revision;
    w.line = w.kind == change::update ? detail::intent_journal::line_of(next)
                                      : detail::intent_journal::line_of_erased(i.tag);
    return true;
}

template <class System>
result<std::vector<intent>> basic_file_intent_log<System>::state::list() {
    std::lock_guard const lock(file_mutex);
    auto const opened = open_locked(O_RDONLY, LOCK_SH);
    if (!opened) {
        if (opened.error().details().cause.value() != ENOENT) return opened.error();
        forget();
        auto const directory = open_directory_of<System>(target, errc::intent_log_failed);
        if (!directory) return named(directory.error(), ": its directory cannot be opened");
        return std::vector<intent>();
    }
    if (auto const read = read_on(*opened); !read) return read.error();
    return journal.all();
}

/// Opens the file and locks it; again where another was put in its place meanwhile.
template <class System>
auto basic_file_intent_log<System>::state::open_locked(int flags, int operation) -> result<file> {
    for (int tries = 0; tries != 100; ++tries) {
        auto resolved = detail::resolve_links<System>(path, errc::intent_log_failed);
        if (!resolved) return resolved.error();
        target = std::move(*resolved);
        auto opened = file::open(target, flags | O_NONBLOCK, errc::intent_log_failed);
        if (!opened) return named(opened.error());
        auto const locked = opened->lock(operation, patience, errc::intent_log_failed, path);
        if (!locked) return locked.error();
        struct ::stat own{}, there{};
        if (!opened->status(own)) return last_error();
        if (!S_ISREG(own.st_mode)) return failed(": is no regular file");
        if (System::status(target.c_str(), there) != 0) {
            if (errno == ENOENT) continue;
            return last_error();
        }
        if (own.st_dev != there.st_dev || own.st_ino != there.st_ino) continue;
        size = static_cast<std::size_t>(own.st_size);
        if (own.st_dev != device || own.st_ino != inode || size < end || suspect) forget();
        device = own.st_dev;
        inode = own.st_ino;
        return opened;
    }
    return failed(": is replaced again and again");
}

/// Carries out the lines behind those that were read before.
template <class System>
result<void> basic_file_intent_log<System>::state::read_on(file const& opened) {
    if (size == end) return {};
    wiped_string text;
    if (!opened.read(text, end)) {
        auto const why = last_error();
        forget();
        return why;
    }
    std::string_view rest = text;
    if (end == 0) {
        auto const first = rest.substr(0, rest.find('\n'));
        if (rest.starts_with(detail::journal_format)) {
            rest.remove_prefix(detail::journal_format.size());
            end = detail::journal_format.size();
        } else if (first.size() == rest.size() ? !may_be_cut_format(rest)
                                               : !detail::intent_journal::is_whole(first)) {
            return failed(": is no log of intents, by its first line");
        }
    }
    for (auto stop = rest.find('\n'); stop != rest.npos; stop = rest.find('\n')) {
        journal.apply(rest.substr(0, stop));
        rest.remove_prefix(stop + 1);
        end += stop + 1;
    }
    return {};
}

/// Writes the lines behind the last whole one, down to the disk.
template <class System>
result<void> basic_file_intent_log<System>::state::append(file const& opened,
                                                          std::string const& lines) {
    constexpr std::size_t small_size = std::size_t{64} * 1024;
    bool const grown = size > small_size && size / 4 > journal.live_bytes();
    if ((grown || suspect) && rewrite(opened)) {
        if (suspect) return last_error();
        return {};
    }

    wiped_string rest;
    std::string text;
    if (size != end && !opened.read(rest, end)) return suspect = true, last_error();
    if (end == 0) {
        text = detail::journal_format;
    } else if (!detail::intent_journal::may_be_cut_line(rest)) {
        text = "\n"; // not of a crash: it stays, as a damaged line
        journal.apply(rest);
        end = size;
    }
    text += lines;
    bool const ok =
        (size == end || System::truncate(opened.descriptor(), static_cast<::off_t>(end)) == 0) &&
        opened.write(text, end) && opened.sync() && (end != 0 || sync_directory());
    if (!ok) {
        auto const why = last_error();
        // As far as it can be taken back, it is; what is on the disk is read anew.
        suspect = true;
        static_cast<void>(System::truncate(opened.descriptor(), static_cast<::off_t>(end)));
        return why;
    }
    end += text.size();
    return {};
}

/// Writes all that is of use to a new file and puts it in the place of the old one. Where that
/// fails the old one is as it was. `suspect`: it is in place, and whether on the disk is not known.
template <class System>
bool basic_file_intent_log<System>::state::rewrite(file const& opened) {
    sweep(target);
    struct ::stat own{};
    if (!opened.status(own)) return false;
    std::string digits;
    for (auto bits = cloudflare::detail::system_random(); digits.size() != 16; bits >>= 4)
        digits += "0123456789abcdef"[bits & 15];
    auto const beside = target + ".new." + digits;
    auto const fresh =
        file::open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, errc::intent_log_failed);
    if (!fresh) return false;
    struct ::stat made{};
    auto const text = journal.text();
    bool const placed = fresh->status(made) &&
                        ((made.st_uid == own.st_uid && made.st_gid == own.st_gid) ||
                         System::change_owner(fresh->descriptor(), own.st_uid, own.st_gid) == 0) &&
                        System::change_mode(fresh->descriptor(), own.st_mode & 07777) == 0 &&
                        fresh->write(text) && fresh->sync() &&
                        System::rename(beside.c_str(), target.c_str()) == 0;
    if (!placed) {
        System::unlink(beside.c_str());
        return false;
    }
    device = made.st_dev;
    inode = made.st_ino;
    end = text.size();
    suspect = !sync_directory();
    return true;
}

template <class System>
void basic_file_intent_log<System>::state::sweep(std::string const& left_by) const {
    std::vector<std::string> names;
    auto const directory = detail::directory_of(left_by);
    if (System::list(directory.c_str(), names) != 0) return;
    auto const prefix = detail::base_name_of(left_by) + ".new.";
    for (auto const& name : names)
        if (name.starts_with(prefix) && name.size() == prefix.size() + 16 &&
            name.find_first_not_of("0123456789abcdef", prefix.size()) == name.npos)
            System::unlink((directory + '/' + name).c_str());
}

template <class System>
bool basic_file_intent_log<System>::state::sync_directory() const {
    auto const directory = open_directory_of<System>(target, errc::intent_log_failed);
    return directory && directory->sync();
}

/// A `basic_file_intent_log` on this system's files.
using file_intent_log = basic_file_intent_log<>;

static_assert(intent_log<file_intent_log>);

} // namespace cloudflare::inline v0::access

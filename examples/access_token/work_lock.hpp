// Who is at work on a secret file: a lock that ends with its process, however that ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

// A lock of one byte for each secret file of a file beside the log of intents (`LOG.lock`), the byte chosen by its path. Whoever
// has it exclusively knows that no other process that has it is alive, so that an open intent for that secret file was
// left behind.
//
// One process has one at a time: POSIX ends all locks of a file when any of its descriptors is closed.
class work_lock {
public:
    enum class kind {
        shared,
        exclusive
    };
    struct attempt;

    // Tries once.
    static attempt try_lock(std::string const& log, std::string const& secret_file, kind wanted);
    // All of these files, or none.
    static attempt try_lock(std::string const& log, std::vector<std::string> const& secret_files,
                            kind wanted);

    work_lock(work_lock&& other) noexcept;
    work_lock& operator=(work_lock&&) = delete;
    ~work_lock();

    // False where there are no locks, or the file cannot be made: then nothing is known of others.
    [[nodiscard]] bool is_held() const noexcept { return held_; }

private:
    work_lock(int descriptor, bool held) noexcept : descriptor_(descriptor), held_(held) {}

    int descriptor_;
    bool held_;
};

struct work_lock::attempt {
    std::optional<work_lock> lock;
    int holder = 0; // where it was not given: the process that has it, 0 if that is not known
};

/// Coroutines that wait for sockets and for time, all on one thread, by poll(2).
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

class event_loop {
public:
    using clock = std::chrono::steady_clock;

    /// Awaited: until the socket is ready for `events` of poll(2), or until the time has come.
    /// Gives whether the socket is ready. A negative socket is never ready.
    auto ready(int socket, short events, clock::time_point until) {
        struct awaiter : waiting {
            event_loop& loop;

            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> awaiting) {
                this->waiter = awaiting;
                loop.all_.push_back(this);
            }
            bool await_resume() const noexcept { return this->is_ready; }
        };
        return awaiter{{socket, events, until, {}, false}, *this};
    }

    /// Starts the tasks, and returns when all have ended.
    template <class... Tasks>
    void run(Tasks const&... tasks) {
        (tasks.start(), ...);
        while (!(tasks.done() && ...))
            turn();
    }

private:
    struct waiting { // stored in the coroutine that waits
        int socket;
        short events;
        clock::time_point until;
        std::coroutine_handle<> waiter;
        bool is_ready;
    };

    /// Waits until something is due, and resumes the coroutines that wait for it.
    void turn() {
        std::vector<pollfd> sockets;
        auto first = clock::time_point::max();
        for (auto const* w : all_) {
            sockets.push_back({w->socket, w->events, 0});
            first = std::min(first, w->until);
        }
        ::poll(sockets.data(), sockets.size(), milliseconds_to(first));

        auto const now = clock::now();
        std::vector<waiting*> due, rest;
        for (std::size_t i = 0; i != all_.size(); ++i) {
            all_[i]->is_ready = sockets[i].revents != 0;
            (all_[i]->is_ready || all_[i]->until <= now ? due : rest).push_back(all_[i]);
        }
        all_ = std::move(rest); // before any coroutine is resumed, which may wait again
        for (auto const* w : due)
            w->waiter.resume();
    }

    static int milliseconds_to(clock::time_point t) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(t - clock::now()).count();
        return static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
    }

    std::vector<waiting*> all_;
};

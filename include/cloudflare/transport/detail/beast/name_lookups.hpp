/// Name look-ups that a caller can abandon at any time.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <csignal>
#endif

namespace cloudflare::inline v0::detail::beast {

/// The look-ups of a transport, at most one at a time for each name, each on a thread of its own.
///
/// The system's look-up cannot be interrupted. Asio's resolver runs all of them on one thread, and
/// the context's destructor waits for that. Here each thread is detached: it owns all that it uses,
/// and ends when the system's look-up ends.
class name_lookups {
public:
    using addresses = std::vector<boost::asio::ip::address>;
    /// Called once, on the look-up's thread; must do nothing but post further work.
    using handler = std::function<void(boost::system::error_code, addresses const&)>;

    /// A wait for a name's addresses. Its destructor ends it.
    class waiter {
    public:
        waiter() = default;
        waiter(waiter const&) = delete;
        waiter& operator=(waiter const&) = delete;
        ~waiter() { stop(); }

        /// When this returns, the handler is not running on the other thread and will not be
        /// called.
        void stop() noexcept {
            if (!shared_) return;
            std::lock_guard const lock(shared_->mutex);
            auto const found = shared_->waiting.find(name_);
            if (found != shared_->waiting.end()) std::erase(found->second, this);
        }

    private:
        friend class name_lookups;
        struct state {
            std::mutex mutex;
            std::map<std::string, std::vector<waiter*>> waiting; ///< by the names being looked up
        };
        std::shared_ptr<state> shared_;
        std::string name_;
        handler handler_;
    };

    /// Looks `name` up. While a look-up of the same name is under way, its outcome is shared.
    void begin(std::string name, waiter& w, handler h) {
        w.shared_ = shared_;
        w.name_ = std::move(name);
        w.handler_ = std::move(h);
        std::unique_lock lock(shared_->mutex);
        auto const [entry, is_new] = shared_->waiting.try_emplace(w.name_);
        entry->second.push_back(&w);
        lock.unlock();
        if (is_new && !start_thread(w.name_))
            finish(*shared_, w.name_, boost::asio::error::no_memory, {});
    }

private:
    using state = waiter::state;

    /// @return false where the system has no thread left
    [[nodiscard]] bool start_thread(std::string const& name) {
        signals_blocked const blocked; // signals are for the program's own threads
        try {
            std::thread([shared = shared_, name] { look_up(*shared, name); }).detach();
        } catch (std::system_error const&) {
            return false;
        }
        return true;
    }

    static void look_up(state& shared, std::string const& name) {
        using resolver = boost::asio::ip::tcp::resolver;
        boost::asio::io_context unused;
        boost::system::error_code failed;
        auto const found = resolver(unused).resolve(name, "", failed);
        addresses all;
        for (auto const& entry : found)
            all.push_back(entry.endpoint().address());
        finish(shared, name, failed, all);
    }

    static void finish(state& shared, std::string const& name, boost::system::error_code failed,
                       addresses const& found) {
        std::lock_guard const lock(shared.mutex);
        auto const waiting = shared.waiting.extract(name);
        for (auto* w : waiting.mapped())
            w->handler_(failed, found);
    }

    /// A new thread inherits the set of signals that its creator blocks.
    class signals_blocked {
#if !defined(_WIN32)
    public:
        signals_blocked() noexcept {
            ::sigset_t all;
            ::sigfillset(&all);
            ::pthread_sigmask(SIG_BLOCK, &all, &before_);
        }
        signals_blocked(signals_blocked const&) = delete;
        signals_blocked& operator=(signals_blocked const&) = delete;
        ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    private:
        ::sigset_t before_;
#endif
    };

    std::shared_ptr<state> shared_ = std::make_shared<state>();
};

} // namespace cloudflare::inline v0::detail::beast

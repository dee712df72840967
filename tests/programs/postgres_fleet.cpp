// 64 issuers on four processes share a database. Meanwhile processes, sessions and the server are killed, and
// connections are cut between commit and acknowledgement. No issue that was acknowledged may be lost, and every token
// must be held in the end.
//
// Usage: postgres_fleet ROUNDS [SEED]    beside a server: postgres_server.sh postgres_fleet ROUNDS
#include "../unit/access/postgres_proxy.hpp"
#include "../unit/access/postgres_world.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/postgres_async_store.hpp>
#include <cloudflare/access/postgres_store.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox_server.hpp>
#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
namespace cfa = cloudflare::access;
using namespace cloudflare;
using namespace std::chrono_literals;

constexpr int processes = 4, issuers = 16; // in each process

cfa::account_scope account() {
    return cfa::account_scope::parse(std::string(32, 'a')).value();
}
client_options to(std::string const& url) {
    client_options o;
    return o.base_url(base_url::parse(url).value()).limiter(limiter::off());
}
api_token credentials() {
    return api_token::make("sample").value();
}
cfa::issue_options patience() {
    cfa::issue_options o;
    o.settle_window(0ms).deadline(3s).min_age(4s).presumed_absent_age(4s);
    return o.watch(60s);
}

// A process that issues.

/// Tells the parent, in one write: a line is whole or not there.
void tell(std::string const& line) {
    static_cast<void>(::write(STDOUT_FILENO, line.data(), line.size()));
}
/// The keys of an issuer. Every third is of the time, and the issuers of two processes ask for the
/// same one at about the same time.
class keys {
public:
    keys(std::string start, int process, int issuer)
        : pair_(std::to_string(process / 2) + '-' + std::to_string(issuer)),
          next_(std::stol(start)) {}
    std::string ask() {
        auto const now = std::chrono::steady_clock::now().time_since_epoch();
        last_ = ++next_ % 3 == 0 ? pair_ + '@' + std::to_string(now / 1s)
                                 : pair_ + '-' + std::to_string(next_);
        tell("ask " + last_ + " -\n");
        return last_;
    }
    void end(result<cfa::issued> const& done) {
        if (done) return tell("issued " + last_ + ' ' + done->token.id + '\n');
        tell("failed " + last_ + ' ' + std::to_string(done.error().code().value()) + '\n');
    }

private:
    std::string pair_;
    long next_;
    std::string last_;
};

[[noreturn]] void issue_blocking(std::string const& url, std::string const& start, int process) {
    cfa::postgres_database db; // as the environment says
    cfa::postgres_intent_log log(db);
    cfa::postgres_sink sink(db);
    std::vector<std::thread> threads;
    for (int n = 0; n != issuers; ++n)
        threads.emplace_back([&, n] {
            client c(blocking_beast_transport(), credentials(), to(url));
            cfa::issuer issuer(c, account(), sink, log, patience());
            keys mine(start, process, n);
            for (std::mt19937 random(static_cast<unsigned>(n));;) {
                mine.end(issuer.issue(mine.ask(), cfa::create_params("ci")).get());
                std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
            }
        });
    client c(blocking_beast_transport(), credentials(), to(url));
    cfa::reconciler reconciler(c, account(), sink, log, patience());
    for (;;) {
        static_cast<void>(reconciler.run_once().get());
        std::this_thread::sleep_for(1s);
    }
}

asio::awaitable<void> issue_for_ever(cfa::issuer<client<beast_transport>, cfa::async_postgres_sink,
                                                 cfa::async_postgres_intent_log>& issuer,
                                     keys& mine, unsigned seed) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (std::mt19937 random(seed);;) {
        auto pending = issuer.issue(mine.ask(), cfa::create_params("ci"));
        auto const done = co_await std::move(pending);
        mine.end(done);
        timer.expires_after(std::chrono::milliseconds(random() % 300));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

void issue_async(std::string const& url, std::string const& start, int process) {
    asio::io_context context(1);
    cfa::async_postgres_database db(context.get_executor());
    cfa::async_postgres_intent_log log(db);
    cfa::async_postgres_sink sink(db);
    client c(beast_transport(context.get_executor()), credentials(), to(url));
    cfa::issuer issuer(c, account(), sink, log, patience());
    std::vector<keys> all;
    for (int n = 0; n != issuers; ++n)
        all.emplace_back(start, process, n);
    for (auto& mine : all)
        asio::co_spawn(context,
                       issue_for_ever(issuer, mine, static_cast<unsigned>(&mine - all.data())),
                       asio::detached);
    context.run();
}

// The parent.

/// What the processes tell.
class tally {
public:
    void take(std::string const& line) {
        std::istringstream in(line);
        std::string what, key, value;
        in >> what >> key >> value;
        std::lock_guard const lock(mutex_);
        if (what == "ask") open_.insert(key);
        if (what == "failed") ++errors_[value];
        if (what != "issued") return;
        open_.erase(key);
        issued_.emplace_back(key, value);
        ++count_;
    }
    [[nodiscard]] long count() const { return count_; }
    std::vector<std::pair<std::string, std::string>> take_issued() {
        std::lock_guard const lock(mutex_);
        return std::exchange(issued_, {});
    }
    std::set<std::string> unacknowledged() {
        std::lock_guard const lock(mutex_);
        return open_;
    }
    std::map<std::string, int> errors() {
        std::lock_guard const lock(mutex_);
        return errors_;
    }

private:
    std::mutex mutex_;
    std::atomic<long> count_ = 0;
    std::set<std::string> open_;
    std::vector<std::pair<std::string, std::string>> issued_;
    std::map<std::string, int> errors_;
};

/// A process that issues, and the thread that reads what it tells.
class worker {
public:
    /// @param environment of the process
    worker(tally& to, std::string const& url, long start, int number,
           std::vector<std::string> environment) {
        int ends[2];
        if (::pipe(ends) != 0) std::abort();
        ::posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        // A connection ends once nobody has its socket: the process must not have the proxy's.
        ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        std::string words[] = {"postgres_fleet", "worker", url, std::to_string(start),
                               std::to_string(number)};
        char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                             words[3].data(), words[4].data(), nullptr};
        std::vector<char*> variables;
        for (auto& variable : environment)
            variables.push_back(variable.data());
        variables.push_back(nullptr);
        if (::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, arguments,
                          variables.data()) != 0)
            std::abort();
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        reader_ = std::thread([&to, from = ends[0]] { read(to, from); });
    }
    worker(worker const&) = delete;
    worker& operator=(worker const&) = delete;
    ~worker() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        reader_.join();
    }

private:
    static void read(tally& to, int from) {
        std::string rest;
        char bytes[4096];
        for (::ssize_t got = 0; (got = ::read(from, bytes, sizeof(bytes))) > 0;) {
            rest.append(bytes, static_cast<std::size_t>(got));
            for (std::size_t end = 0; (end = rest.find('\n')) != rest.npos;) {
                to.take(rest.substr(0, end));
                rest.erase(0, end + 1);
            }
        }
        ::close(from);
    }

    ::pid_t process_ = 0;
    std::thread reader_;
};

/// How long something took, all calls together.
class stopwatch {
public:
    template <class Function>
    void time(Function f) {
        auto const begun = std::chrono::steady_clock::now();
        f();
        total_ += std::chrono::steady_clock::now() - begun;
    }
    [[nodiscard]] double seconds() const { return std::chrono::duration<double>(total_).count(); }

private:
    std::chrono::steady_clock::duration total_{};
};

/// Reaches the sandbox without a socket.
struct short_cut {
    template <class T>
    using task = blocking<T>;

    testing::sandbox_server* server;

    task<result<http::response>> send(http::request const& r, time_point) {
        co_return server->access([&](auto& box, auto&) {
            return box.handle(r, timestamp(std::chrono::system_clock::now()));
        });
    }
    task<void> sleep_until(time_point t) {
        std::this_thread::sleep_until(t);
        co_return;
    }
    [[nodiscard]] time_point now() const { return std::chrono::steady_clock::now(); }
};

/// What `f` gives, once the server is up.
template <class Function>
auto when_it_is_up(Function f) {
    for (auto const end = std::chrono::steady_clock::now() + 60s;;) {
        try {
            return f();
        } catch (std::exception const&) {
            if (std::chrono::steady_clock::now() > end) throw;
            std::this_thread::sleep_for(10ms);
        }
    }
}

class fleet {
public:
    explicit fleet(unsigned seed) : random_(seed) {
        server_.access([](auto& box, auto&) { box.options().token_limit = 1'000'000; });
        loop_ = std::thread([this] { context_.run(); });
        direct_.connection(secret("host=127.0.0.1 sslmode=disable")).deadline(60s);
        ::setenv("PGHOST", "127.0.0.1", 1);
        server_port_ = std::getenv("PGPORT");
        db_ = std::make_unique<cfa::postgres_database>(direct_port());
        log_ = std::make_unique<cfa::postgres_intent_log>(*db_);
        sink_ = std::make_unique<cfa::postgres_sink>(*db_);
        if (!db_->open()) std::abort();
        for (int n = 0; n != processes; ++n)
            start(n);
    }
    ~fleet() {
        context_.stop();
        loop_.join();
    }

    /// One fault, and an issue that comes through after it.
    void round() {
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + random_() % 100));
        strike();
        auto const before = tally_.count();
        auto const end = std::chrono::steady_clock::now() + 60s;
        while (tally_.count() < before + processes) {
            std::this_thread::sleep_for(1ms);
            if (std::chrono::steady_clock::now() > end)
                return complain("no issue comes through after a fault");
        }
    }
    /// What was acknowledged is there. What was looked at is deleted, so that lists stay short.
    ///
    /// The processes go on issuing meanwhile, so what is done for each token takes no round trip:
    /// else each look would find more than the one before it.
    void look() {
        auto const issued = tally_.take_issued();
        auto const held = held_by_key();
        cfa::service_tokens tokens(direct_client_, account());
        std::string deleted;
        for (auto const& [key, id] : issued) {
            if (!retired_.insert(id).second) continue;
            auto const at = held.find(key);
            if (at == held.end() || at->second.token_id != id) {
                complain("key " + key + ": the token " + id + " is not held");
            } else if (!works(at->second)) {
                complain("key " + key + ": the secret that is held does not work");
            }
            if (!tokens.remove(id).get()) complain("no delete of " + id);
            deleted += (deleted.empty() ? "'" : "', '") + id;
        }
        if (!deleted.empty())
            when_it_is_up([&] {
                return postgres_world::rows("DELETE FROM access_secrets WHERE token_id IN (" +
                                            deleted + "') RETURNING key");
            });
    }
    /// All processes are killed; what they left is settled, and what was asked for is given.
    void finish() {
        for (auto& w : workers_)
            w.reset();
        look();
        client c(blocking_beast_transport(), credentials(), to(server_.base_url()));
        cfa::issue_options at_once;
        at_once.min_age(0s).presumed_absent_age(0s).watch(60s);
        cfa::reconciler reconciler(c, account(), *sink_, *log_, at_once);
        auto const settled = reconciler.run_once().get();
        if (!settled) return complain(settled.error().to_string());
        if (!settled->left_open.empty() || !settled->failed.empty()) complain("an intent is open");
        cfa::issuer issuer(c, account(), *sink_, *log_);
        auto const unacknowledged = tally_.unacknowledged();
        for (auto const& key : unacknowledged)
            if (auto const done = issuer.issue(key, cfa::create_params("ci")).get(); !done)
                complain("key " + key + ": " + done.error().to_string());
        std::set<std::string> held;
        for (auto const& [key, token] : held_by_key()) {
            held.insert(token.token_id);
            if (!works(token)) complain("a secret that is held does not work");
        }
        server_.access([&](auto& box, auto&) {
            for (auto const& t : box.tokens()) {
                if (held.erase(t.id) == 0) complain("a token is not held: " + t.id);
                if (cfa::has_any_tag(t.name)) complain("a tag is left: " + t.name);
            }
        });
        if (!held.empty()) complain(std::to_string(held.size()) + " held tokens do not exist");
        auto const intents = log_->list();
        if (!intents) return complain(intents.error().to_string());
        for (auto const& i : *intents)
            if (i.state != cfa::intent_state::settled) complain("intent " + i.tag + " is open");
        std::cout << tally_.count() << " issues acknowledged, " << unacknowledged.size()
                  << " asked for again at the end, " << failures_ << " lost or wrong\n"
                  << kills_[0] << " processes, " << kills_[1] << " sessions, " << kills_[2]
                  << " times the server killed, " << proxy_.struck() << " connections cut\n";
        for (auto const& [code, count] : tally_.errors())
            std::cout << count
                      << " issues ended with: " << to_string(static_cast<errc>(std::stoi(code)))
                      << '\n';
    }
    [[nodiscard]] int failures() const { return failures_; }
    /// What there is at this moment.
    [[nodiscard]] std::string counts() {
        auto const tokens = server_.access([](auto& box, auto&) { return box.tokens().size(); });
        auto const intents = log_->list();
        return std::to_string(tally_.count()) + " issues, " + std::to_string(tokens) + " tokens, " +
               (intents ? std::to_string(intents->size()) : "unknown") + " intents";
    }

private:
    [[nodiscard]] cfa::postgres_options direct_port() const {
        auto o = direct_;
        return o.connection(secret("host=127.0.0.1 sslmode=disable port=" + server_port_));
    }
    void start(int number) {
        // The way to the database leads through the proxy.
        std::vector<std::string> environment = {
            "PGHOST=127.0.0.1", "PGPORT=" + std::to_string(proxy_.port()), "PGSSLMODE=disable"};
        for (auto const* kept : {"PATH", "HOME", "PGUSER", "PGDATABASE"})
            if (auto const* value = std::getenv(kept))
                environment.push_back(std::string(kept) + '=' + value);
        auto& place = workers_[static_cast<std::size_t>(number)];
        place.reset();
        place = std::make_unique<worker>(tally_, server_.base_url(), next_ += 100'000, number,
                                         std::move(environment));
    }
    void strike() {
        auto const die = random_() % 100;
        if (die < 30) {
            start(static_cast<int>(random_() % processes));
            ++kills_[0];
        } else if (die < 80) {
            char const* words[] = {"INSERT INTO", "UPDATE", "DELETE FROM"};
            proxy_.arm(die < 65 ? postgres_world::fault::lost_after
                                : postgres_world::fault::lost_before,
                       words[random_() % 3]);
        } else if (die < 92) {
            kill_session();
        } else {
            ::pid_t server = 0;
            std::ifstream(std::getenv("POSTGRES_PID_FILE")) >> server;
            if (server > 1 && ::kill(server, SIGKILL) == 0) ++kills_[2];
        }
    }
    /// Kills what serves one connection: the server then ends all others, and recovers.
    void kill_session() {
        try {
            auto const pid = postgres_world::execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'cloudflare-access "
                "%' ORDER BY random() LIMIT 1");
            if (!pid.empty() && ::kill(std::stoi(pid), SIGKILL) == 0) ++kills_[1];
        } catch (std::exception const&) { // it is down already
        }
    }
    struct held_secret {
        std::string token_id, value;
    };
    [[nodiscard]] std::map<std::string, held_secret> held_by_key() {
        std::map<std::string, held_secret> held;
        auto const all = when_it_is_up([] {
            return postgres_world::rows("SELECT key, token_id, client_secret FROM access_secrets");
        });
        for (auto const& row : all)
            held.emplace(row[0], held_secret{row[1], row[2]});
        return held;
    }
    [[nodiscard]] bool works(held_secret const& held) {
        return server_.access([&](auto& box, auto&) {
            auto const* const token = box.find(held.token_id);
            return token != nullptr && box.admits(token->client_id, held.value,
                                                  timestamp(std::chrono::system_clock::now()));
        });
    }
    void complain(std::string const& what) {
        std::cout << "FAILED: " << what << std::endl;
        ++failures_;
    }

    std::mt19937 random_;
    asio::io_context context_{1};
    testing::sandbox_server server_{context_, testing::sandbox(), {.tls = false}};
    std::thread loop_;
    client<short_cut> direct_client_{short_cut{&server_}, credentials(), to(server_.base_url())};
    postgres_world::cutting_proxy proxy_;
    std::string server_port_;
    cfa::postgres_options direct_;
    std::unique_ptr<cfa::postgres_database> db_;
    std::unique_ptr<cfa::postgres_intent_log> log_;
    std::unique_ptr<cfa::postgres_sink> sink_;
    tally tally_;
    std::array<std::unique_ptr<worker>, processes> workers_{};
    std::set<std::string> retired_{};
    long next_ = 0;
    int failures_ = 0;
    std::array<int, 3> kills_{};
};

} // namespace

int main(int argc, char** argv) {
    if (argc == 5 && argv[1] == std::string("worker")) {
        int const process = std::atoi(argv[4]);
        if (process % 2 == 0) issue_blocking(argv[2], argv[3], process);
        issue_async(argv[2], argv[3], process);
        return 1;
    }
    if (argc < 2) return 2;
    fleet f(argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1U);
    int const rounds = std::atoi(argv[1]);
    stopwatch striking, looking;
    for (int n = 1; n <= rounds; ++n) {
        striking.time([&] { f.round(); });
        if (n % 10 == 0) looking.time([&] { f.look(); });
        if (n % 100 == 0)
            std::cout << n << " rounds: " << striking.seconds() << " s for faults, "
                      << looking.seconds() << " s to look at what was issued; " << f.counts()
                      << std::endl;
    }
    f.finish();
    return f.failures() == 0 ? 0 : 1;
}

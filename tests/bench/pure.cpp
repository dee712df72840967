// What costs no I/O: making a request and decoding a response, against Boost.JSON and RapidJSON.
//
//   pure CREATE_RESPONSE_FILE              prints a table: nanoseconds and mallocs of each task
//   pure CREATE_RESPONSE_FILE TASK COUNT   runs one task so often and prints what each run cost
#include "cloudflare_client.hpp"
#include "responses.hpp"
#include "stopwatch.hpp"
#include "token_json.hpp"
#include "token_rapidjson.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace access = cloudflare::access;
constexpr std::size_t page_size = 1000;

struct task {
    std::string name;
    std::function<void()> run;
};

void demand(bool fine) {
    if (!fine) throw std::runtime_error("a response was not understood");
}

// Keeps a string to parse in place: each parse destroys it.
class scratch_copy {
public:
    explicit scratch_copy(std::string const& string)
        : original_(string), copy_(string.size() + 1) {}
    char* fresh() {
        std::copy(original_.begin(), original_.end(), copy_.begin());
        return copy_.data();
    }

private:
    std::string original_;
    std::vector<char> copy_;
};

// From parameters to the bytes that are sent, with memory used again as `client` does.
task make_request_task() {
    auto const account = access::account_scope::parse(bench::sample::account).value();
    cloudflare::credentials const credentials =
        cloudflare::api_token::make(bench::sample::api_token).value();
    return {"request",
            [account, credentials, options = cloudflare::client_options(),
             fields = cloudflare::http::headers(), wire = cloudflare::wiped_string()]() mutable {
                access::create_service_token const create(account, bench::create_params());
                fields.clear();
                auto request = cloudflare::make_request(
                    create, credentials, options, cloudflare::call_options(), std::move(fields));
                cloudflare::http::serialize(request.value(), wire);
                fields = std::move(request->fields);
                demand(wire.size() > 300);
            }};
}

// What the limiter costs a request that need not wait.
task permit_task() {
    return {"permit", [limiter = cloudflare::limiter(bench::wide_limit()),
                       now = cloudflare::time_point(std::chrono::hours(1))]() mutable {
                now += std::chrono::milliseconds(1);
                cloudflare::limiter::permit permit(limiter, cloudflare::urgency::begins);
                demand(!permit.request(now));
                permit.ended(now, true, cloudflare::rate_limit{100'000, std::chrono::seconds(1)});
            }};
}

cloudflare::http::response response_with(std::string const& body) {
    cloudflare::http::response response;
    response.status = 200;
    response.body.assign(body.begin(), body.end());
    return response;
}

std::vector<task> create_tasks(std::string const& string) {
    return {
        {"create",
         [response = response_with(string)] {
             auto const token = cloudflare::decode<access::create_service_token>(response);
             bench::sample::check(token.value().id, token.value().client_secret.reveal());
         }},
        {"create_boost_json", [string] { static_cast<void>(bench::read_token(string)); }},
        {"create_rapidjson",
         [copy = scratch_copy(string)]() mutable {
             auto const token = bench::rapid::read_token(copy.fresh());
             bench::sample::check(token.id, token.client_secret);
         }},
    };
}

std::vector<task> page_tasks(std::string const& string) {
    return {
        {"page",
         [response = response_with(string)] {
             auto const page = cloudflare::decode<access::list_service_tokens>(response);
             demand(page.value().items.size() == page_size);
         }},
        {"page_boost_json",
         [string] {
             auto const page = bench::read_result<std::vector<bench::token>>(string);
             demand(page.size() == page_size);
         }},
        {"page_rapidjson",
         [copy = scratch_copy(string)]() mutable {
             demand(bench::rapid::read_page(copy.fresh()).size() == page_size);
         }},
    };
}

std::vector<task> all_tasks(std::string const& create_response) {
    std::vector<task> all{make_request_task(), permit_task()};
    for (auto const& tasks :
         {create_tasks(create_response), page_tasks(bench::page_response(page_size))})
        all.insert(all.end(), tasks.begin(), tasks.end());
    return all;
}

bench::stopwatch::reading measure(task const& t, std::size_t count) {
    bench::stopwatch const watch;
    for (std::size_t i = 0; i != count; ++i)
        t.run();
    return watch.read();
}

// How many runs fill about two milliseconds.
std::size_t runs_of_a_round(task const& t) {
    for (std::size_t count = 1;; count *= 2)
        if (measure(t, count).wall > std::chrono::milliseconds(2)) return count;
}

// Nanoseconds of a run of each task: the medians of rounds in which they take turns.
std::vector<double> median_times(std::vector<task> const& tasks) {
    constexpr std::size_t rounds = 51;
    std::vector<std::size_t> counts;
    for (auto const& t : tasks)
        counts.push_back(runs_of_a_round(t));
    std::vector<std::vector<double>> times(tasks.size());
    for (std::size_t round = 0; round != rounds; ++round)
        for (std::size_t i = 0; i != tasks.size(); ++i)
            times[i].push_back(static_cast<double>(measure(tasks[i], counts[i]).wall.count()) /
                               static_cast<double>(counts[i]));
    std::vector<double> medians;
    for (auto& t : times) {
        std::nth_element(t.begin(), t.begin() + rounds / 2, t.end());
        medians.push_back(t[rounds / 2]);
    }
    return medians;
}

void print_table(std::vector<task> const& tasks) {
    auto const times = median_times(tasks);
    std::cout << std::fixed << std::left << std::setw(20) << "" << std::right << std::setw(12)
              << "ns" << std::setw(10) << "mallocs" << std::setw(14) << "/ Boost.JSON"
              << std::setw(14) << "/ RapidJSON" << '\n';
    for (std::size_t i = 0; i != tasks.size(); ++i) {
        std::cout << std::left << std::setw(20) << tasks[i].name << std::right << std::setw(12)
                  << std::setprecision(0) << times[i] << std::setw(10)
                  << measure(tasks[i], 1).mallocs << std::setprecision(2);
        bool const has_rivals = tasks[i].name == "create" || tasks[i].name == "page";
        if (has_rivals)
            std::cout << std::setw(14) << times[i] / times[i + 1] << std::setw(14)
                      << times[i] / times[i + 2];
        std::cout << '\n';
    }
}

void run_one(std::vector<task> const& tasks, std::string_view name, std::size_t count) {
    auto const found =
        std::find_if(tasks.begin(), tasks.end(), [&](task const& t) { return t.name == name; });
    if (found == tasks.end()) throw std::invalid_argument("no such task");
    measure(*found, 10);
    bench::print_each(std::cout, measure(*found, count), count);
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2 && argc != 4)
            throw std::invalid_argument("usage: pure CREATE_RESPONSE_FILE [TASK COUNT]");
        auto const tasks = all_tasks(bench::read_file(argv[1]));
        if (argc == 2) {
            print_table(tasks);
        } else {
            run_one(tasks, argv[2], std::stoul(argv[3]));
        }
        return 0;
    } catch (std::exception const& e) {
        std::cerr << "pure: " << e.what() << '\n';
        return 1;
    }
}

// Runs examples/custom_endpoint against the sandbox server, over TLS, with DNS records as a route of our own.
// Usage: custom_endpoint_test PROGRAM
#include "dns_records.hpp"

#include <cloudflare/testing/sandbox_server.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using cloudflare::testing::sandbox_server;

constexpr char const* zone = "023e105f4ecef8ad9ca31a8372d0c353";

struct outcome {
    int status;
    std::string out; // and what is said on stderr, behind it
};

int failures = 0;

void check(std::string const& what, bool holds, outcome const& seen) {
    if (holds) return;
    std::cout << "FAILED: " << what << " (exit status " << seen.status << ")\n" << seen.out;
    ++failures;
}

class trial {
public:
    explicit trial(std::string program)
        : program_(std::move(program)),
          folder_(std::filesystem::temp_directory_path() /
                  ("custom_endpoint." + std::to_string(::getpid()))) {
        std::filesystem::create_directory(folder_);
    }
    ~trial() { std::filesystem::remove_all(folder_); }

    /// What the program does, where the zone has `others` records and the server this fault.
    outcome run(int others, std::string const& fault = "") {
        records_ = dns_records(zone);
        records_.fill(others);
        boost::asio::io_context context(1);
        cloudflare::testing::sandbox box;
        box.add_route(records_);
        sandbox_server server(context, std::move(box));
        if (!fault.empty()) server.access([&](auto&, auto& faults) { faults.add(fault).value(); });
        std::ofstream(folder_ / "ca.pem") << server.ca_pem();
        std::thread runner([&] { context.run(); });
        auto const out = folder_ / "out";
        auto const command = program_ + ' ' + server.base_url() + ' ' + zone + ' ' +
                             (folder_ / "ca.pem").string() + " >" + out.string() + " 2>&1";
        auto const status = std::system(command.c_str());
        context.stop();
        runner.join();
        std::ifstream in(out);
        return {WEXITSTATUS(status), {std::istreambuf_iterator<char>(in), {}}};
    }
    [[nodiscard]] std::size_t left() const { return records_.size(); }

private:
    std::string program_;
    std::filesystem::path folder_;
    dns_records records_{zone};
};

} // namespace

int main(int, char** argv) {
    ::setenv("CLOUDFLARE_API_TOKEN", "an-api-token-that-no-output-shows", 1);
    trial t(argv[1]);

    auto const good = t.run(0);
    check("a record is made, listed and deleted",
          good.status == 0 && good.out == "created record0\nthere are 1 records\ndeleted record0\n",
          good);
    check("nothing is left", t.left() == 0, good);

    auto const several = t.run(4);
    check("all pages of the list are read",
          several.out.find("there are 5 records") != std::string::npos, several);
    check("no other record is touched", t.left() == 4, several);

    auto const lost = t.run(0, "POST=drop-after");
    check("a create whose response is lost fails", lost.status == 1, lost);
    check("it says that the server may have acted",
          lost.out.find("create_dns_record: connection lost") == 0 &&
              lost.out.find("the server may have acted") != std::string::npos,
          lost);
    check("it was sent once", t.left() == 1, lost);

    auto const retried = t.run(0, "DELETE#1=drop-after");
    check("a delete whose response is lost is sent again, and has then deleted",
          retried.status == 0 && t.left() == 0, retried);

    auto const busy = t.run(0, "POST#1=retry-after:0");
    check("a create that met the rate limit is sent again", busy.status == 0, busy);

    auto const secret = good.out + lost.out + several.out;
    check("no credential is shown", secret.find("no-output-shows") == std::string::npos, good);
    std::cout << failures << " failed\n";
    return failures == 0 ? 0 : 1;
}

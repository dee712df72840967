// The blocks of the guide's pages run together, over the API in memory.
#include "guide_sandbox.hpp"

#include "guide_script.hpp"

#include "guide_costs.hpp"
#include "guide_embedding.hpp"

#include "guide_embedded_calls.hpp"

#include "guide_endpoint.hpp"
#include "guide_failures.hpp"
#include "guide_first_token.hpp"
#include "guide_rate.hpp"
#include "guide_renew.hpp"
#include "guide_rotate.hpp"
#include "guide_seal.hpp"
#include "guide_secrets.hpp"
#include "guide_use.hpp"

#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/issuer.hpp>

#include <boost/json.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace {

namespace cf = cloudflare;
namespace cfa = cloudflare::access;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

int failures = 0;

void check(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    ++failures;
}

auto const account = cfa::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();

void makes_the_first_token(fs::path const& directory) {
    sandbox_transport transport;
    auto const id = first_token(sandbox_client(transport), account, directory / "first");
    check(id && fs::exists(directory / "first"), "the first token is in its file");
    check(id && transport.w->api.find(*id)->duration == cf::token_duration::hours(2160),
          "it lives for 90 days");
}

void tells_what_to_do() {
    auto const step = [](cf::errc code, cf::delivery how_far) {
        return after(cf::error(code, cf::error_details{.delivery = how_far}));
    };
    using cf::delivery;
    using cf::errc;
    check(step(errc::connection_lost, delivery::unknown) == next_step::look_for_the_name, "lost");
    check(step(errc::forbidden, delivery::rejected) == next_step::correct_the_call, "forbidden");
    check(step(errc::rate_limited, delivery::rejected) == next_step::ask_again_later, "429");
    check(step(errc::limit_reached, delivery::rejected) == next_step::ask_a_person, "limit");
}

void rotates_renews_and_uses(fs::path const& directory) {
    sandbox_transport transport;
    auto const client = sandbox_client(transport);
    fs::create_directory(directory / "secrets");
    cfa::directory_sink sink(directory / "secrets");
    cfa::file_intent_log log(directory / "intents");
    cfa::issuer issuer(client, account, sink, log);
    auto const made = issuer.issue("m17", cfa::create_params("machine 17")).get();
    check(made.has_value(), "a token is issued");

    cfa::current_secret current(directory / "secrets" / "m17");
    auto const send = [&](cf::http::headers const& login) -> cf::result<cf::http::response> {
        bool const admitted =
            transport.w->api.admits(login.find("CF-Access-Client-Id"),
                                    login.find("CF-Access-Client-Secret"), transport.w->now);
        cf::http::response response{.status = admitted ? 204 : 302};
        if (!admitted) response.fields.add("Location", "https://a.cloudflareaccess.com/").value();
        return response;
    };
    check(ask(current, send).value() == 204, "the secret passes");

    std::ostringstream said;
    check(rotate_key(client, account, sink, log, "m17", said), "the secret is rotated");
    check(ask(current, send).value() == 204, "the new secret passes");
    check(said.str().empty(), "nothing was wrong");
    check(rotate_key(client, account, sink, log, "m17", said), "once more, in its grace");
    check(said.str().find("a grace period is running") != std::string::npos, "it says so");

    said.str({});
    check(renew(client, account, sink, log, said) && said.str() == "m17: fresh\n",
          said.str().c_str());
    transport.w->api.find(made->token.id)->enabled = false;
    said.str({});
    check(!renew(client, account, sink, log, said) && said.str() == "m17: disabled\n",
          said.str().c_str());
    check(ask(current, send).error() == cf::errc::forbidden, "a disabled token is refused");
}

void seals(fs::path const& directory) {
    fs::create_directory(directory / "sealed");
    std::ofstream(directory / "key") << std::string(64, '5') << 'a' << '\n';
    fs::permissions(directory / "key", fs::perms::owner_read | fs::perms::owner_write);
    check(!sealed_directory(directory / "sealed", directory / "key"), "65 digits are no key");
    std::ofstream(directory / "key") << std::string(62, '5') << "1a\n";
    auto sink = sealed_directory(directory / "sealed", directory / "key");
    sandbox_transport transport;
    cfa::memory_intent_log log;
    check(sink.has_value(), "there is a sealed sink");
    cfa::issuer issuer(sandbox_client(transport), account, *sink, log);
    check(issuer.issue("m17", cfa::create_params("ci")).get().has_value(), "it takes a token");
    std::ifstream in(directory / "sealed" / "m17");
    std::string const file{std::istreambuf_iterator<char>(in), {}};
    check(file.find("sealed:v1:2026-11:") != file.npos, "the secret is sealed");
    check(file.find(transport.w->api.tokens().front().secret) == file.npos, "and not seen");
}

void lists_another_endpoint() {
    sandbox_transport transport;
    transport.w->api.add_route([](cf::http::request const&, std::string_view target,
                                  cf::timestamp) -> std::optional<cf::http::response> {
        auto const base = "/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/groups";
        if (target.substr(0, target.find('?')) != base) return std::nullopt;
        return cf::testing::sandbox::success(boost::json::parse(R"([{"id":"1","name":"ops"}])"));
    });
    auto const groups = groups_of(sandbox_client(transport), account);
    check(groups && groups->size() == 1 && groups->front().name == "ops", "groups are listed");
}

void performs_over_another_stack() {
    sandbox_transport transport;
    ::unsetenv("CLOUDFLARE_API_TOKEN"); // nobody else's
    ::unsetenv("CLOUDFLARE_EMAIL");
    check(!context_for("no URL") && !context_for(""), "a bad URL, and no credentials, are told");
    ::setenv("CLOUDFLARE_API_TOKEN", "any", 1);
    auto const context = context_for("https://127.0.0.1:8443/client/v4").value();
    ::unsetenv("CLOUDFLARE_API_TOKEN");
    auto const send = [&](cf::http::request const& r, cf::time_point deadline) {
        return transport.send(r, deadline).get();
    };
    auto const made =
        perform(context, cfa::create_service_token(account, cfa::create_params("ci")), send, 1);
    check(made && !made->client_secret.empty(), "a call is driven by hand");
    std::ostringstream out;
    auto const second = list_and_create(context, account, send, out);
    check(second && !second->client_secret.empty(), "so is the page's create");
    check(out.str().find(made->id) != std::string::npos, "and its list");
    check(out.str().find(made->client_secret.reveal()) == std::string::npos, "without a secret");
}

void counts_costs() {
    call_costs costs;
    cf::client client(sandbox_transport(), cf::api_token::make("any").value(), costs.traced());
    check(cfa::service_tokens(client, account).list().get() && costs.attempts == 1,
          "a call is counted");
}

} // namespace

int main() {
    auto const directory = fs::temp_directory_path() / ("guide-" + std::to_string(::getpid()));
    fs::create_directory(directory);
    makes_the_first_token(directory);
    tells_what_to_do();
    rotates_renews_and_uses(directory);
    seals(directory);
    lists_another_endpoint();
    performs_over_another_stack();
    counts_costs();
    check(a_lost_create_is_not_sent_again(), "a lost create is not sent again");
    check(is_hidden("a-secret-that-was-typed"), "a secret is hidden");
    auto const [first, second] =
        two_clients(sandbox_transport(), sandbox_transport(), cf::api_token::make("any").value());
    check(cfa::service_tokens(first, account).list().get() && second.options().limiter(),
          "two clients share a limiter");
    fs::remove_all(directory);
    std::puts(failures == 0 ? "the guide holds" : "the guide does not hold");
    return failures;
}

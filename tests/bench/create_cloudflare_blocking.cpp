// This library without coroutines.
#include "cloudflare_client.hpp"
#include "contest.hpp"

#include <cloudflare/transport/beast_blocking.hpp>

#include <stdexcept>

namespace {

class contestant {
public:
    explicit contestant(bench::arguments const& given)
        : tokens_(bench::service_tokens_over(
              cloudflare::blocking_beast_transport(bench::transport_options(given)), given)) {
        if (given.concurrency != 1) throw std::invalid_argument("one call at a time only");
    }

    void create(std::size_t count) {
        for (; count != 0; --count) {
            auto const token = tokens_.create(bench::create_params()).get().value();
            bench::sample::check(token.id, token.client_secret.reveal());
        }
    }

private:
    cloudflare::access::service_tokens<cloudflare::client<cloudflare::blocking_beast_transport>,
                                       cloudflare::access::account_scope>
        tokens_;
};

} // namespace

int main(int argc, char** argv) {
    return bench::run_contest<contestant>(argc, argv);
}

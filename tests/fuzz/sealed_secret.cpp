// The key's file and a sealed secret, a line each: what is no key is refused; what was not sealed by us does not open,
// and what opens is what was sealed, however it is changed. No error shows it.
#include "run.hpp"

#include <cloudflare/access/sealed_secret.hpp>

namespace cf = cloudflare;
namespace cfa = cloudflare::access;

namespace {

constexpr std::string_view plain = "broken-sample-of-a-secret";
constexpr std::string_view hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

cfa::held_token sample() {
    cfa::held_token held;
    held.token_id = "id-1";
    held.client_id = "c.access";
    held.version = 7;
    return held;
}

} // namespace

std::vector<std::string> samples() {
    std::string const key(hex);
    return {key + "\nsealed:v1:2026-11:ZGVmZ2hpamtsbW5vKmmxDRyHe-1fDy-Ev0gFm2-"
                  "jK3nuD4EX0ynRTPn4bAbNXfpUzQW548w",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nsealed:v1:2026-11:AAAA",
            key + "\n" + std::string(plain)};
}

void check(std::string_view input) {
    auto const key = cfa::sealing_key::parse("2026-11", take_line(input));
    if (!key) {
        require(key.error() == cf::errc::invalid_argument, "a bad key is bad input");
        return;
    }
    require(key->bytes().size() == 32, "a key has 32 bytes");
    auto const held = sample();
    auto const opened = cfa::unseal(*key, held, cf::secret(input));
    if (opened) {
        require(opened->reveal() == plain, "only what was sealed opens");
        auto const first = samples().front();
        require(input == std::string_view(first).substr(hex.size() + 1), "and in one form only");
        auto const again = cfa::seal(*key, held, *opened).value();
        require(cfa::unseal(*key, held, again).value() == *opened, "what was sealed opens");
        return;
    }
    require(opened.error() == cf::errc::secret_unreadable, "the error is named");
    auto const line = opened.error().to_string();
    require(line.find_first_of("\r\n") == line.npos, "an error is one line");
    require(line.find(plain) == line.npos, "an error shows no secret");
}

// cpp-httplib with nlohmann-json.
#include "contest.hpp"
#include "sample.hpp"
#include "token.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace bench {

inline void from_json(nlohmann::json const& j, token& t) {
    j.at("id").get_to(t.id);
    j.at("name").get_to(t.name);
    j.at("client_id").get_to(t.client_id);
    j.at("client_secret").get_to(t.client_secret);
    j.at("created_at").get_to(t.created_at);
    j.at("updated_at").get_to(t.updated_at);
    j.at("expires_at").get_to(t.expires_at);
    j.at("duration").get_to(t.duration);
}

} // namespace bench

namespace {

namespace sample = bench::sample;

class contestant {
public:
    explicit contestant(bench::arguments const& given)
        : server_(given.server()), client_(base_of(server_)) {
        if (given.concurrency != 1) throw std::invalid_argument("one call at a time only");
        client_.set_keep_alive(true);
        client_.set_tcp_nodelay(true);
        client_.set_bearer_token_auth(std::string(sample::api_token));
        if (server_.secure) client_.set_ca_cert_path(given.ca_file);
    }

    void create(std::size_t count) {
        for (; count != 0; --count) {
            auto const body =
                nlohmann::json{{"name", sample::name}, {"duration", sample::duration}};
            auto const response = client_.Post(target_, body.dump(), "application/json");
            if (!response) throw std::runtime_error(httplib::to_string(response.error()));
            if (response->status / 100 != 2) throw std::runtime_error("the server refused");
            auto const document = nlohmann::json::parse(response->body);
            if (!document.at("success").get<bool>()) throw std::runtime_error("the API refused");
            auto const token = document.at("result").get<bench::token>();
            sample::check(token.id, token.client_secret);
        }
    }

private:
    static std::string base_of(bench::address const& server) {
        return (server.secure ? "https://" : "http://") + server.host + ":" + server.port;
    }

    bench::address server_;
    std::string target_ = server_.path + std::string(sample::target);
    httplib::Client client_;
};

} // namespace

int main(int argc, char** argv) {
    return bench::run_contest<contestant>(argc, argv);
}

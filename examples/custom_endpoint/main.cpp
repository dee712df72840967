// DNS records: makes one, lists all, deletes it. This is how an endpoint is added that the library does not know.
//
// Usage: PROGRAM BASE_URL ZONE_ID [CA_FILE]; reads CLOUDFLARE_API_TOKEN.
#include <cloudflare/access/scope.hpp>
#include <cloudflare/api/list_all.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/http/query.hpp>
#include <cloudflare/json/writer.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cf = cloudflare;
using zone = cf::access::zone_scope;

struct dns_record {
    std::string id{}, type{}, name{}, content{};
    std::int64_t ttl = 1; // 1: automatic
    std::vector<std::string> tags{};

    static cf::result<dns_record> from_json(cf::json_value value) {
        cf::json_object_reader in(value);
        dns_record r;
        in.required("id", r.id);
        in.required("name", r.name);
        in.optional("type", r.type);
        in.optional("content", r.content);
        in.optional("ttl", r.ttl);
        in.optional("tags", r.tags);
        return in.finish(std::move(r));
    }
};

// What the error codes of DNS records mean.
std::optional<cf::errc> meaning_of_dns_code(cf::api_message const& m) {
    switch (m.code.value_or(0)) {
    case 81044: return cf::errc::not_found;
    case 81053:
    case 81057:
    case 81058: return cf::errc::conflict;
    default: return std::nullopt;
    }
}

struct create_dns_record {
    using result_type = dns_record;
    static constexpr std::string_view name = "create_dns_record";
    static constexpr auto method = cf::http::method::post;
    static constexpr auto idempotency = cf::idempotency::at_most_once;
    static auto meaning_of(cf::api_message const& m) { return meaning_of_dns_code(m); }

    cf::result<std::string> target() const { return in.path().append("dns_records").str(); }
    cf::result<std::string> body() const {
        if (record.name.empty())
            return cf::error(cf::errc::invalid_argument, "name: must not be empty");
        return cf::json_object_writer()
            .add("type", record.type)
            .add("name", record.name)
            .add("content", record.content)
            .add("ttl", record.ttl)
            .add("tags", record.tags)
            .finish();
    }

    zone in;
    dns_record record;
};

struct list_dns_records {
    using result_type = cf::page<dns_record>;
    static constexpr std::string_view name = "list_dns_records";
    static constexpr auto method = cf::http::method::get;
    static constexpr auto idempotency = cf::idempotency::safe;

    cf::result<std::string> target() const {
        return in.path().append("dns_records").str() + "?page=" + std::to_string(page);
    }

    zone in;
    std::int64_t page;
};

struct delete_dns_record {
    using result_type = void;
    static constexpr std::string_view name = "delete_dns_record";
    static constexpr auto method = cf::http::method::delete_;
    static constexpr auto idempotency = cf::idempotency::idempotent_delete;
    static auto meaning_of(cf::api_message const& m) { return meaning_of_dns_code(m); }

    cf::result<std::string> target() const {
        return in.path().append("dns_records").append(id).str();
    }

    zone in;
    std::string id;
};

int run(std::string const& base_url, zone in, std::string const& ca_file) {
    cf::client client(cf::blocking_beast_transport(cf::beast_options().ca_file(ca_file)),
                      cf::credentials_from_environment().value(),
                      cf::client_options().base_url(cf::base_url::parse(base_url).value()));

    dns_record const wanted{
        .type = "A", .name = "www.example.com", .content = "192.0.2.1", .tags = {"team:web"}};
    auto const created = client.call(create_dns_record{in, wanted}).get();
    if (!created) return std::cerr << created.error() << '\n', 1;
    std::cout << "created " << created->id << '\n';

    auto const records =
        cf::list_all(client, [in](std::int64_t page) { return list_dns_records{in, page}; }).get();
    if (!records) return std::cerr << records.error() << '\n', 1;
    std::cout << "there are " << records->size() << " records\n";

    auto const deleted = client.call(delete_dns_record{in, created->id}).get();
    if (!deleted) return std::cerr << deleted.error() << '\n', 1;
    std::cout << "deleted " << created->id << '\n';
    return 0;
}

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        std::cerr << "usage: " << argv[0] << " BASE_URL ZONE_ID [CA_FILE]\n";
        return 1;
    }
    try {
        return run(argv[1], zone::parse(argv[2]).value(), argc == 4 ? argv[3] : "");
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

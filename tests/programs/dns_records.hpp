// The DNS records of a zone as a route of the sandbox: what examples/custom_endpoint speaks to.
#pragma once

#include <cloudflare/testing/sandbox.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Pages of two records.
class dns_records {
public:
    explicit dns_records(std::string zone) : path_("/zones/" + std::move(zone) + "/dns_records") {}

    /// Makes as many records as others would have made.
    void fill(int count) {
        for (int i = 0; i != count; ++i)
            records_->push_back({{"id", "other" + std::to_string(i)}, {"name", "a.example"}});
    }
    [[nodiscard]] std::size_t size() const noexcept { return records_->size(); }

    std::optional<cloudflare::http::response> operator()(cloudflare::http::request const& r,
                                                         std::string_view target,
                                                         cloudflare::timestamp) const {
        using cloudflare::http::method;
        using cloudflare::testing::sandbox;
        if (!target.starts_with(path_)) return std::nullopt;
        target.remove_prefix(path_.size());
        if (r.method == method::post) return create(r.body);
        if (r.method == method::get && target.starts_with("?page=")) return list(target.substr(6));
        if (r.method == method::delete_ && target.starts_with('/')) return remove(target.substr(1));
        return sandbox::failure(405, 10405, "Method not allowed for this authentication scheme");
    }

private:
    using sandbox = cloudflare::testing::sandbox;
    static constexpr std::size_t per_page = 2;

    [[nodiscard]] cloudflare::http::response create(std::string_view body) const {
        auto record = boost::json::parse(body).as_object();
        for (auto const& other : *records_)
            if (other.at("name") == record.at("name"))
                return sandbox::failure(400, 81058, "An identical record already exists.");
        record["id"] = "record" + std::to_string(records_->size());
        records_->push_back(record);
        return sandbox::success(record);
    }
    [[nodiscard]] cloudflare::http::response list(std::string_view number) const {
        std::size_t page = 1;
        std::from_chars(number.data(), number.data() + number.size(), page);
        boost::json::array items;
        for (auto i = (page - 1) * per_page; i < (std::min)(records_->size(), page * per_page); ++i)
            items.emplace_back((*records_)[i]);
        auto response = sandbox::success(std::move(items));
        auto envelope = boost::json::parse(std::string_view(response.body)).as_object();
        envelope["result_info"] = {{"page", page}, {"per_page", per_page}};
        response.body = boost::json::serialize(envelope);
        return response;
    }
    [[nodiscard]] cloudflare::http::response remove(std::string_view id) const {
        if (std::erase_if(*records_, [&](auto const& r) { return r.at("id").as_string() == id; }) ==
            0)
            return sandbox::failure(404, 81044, "Record does not exist.");
        return sandbox::success(boost::json::object{{"id", id}});
    }

    std::string path_;
    std::shared_ptr<std::vector<boost::json::object>> records_ =
        std::make_shared<std::vector<boost::json::object>>(); // copies of a route share them
};

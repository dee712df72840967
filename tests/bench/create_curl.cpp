// libcurl with Boost.JSON: the easy interface for one call at a time, the multi interface for more.
#include "contest.hpp"
#include "token_json.hpp"

#include <curl/curl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct release {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
struct release_multi {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};

void demand(CURLcode code) {
    if (code != CURLE_OK) throw std::runtime_error(curl_easy_strerror(code));
}
void demand(CURLMcode code) {
    if (code != CURLM_OK) throw std::runtime_error(curl_multi_strerror(code));
}

std::unique_ptr<curl_slist, release> make_fields() {
    auto const bearer = "Authorization: Bearer " + std::string(bench::sample::api_token);
    auto* list = curl_slist_append(nullptr, bearer.c_str());
    list = curl_slist_append(list, "Content-Type: application/json");
    list = curl_slist_append(list, "Accept: application/json");
    return std::unique_ptr<curl_slist, release>(list);
}

// A handle that makes one create after another.
class call {
public:
    call(bench::arguments const& given, curl_slist* fields)
        : url_(given.base_url + std::string(bench::sample::target)) {
        set(CURLOPT_URL, url_.c_str());
        set(CURLOPT_HTTPHEADER, fields);
        set(CURLOPT_USERAGENT, "bench");
        set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
        set(CURLOPT_TIMEOUT_MS, 30'000L);
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_WRITEFUNCTION, &call::append);
        set(CURLOPT_WRITEDATA, &response_);
        set(CURLOPT_PRIVATE, this);
        if (!given.ca_file.empty()) set(CURLOPT_CAINFO, given.ca_file.c_str());
    }

    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

    void begin() {
        body_ = bench::create_body();
        response_.clear();
        set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
        set(CURLOPT_POSTFIELDS, body_.c_str());
    }

    void end(CURLcode code) {
        demand(code);
        long status = 0;
        curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
        if (status / 100 != 2) throw std::runtime_error("the server refused");
        static_cast<void>(bench::read_token(response_));
    }

private:
    static std::size_t append(char const* data, std::size_t, std::size_t size, void* to) {
        static_cast<std::string*>(to)->append(data, size);
        return size;
    }

    template <class T>
    void set(CURLoption option, T value) {
        demand(curl_easy_setopt(easy_.get(), option, value));
    }

    std::unique_ptr<CURL, release> easy_{curl_easy_init()};
    std::string url_;
    std::string body_;
    std::string response_;
};

class contestant {
public:
    explicit contestant(bench::arguments const& given) : fields_(make_fields()) {
        for (std::size_t i = 0; i != given.concurrency; ++i)
            calls_.push_back(std::make_unique<call>(given, fields_.get()));
    }

    void create(std::size_t count) {
        if (calls_.size() == 1) {
            create_in_turn(*calls_.front(), count);
        } else {
            create_at_once(count);
        }
    }

private:
    static void create_in_turn(call& c, std::size_t count) {
        for (; count != 0; --count) {
            c.begin();
            c.end(curl_easy_perform(c.handle()));
        }
    }

    void create_at_once(std::size_t count) {
        unsent_ = pending_ = count;
        for (auto& c : calls_)
            begin_next(*c);
        while (pending_ != 0) {
            int running = 0;
            demand(curl_multi_perform(multi_.get(), &running));
            if (end_finished() == 0)
                demand(curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr));
        }
    }

    void begin_next(call& c) {
        if (unsent_ == 0) return;
        --unsent_;
        c.begin();
        demand(curl_multi_add_handle(multi_.get(), c.handle()));
    }

    std::size_t end_finished() {
        std::size_t finished = 0;
        int left = 0;
        while (auto const* const message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            call* c = nullptr;
            auto const code = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
            demand(curl_multi_remove_handle(multi_.get(), c->handle()));
            c->end(code);
            --pending_;
            ++finished;
            begin_next(*c);
        }
        return finished;
    }

    std::unique_ptr<curl_slist, release> fields_;
    std::unique_ptr<CURLM, release_multi> multi_{curl_multi_init()};
    std::vector<std::unique_ptr<call>> calls_;
    std::size_t unsent_ = 0;
    std::size_t pending_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return bench::run_contest<contestant>(argc, argv);
}

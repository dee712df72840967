// Operations with a slip in each. wrong_operations.sh compiles this file, and looks for what stands after "says:" at the call
// of each. With RIGHT_ONLY defined it compiles.
#include <cloudflare/api/list_all.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/json/writer.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cf = cloudflare;

namespace {

using cf::result;
using client = cf::client<cf::testing::scripted_transport>;

struct thing {
    std::string id{};
    static result<thing> from_json(cf::json_value) { return thing(); }
};

struct named {
    static constexpr std::string_view name = "named";
};
struct with_method {
    static constexpr auto method = cf::http::method::post;
};
struct safe {
    static constexpr auto idempotency = cf::idempotency::safe;
};
struct with_target {
    result<std::string> target() const { return std::string("/things"); }
};
/// All that an operation needs but its result.
struct base : named, with_method, safe, with_target {};

struct right : base {
    using result_type = thing;
    std::string body() const { return "{}"; }
    static result<thing> decode(cf::http::response const&) { return thing(); }
    static std::optional<cf::errc> meaning_of(cf::api_message const&) { return std::nullopt; }
};
struct right_with_refusal : base {
    using result_type = std::vector<std::string>;
    result<std::string> body() const { return cf::error(cf::errc::invalid_argument, "x"); }
};
struct right_text_body : base {
    using result_type = std::string;
    char const* body() const { return "{}"; }
};
struct right_page : base {
    using result_type = cf::page<thing>;
};
struct inherited : right {};
struct last final : base {
    using result_type = void;
    std::string body() const { return "{}"; }
};

#ifndef RIGHT_ONLY
struct no_result_type : base {};                  // says: needs a result_type
struct no_name : with_method, safe, with_target { // says: needs a name
    using result_type = void;
};
struct name_of_each : with_method, safe, with_target { // says: needs a name
    using result_type = void;
    std::string_view name = "named";
};
struct no_method : named, safe, with_target { // says: needs a method
    using result_type = void;
};
struct no_idempotency : named, with_method, with_target { // says: needs its idempotency
    using result_type = void;
};
struct no_target : named, with_method, safe { // says: needs its target
    using result_type = void;
};
struct target_not_const : named, with_method, safe { // says: needs its target
    using result_type = void;
    result<std::string> target() { return std::string("/things"); }
};
struct target_of_text : named, with_method, safe { // says: needs its target
    using result_type = void;
    std::string target() const { return "/things"; }
};
struct body_not_const : base { // says: body is a public function that changes nothing
    using result_type = void;
    std::string body() { return "{}"; }
};
struct body_is_data : base { // says: body is a public function that changes nothing
    using result_type = void;
    std::string body;
};
struct body_of_number : base { // says: body is a public function that changes nothing
    using result_type = void;
    int body() const { return 1; }
};
struct body_of_writer : base { // says: body is a public function that changes nothing
    using result_type = void;
    cf::json_object_writer body() const { return {}; }
};
struct body_with_parameter : base { // says: body is a public function that changes nothing
    using result_type = void;
    std::string body(int) const { return "{}"; }
};
class private_body : public base { // says: body is a public function that changes nothing
    std::string body() const { return "{}"; }

public:
    using result_type = void;
};
struct inherited_body : body_not_const {}; // says: body is a public function that changes nothing
struct decode_of_each : base {             // says: decode has this form
    using result_type = thing;
    result<thing> decode(cf::http::response const&) const { return thing(); }
};
struct decode_of_text : base { // says: decode has this form
    using result_type = thing;
    static result<thing> decode(std::string_view) { return thing(); }
};
struct decode_of_another : base { // says: decode has this form
    using result_type = thing;
    static result<std::string> decode(cf::http::response const&) { return std::string(); }
};
struct decode_without_result : base { // says: decode has this form
    using result_type = thing;
    static thing decode(cf::http::response const&) { return thing(); }
};
struct meaning_of_number : base { // says: meaning_of has this form
    using result_type = thing;
    static std::optional<cf::errc> meaning_of(int) { return std::nullopt; }
};
struct meaning_without_optional : base { // says: meaning_of has this form
    using result_type = thing;
    static cf::errc meaning_of(cf::api_message const&) { return cf::errc::not_found; }
};
struct unreadable {};
struct half_readable {
    static half_readable from_json(cf::json_value) { return {}; }
};
struct readable_of_each {
    result<readable_of_each> from_json(cf::json_value) { return *this; }
};
struct result_unreadable : base { // says: result_type is read from JSON
    using result_type = unreadable;
};
struct result_half_readable : base { // says: result_type is read from JSON
    using result_type = half_readable;
};
struct result_readable_of_each : base { // says: result_type is read from JSON
    using result_type = readable_of_each;
};
struct page_unreadable : base { // says: result_type is read from JSON
    using result_type = cf::page<unreadable>;
};
struct optional_unreadable : base { // says: result_type is read from JSON
    using result_type = std::optional<unreadable>;
};
struct vector_unreadable : base { // says: result_type is read from JSON
    using result_type = std::vector<unreadable>;
};
struct removal : named, with_method, with_target { // says: has a result of void
    using result_type = thing;
    static constexpr auto idempotency = cf::idempotency::idempotent_delete;
};

struct nameless {
    int number = 0;
    static result<nameless> from_json(cf::json_value) { return nameless(); }
};
struct page_of_nameless : base {
    using result_type = cf::page<nameless>;
};
struct no_page { // says: whose result_type is cloudflare::page
    right operator()(std::int64_t) const { return {}; }
};
struct page_without_id { // says: need an id, or ==
    page_of_nameless operator()(std::int64_t) const { return {}; }
};
struct page_by_name { // says: is called with the number of a page
    right_page operator()(std::string) const { return {}; }
};
#endif

template <class... Ops>
void call_all(client const& c) {
    (static_cast<void>(c.call(Ops())), ...);
}

} // namespace

void call_them(client const& c) {
    call_all<right, right_with_refusal, right_text_body, right_page, inherited, last>(c);
    static_cast<void>(cf::list_all(c, [](std::int64_t) { return right_page(); }));
#ifndef RIGHT_ONLY
#define CALL(op) static_cast<void>(c.call(op()))
    CALL(no_result_type);
    CALL(no_name);
    CALL(name_of_each);
    CALL(no_method);
    CALL(no_idempotency);
    CALL(no_target);
    CALL(target_not_const);
    CALL(target_of_text);
    CALL(body_not_const);
    CALL(body_is_data);
    CALL(body_of_number);
    CALL(body_of_writer);
    CALL(body_with_parameter);
    CALL(private_body);
    CALL(inherited_body);
    CALL(decode_of_each);
    CALL(decode_of_text);
    CALL(decode_of_another);
    CALL(decode_without_result);
    CALL(meaning_of_number);
    CALL(meaning_without_optional);
    CALL(result_unreadable);
    CALL(result_half_readable);
    CALL(result_readable_of_each);
    CALL(page_unreadable);
    CALL(optional_unreadable);
    CALL(vector_unreadable);
    CALL(removal);
    static_cast<void>(cf::list_all(c, no_page()));
    static_cast<void>(cf::list_all(c, page_without_id()));
    static_cast<void>(cf::list_all(c, page_by_name()));
#endif
}

/// The token that contestants without the library make of a response.
#pragma once

#include <string>

namespace bench {

struct token {
    std::string id;
    std::string name;
    std::string client_id;
    std::string client_secret;
    std::string created_at;
    std::string updated_at;
    std::string expires_at;
    std::string duration;
};

} // namespace bench

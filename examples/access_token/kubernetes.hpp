// A Secret manifest for kubectl.
#pragma once

#include "output_style.hpp"

#include <string>
#include <string_view>

// What is written of a name that Kubernetes does not take: lower-case letters, digits, `-` and `.`, of 253 bytes at the
// most.
std::string kubernetes_name(std::string_view name);

// Whether Kubernetes takes it as a namespace.
bool is_kubernetes_namespace(std::string_view name);

// A Secret of API version v1, whose `stringData` has id and secret under the style's names.
std::string kubernetes_secret(std::string_view name, std::string_view client_id,
                              std::string_view client_secret, output_style const& style);

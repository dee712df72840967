// Handing a token to the later steps of a GitHub Actions job.
#pragma once

#include "output_style.hpp"

#include <string>
#include <string_view>
#include <vector>

// The files of the job, as GITHUB_ENV and GITHUB_OUTPUT name them; none outside of a job.
std::vector<std::string> github_files();

// Whether each can be written to; the first that cannot, else empty.
std::string unwritable_of(std::vector<std::string> const& files);

// Has the runner mask the secret in all logs, then appends `NAME=value` of id and secret to the files; false where that
// failed.
bool hand_to_github(std::string_view client_id, std::string_view client_secret,
                    output_style const& style, std::vector<std::string> const& files);

// How a round of renewal is told: a line a token, JSON, the exit status.
#pragma once

#include "options.hpp"
#include "outcome.hpp"

#include <cloudflare/access/renewer.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>

// The tokens as a table, or as JSON.
std::string show(cloudflare::access::renewal_report const& report, output_style const& style);

boost::json::object report_json(cloudflare::access::renewal_report const& report);

// Names what is not well on stderr; gives the worst of it: 3 for a token that is lost, missing, disabled or expired, or
// whose renewal failed after something was sent; 1 where nothing was changed.
exit_status tell_unwell(options const& o, cloudflare::access::renewal_report const& report);

// SPDX-License-Identifier: Apache-2.0
// Who may use an endpoint.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "serve/options.h"

namespace adweave::serve {

// The parameter that holds a signature.
constexpr const char* kSignature = "sig";

// Why the request must not be answered; nothing when it may. `options` knows the tokens; without
// any, whoever can connect may do all. A signed request is signed up to its "&sig=": a POST as if
// its form were its query.
std::optional<net::HttpResponse> refuse(const net::HttpRequest& request, Access access,
                                        const Options& options);

// Whether the signature is the HMAC-SHA256 of the text under one of the keys, in hexadecimal
// digits.
bool is_signed(std::string_view text, std::string_view signature,
               const std::vector<SigningKey>& keys);

}  // namespace adweave::serve

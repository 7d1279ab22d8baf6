// SPDX-License-Identifier: Apache-2.0
// The description of the API for programs: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), from
// the table of routes.
#pragma once

#include "base/json.h"
#include "serve/routes.h"

namespace adweave::serve {

// `has_tokens`: endpoints that need one say so.
JsonValue openapi_of(const Routes& routes, bool has_tokens);

}  // namespace adweave::serve

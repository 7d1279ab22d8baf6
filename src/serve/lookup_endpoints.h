// SPDX-License-Identifier: Apache-2.0
// Look-ups by id, from the index of ids:
//
//   GET /v1/users/{id}/timeline   a user's events, the newest first
//   GET /v1/auctions/{id}         what led to an auction's impressions, and what came of them
//   GET /v1/impressions/{id}      the same of an impression
//   GET /v1/explain/{id}          an event's life, as `adweave explain` tells it
//
// Each answer says up to which commit it looked.
#pragma once

#include "lookup/index.h"
#include "serve/answer_threads.h"
#include "serve/explainer.h"
#include "serve/routes.h"

namespace adweave::serve {

// All must outlive the routes.
void add_lookup_endpoints(const lookup::Index& index, Explainer& explainer, AnswerThreads& threads,
                          Routes& routes);

}  // namespace adweave::serve

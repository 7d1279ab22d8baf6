// SPDX-License-Identifier: Apache-2.0
// The schema registry's REST interface, as Confluent's clients and serializers speak it
// (https://docs.confluent.io/platform/current/schema-registry/develop/api.html), for Avro schemas
// without references.
#pragma once

#include "registry/registry.h"
#include "serve/answer_threads.h"
#include "serve/routes.h"

namespace adweave::serve {

// `registry` must outlive the threads, and they the routes.
void add_registry_endpoints(registry::Registry& registry, AnswerThreads& threads, Routes& routes);

}  // namespace adweave::serve

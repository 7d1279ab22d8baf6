// SPDX-License-Identifier: Apache-2.0
// All that the pipeline remembers of committed rows. A function of them: it can be rebuilt from the
// lake at any time.
#pragma once

#include "state/file_table.h"
#include "state/ids_seen.h"
#include "state/journeys.h"

namespace adweave::state {

struct State {
  FileTable files;
  IdsSeen ids;
  Journeys journeys;
};

}  // namespace adweave::state

// SPDX-License-Identifier: Apache-2.0
// All rows of a data folder as text, for comparing two folders: what the fault tests mean by
// "equal".
#pragma once

#include <string>

#include "base/file_system.h"

namespace adweave::engine {

// One line a row, "table: column=value ...", sorted; every column but the commit numbers (commit,
// first_commit), which depend on how often a writer began.
Result<std::string> ledger_text(const FileSystem& fs, const std::string& dir);

}  // namespace adweave::engine

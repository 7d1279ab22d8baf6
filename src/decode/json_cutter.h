// SPDX-License-Identifier: Apache-2.0
// Finds the ends of JSON records by each framing. Inside decode/ only.
#pragma once

#include <memory>

#include "decode/spec.h"
#include "event/cutter.h"

namespace adweave::decode {

// In an array or a concatenation a broken value leaves no place where the next one surely begins:
// the rest of the file is one problem.
std::unique_ptr<event::RecordCutter> make_json_cutter(const DecoderSpec& spec);

}  // namespace adweave::decode

// SPDX-License-Identifier: Apache-2.0
// Text of other encodings -> UTF-8. Inside decode/ only.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "decode/spec.h"
#include "event/content.h"

namespace adweave::decode {

// By the byte order mark: utf16le or utf16be; `utf8` for all else.
Encoding detect_encoding(std::string_view start);

// Half a surrogate pair becomes bytes that are not UTF-8, so that its record is rejected. A byte
// order mark is left out. Not for Encoding::detect and utf8.
std::unique_ptr<event::ByteTransform> make_transcoder(Encoding encoding);

}  // namespace adweave::decode

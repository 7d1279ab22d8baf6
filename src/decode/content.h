// SPDX-License-Identifier: Apache-2.0
// The bytes of a file -> its content in UTF-8: what compresses and encodes it is undone. Inside
// decode/ only.
#pragma once

#include <memory>
#include <string_view>

#include "decode/spec.h"
#include "event/content.h"

namespace adweave::decode {

// For a file that begins with `start`; null when its bytes are its content. A compressed file that
// grows more than spec.expansion_max-fold has a problem at that place.
std::unique_ptr<event::ByteTransform> make_content(const DecoderSpec& spec, std::string_view start);

}  // namespace adweave::decode

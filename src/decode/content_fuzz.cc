// SPDX-License-Identifier: Apache-2.0
// Compression and encodings: the content must not depend on how the bytes come in.
#include "decode/content.h"
#include "decode/decode_fuzz_support.h"

namespace {

using adweave::decode::DecoderSpec;

struct Content {
  std::string bytes;
  std::string problem;
  bool operator==(const Content&) const = default;
};

// Reads the input in pieces of `piece` bytes, as much as 1 MiB of content.
Content content_of(const DecoderSpec& spec, std::string_view input, size_t piece) {
  constexpr size_t kContentMax = 1 << 20;
  Content content;
  const auto transform = adweave::decode::make_content(spec, input);
  if (!transform) return {std::string(input), ""};
  std::string_view given = input.substr(0, piece);
  size_t begin = 0;
  while (content.bytes.size() < kContentMax) {
    const size_t before = content.bytes.size();
    const bool at_end = begin + given.size() == input.size();
    const auto step = transform->run(given, at_end, content.bytes, kContentMax - before);
    CHECK(step.used <= given.size());
    begin += step.used;
    given = input.substr(begin, given.size() - step.used);
    content.problem = step.problem;
    if (step.end || !step.problem.empty()) break;
    const bool starved = step.used == 0 && content.bytes.size() == before;
    CHECK(!starved || !at_end);
    if (starved || given.empty()) given = input.substr(begin, given.size() + piece);
  }
  return content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adweave::decode;
  FuzzInput input(data, size);
  DecoderSpec spec;
  spec.encoding = static_cast<Encoding>(input.choose(6));
  const size_t piece = 1 + input.choose(64);
  CHECK(content_of(spec, input.rest(), piece) == content_of(spec, input.rest(), SIZE_MAX));
  return 0;
}

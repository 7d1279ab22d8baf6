// SPDX-License-Identifier: Apache-2.0
#include "decode/content.h"

#include <algorithm>

#include "base/limits.h"
#include "decode/decompress.h"
#include "decode/transcode.h"

namespace adweave::decode {

namespace {

constexpr size_t kPlainBytesMin = 64;  // enough for a byte order mark and any one character

// Decompresses; the transcoder after it is chosen by the first bytes that come out.
class Content : public event::ByteTransform {
 public:
  Content(std::unique_ptr<event::ByteTransform> decompressor, Encoding encoding,
          int64_t expansion_max)
      : decompressor_(std::move(decompressor)),
        encoding_(encoding),
        expansion_max_(expansion_max) {}

  Step run(std::string_view in, bool at_end, std::string& out, size_t room) override {
    Step step;
    const size_t want = std::max(room, kPlainBytesMin);
    while (plain_.size() - plain_begin_ < want && !plain_ended_ && problem_.empty()) {
      const Step inner = decompress(in.substr(step.used), at_end, want);
      step.used += inner.used;
      if (inner.used == 0) break;
    }
    std::string_view plain = std::string_view(plain_).substr(plain_begin_);
    const bool plain_whole = plain_ended_ || !problem_.empty();
    if (!encoding_known_) {
      if (plain.size() < 2 && !plain_whole) return step;
      if (encoding_ == Encoding::detect) encoding_ = detect_encoding(plain);
      transcoder_ = make_transcoder(encoding_);
      encoding_known_ = true;
    }
    const Step last = transcode(plain, plain_whole, out, room);
    plain_begin_ += last.used;
    if (plain_begin_ == plain_.size()) plain_.clear(), plain_begin_ = 0;
    if (!last.end && last.problem.empty()) return step;
    step.end = problem_.empty() && last.problem.empty();
    step.problem = problem_.empty() ? last.problem : problem_;
    return step;
  }

 private:
  Step decompress(std::string_view in, bool at_end, size_t room) {
    const size_t before = plain_.size();
    const Step step = decompressor_->run(in, at_end, plain_, room);
    taken_ += static_cast<int64_t>(step.used);
    made_ += static_cast<int64_t>(plain_.size() - before);
    plain_ended_ = step.end;
    problem_ = step.problem;
    if (made_ > limits::kExpansionFreeBytes && made_ / expansion_max_ > taken_) {
      problem_ = "the file expands more than " + std::to_string(expansion_max_) +
                 "-fold (limits.expansion_max)";
    }
    return step;
  }

  Step transcode(std::string_view plain, bool whole, std::string& out, size_t room) {
    if (transcoder_) return transcoder_->run(plain, whole, out, room);
    const size_t size = std::min(plain.size(), room);
    out.append(plain.substr(0, size));
    return {size, whole && size == plain.size(), ""};
  }

  std::unique_ptr<event::ByteTransform> decompressor_;
  std::unique_ptr<event::ByteTransform> transcoder_;
  Encoding encoding_;
  bool encoding_known_ = false;
  int64_t expansion_max_;
  std::string plain_;  // decompressed, from plain_begin_ on not yet transcoded
  size_t plain_begin_ = 0;
  bool plain_ended_ = false;
  std::string problem_;
  int64_t taken_ = 0;
  int64_t made_ = 0;
};

}  // namespace

std::unique_ptr<event::ByteTransform> make_content(const DecoderSpec& spec,
                                                   std::string_view start) {
  const Compression compression =
      spec.compression == Compression::detect ? detect_compression(start) : spec.compression;
  const Encoding encoding = spec.format == Format::avro ? Encoding::utf8 : spec.encoding;
  if (compression != Compression::none)
    return std::make_unique<Content>(make_decompressor(compression), encoding, spec.expansion_max);
  return make_transcoder(encoding == Encoding::detect ? detect_encoding(start) : encoding);
}

}  // namespace adweave::decode

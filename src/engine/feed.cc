// SPDX-License-Identifier: Apache-2.0
#include "engine/feed.h"

#include <utility>

namespace adweave::engine {

PositionStep file_step(const event::Slice& slice) {
  return {slice.begin, slice.problem.empty() ? slice.end : slice.begin, slice.last};
}

FileFeed::FileFeed(const FileSystem& fs, const std::vector<OpenSource>& sources,
                   SchemaFetcher& schemas, int64_t slice_bytes, std::vector<WorkFile> files)
    : fs_(fs),
      sources_(sources),
      schemas_(schemas),
      slice_bytes_(slice_bytes),
      files_(std::move(files)) {}

Result<std::optional<ReadSlice>> FileFeed::next() {
  for (; reading_ < files_.size(); ++reading_, reader_.reset()) {
    if (!reader_) {
      work_ = std::make_shared<const WorkFile>(std::move(files_[reading_]));
      const OpenSource& source = sources_[work_->source];
      const std::string& name = source.job->decoder.source;
      auto opened = source::SliceReader::open(fs_, work_->file, name, work_->resume.begin,
                                              slice_bytes_, schemas_.format_of(source), buffers_);
      if (!opened) return std::move(opened).error().within("source " + name);
      reader_ = *std::move(opened);
    }
    ADWEAVE_ASSIGN(std::optional<event::Slice> slice, reader_->next());
    if (schemas_.has_given_up()) break;
    if (!slice) continue;
    const PositionStep step = file_step(*slice);
    return std::optional<ReadSlice>({work_, step, std::move(*slice)});
  }
  return std::optional<ReadSlice>();
}

}  // namespace adweave::engine

// SPDX-License-Identifier: Apache-2.0
#include "engine/decode_files.h"

#include <mutex>

#include "base/parallel.h"
#include "engine/plan.h"
#include "source/slice_reader.h"

namespace adweave::engine {

namespace {

// The slices of all files, one after the other, to whichever thread asks.
class SliceQueue {
 public:
  struct Taken {
    const decode::Decoder* decoder = nullptr;
    event::Slice slice;
  };

  SliceQueue(const FileSystem& fs, const Job& job, const std::vector<OpenSource>& sources,
             const std::function<void(int64_t, int64_t)>& progress)
      : fs_(fs), job_(job), sources_(sources), progress_(progress) {
    for (const OpenSource& source : sources) {
      for (const source::SourceFile& file : source.files) bytes_ += file.size;
    }
  }

  // Null at the end, and when reading has failed.
  std::optional<Taken> next() {
    const std::lock_guard guard(mutex_);
    if (failure_) return std::nullopt;
    Result<std::optional<Taken>> taken = read();
    if (taken) return *std::move(taken);
    failure_ = std::move(taken).error();
    return std::nullopt;
  }

  Status status() const { return failure_ ? Status(*failure_) : Status(); }

 private:
  Result<std::optional<Taken>> read() {
    for (; source_ < sources_.size(); ++source_, file_ = 0) {
      const OpenSource& source = sources_[source_];
      for (; file_ < source.files.size(); ++file_, reader_.reset()) {
        if (!reader_) {
          ADWEAVE_ASSIGN(reader_, source::SliceReader::open(
                                      fs_, source.files[file_], source.job->decoder.source, 0,
                                      job_.slice_bytes, format_of(*source.decoder)));
        }
        ADWEAVE_ASSIGN(std::optional<event::Slice> slice, reader_->next());
        if (!slice) continue;
        done_ += slice->file_bytes;
        if (progress_) progress_(done_, bytes_);
        return std::optional<Taken>({source.decoder.get(), std::move(*slice)});
      }
    }
    return std::optional<Taken>();
  }

  const FileSystem& fs_;
  const Job& job_;
  const std::vector<OpenSource>& sources_;
  const std::function<void(int64_t, int64_t)>& progress_;
  std::mutex mutex_;  // of all below
  size_t source_ = 0;
  size_t file_ = 0;  // of the source
  std::optional<source::SliceReader> reader_;
  int64_t done_ = 0;
  int64_t bytes_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Status decode_files(const FileSystem& fs, const Job& job, const TakeDecoded& take,
                    const std::function<void(int64_t, int64_t)>& progress) {
  ADWEAVE_ASSIGN(const std::vector<OpenSource> sources, open_sources(fs, job));
  SliceQueue queue(fs, job, sources, progress);
  run_parallel(static_cast<size_t>(job.threads), job.threads, [&](size_t worker) {
    while (auto taken = queue.next()) take(worker, taken->decoder->decode(std::move(taken->slice)));
  });
  return queue.status();
}

}  // namespace adweave::engine

// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.h"

#include <algorithm>
#include <set>

namespace adweave::engine {

Result<std::vector<OpenSource>> make_decoders(const Job& job) {
  std::vector<OpenSource> sources;
  for (const SourceJob& source : job.sources) {
    OpenSource& open = sources.emplace_back();
    open.job = &source;
    ADWEAVE_ASSIGN(open.decoder, decode::make_decoder(source.decoder));
  }
  return sources;
}

Result<std::vector<OpenSource>> open_sources(const FileSystem& fs, const Job& job) {
  ADWEAVE_ASSIGN(std::vector<OpenSource> sources, make_decoders(job));
  for (OpenSource& source : sources) {
    auto files = source::find_files(fs, job.folder, source.job->files);
    if (!files) return std::move(files).error().within("source " + source.job->decoder.source);
    source.files = *std::move(files);
  }
  return sources;
}

Status identify_files(const FileSystem& fs, std::vector<OpenSource>& sources, Profile* profile) {
  StageTimer timer(profile, Stage::identify);
  for (OpenSource& source : sources) {
    for (source::SourceFile& file : source.files) {
      const Status identified = source::identify(fs, file);
      if (!identified)
        return Error(identified.error()).within("source " + source.job->decoder.source);
      timer.add(0, file.size);
    }
  }
  return {};
}

source::FileFormat format_of(const decode::Decoder& decoder) {
  return format_of(std::shared_ptr<const decode::Decoder>(std::shared_ptr<void>(), &decoder));
}

source::FileFormat format_of(const std::shared_ptr<const decode::Decoder>& decoder) {
  return {[decoder](std::string_view start) { return decoder->content(start); },
          [decoder] { return decoder->cutter(); }};
}

KnownFiles known_files(const std::vector<OpenSource>& sources, const ledger::Ledger& ledger) {
  KnownFiles known;
  for (const OpenSource& source : sources) {
    std::vector<source::ReadBefore>& files = known.emplace_back();
    for (const ledger::SourcePosition& position : ledger.positions(source.job->decoder.source)) {
      files.push_back(
          {position.file, position.size, position.hash, position.after, position.done != 0});
    }
  }
  return known;
}

Result<Plan> plan_files(const FileSystem& fs, const std::vector<OpenSource>& sources,
                        const KnownFiles& known) {
  Plan plan;
  for (size_t i = 0; i < sources.size(); ++i) {
    std::set<std::string> contents;  // a copy of a file in the same run adds nothing either
    for (const source::SourceFile& file : sources[i].files) {
      ADWEAVE_ASSIGN(const source::Resume resume, source::resume_at(fs, file, known[i]));
      if (resume.complete || !contents.insert(file.hash).second) {
        ++plan.files_known;
        continue;
      }
      plan.bytes += file.size - std::min(resume.begin, file.size);
      plan.files.push_back({i, file, resume});
    }
  }
  return plan;
}

process::PrepareRules prepare_rules(const Job& job, const ledger::Ledger& ledger,
                                    state::Dimensions dimensions) {
  process::PrepareRules rules{job.zone, job.validation, std::move(dimensions)};
  if (ledger.retention()) rules.validation.oldest_time = ledger.retention()->from;
  return rules;
}

}  // namespace adweave::engine

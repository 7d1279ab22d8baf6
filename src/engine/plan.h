// SPDX-License-Identifier: Apache-2.0
// What there is to read: every file of every source with something new, and where to begin.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "engine/job.h"
#include "engine/profile.h"
#include "ledger/ledger.h"
#include "process/prepare.h"
#include "source/file_source.h"
#include "source/journal.h"
#include "source/slice_reader.h"

namespace adweave::engine {

// A source with its decoder and the files that its patterns find.
struct OpenSource {
  const SourceJob* job = nullptr;
  std::unique_ptr<decode::Decoder> decoder;
  std::vector<source::SourceFile> files;
};

// Makes every decoder.
Result<std::vector<OpenSource>> make_decoders(const Job& job);

// The same, and finds every file. Touches no data folder.
Result<std::vector<OpenSource>> open_sources(const FileSystem& fs, const Job& job);

// Reads every file for its hash.
Status identify_files(const FileSystem& fs, std::vector<OpenSource>& sources, Profile* profile);

// What the decoder knows of its files.
source::FileFormat format_of(const decode::Decoder& decoder);
source::FileFormat format_of(const std::shared_ptr<const decode::Decoder>& decoder);  // keeps it

// A file that has something new.
struct WorkFile {
  size_t source = 0;  // in the open sources
  source::SourceFile file;
  source::Resume resume;
};

// What was read before of each source, in their order.
using KnownFiles = std::vector<std::vector<source::ReadBefore>>;
KnownFiles known_files(const std::vector<OpenSource>& sources, const ledger::Ledger& ledger);

struct Plan {
  std::vector<WorkFile> files;
  int64_t files_known = 0;
  int64_t bytes = 0;  // still to read
};

Result<Plan> plan_files(const FileSystem& fs, const std::vector<OpenSource>& sources,
                        const KnownFiles& known);

// What the steps of a slice need to know: the job's rules, and the ledger's oldest retained day.
process::PrepareRules prepare_rules(const Job& job, const ledger::Ledger& ledger,
                                    state::Dimensions dimensions);

}  // namespace adweave::engine

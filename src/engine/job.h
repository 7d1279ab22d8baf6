// SPDX-License-Identifier: Apache-2.0
// The main job: raw logs in, one atomic ledger out. Everything a run needs to know, as plain data;
// the configuration fills it in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/time_zone.h"
#include "decode/spec.h"
#include "ledger/commit_record.h"
#include "process/attribute.h"
#include "process/validate.h"
#include "source/kafka_produce.h"
#include "source/kafka_topic.h"

namespace adweave::registry {
class RemoteSchemas;
}

namespace adweave::engine {

// Another schema registry, which speaks Confluent's interface.
struct SchemaRegistry {
  std::string url;
  std::string user;                          // empty: the secret, if there is one, is a token
  std::string secret_file, secret_variable;  // where it is; both empty: there is none
  std::string ca_file;                       // who signs its certificate; empty: the system's
  bool waits = true;  // for it, when it cannot be reached; else messages of new schemas are rejects
};

struct SourceJob {
  decode::DecoderSpec decoder;     // decoder.source is the source's name
  std::vector<std::string> files;  // patterns, relative to Job::folder
  std::string mapping;  // hash of format and mapping: contents made by others are not compared
  bool deduplicate = true;
  bool http = false;                        // takes deliveries of a running server
  std::optional<source::KafkaTopic> kafka;  // which a running server reads
  std::string tcp;                          // address where lines are taken; empty: none
  bool standard_input = false;              // of a running server
  std::vector<std::string> tail;            // patterns of files that it follows, as of `files`
  std::optional<SchemaRegistry> registry;   // that knows the schemas of the messages
  std::shared_ptr<registry::RemoteSchemas> schemas = nullptr;  // of it, given before a run
};

struct Job {
  std::string data;           // the data folder
  std::string folder;         // of the configuration: file names are shown relative to it
  std::string configuration;  // hash of the configuration
  std::string ledger_id = "local";
  std::vector<SourceJob> sources;
  source::KafkaCluster kafka;                     // of the sources' topics
  source::KafkaProduce kafka_produce;             // what a running server writes there
  std::map<std::string, std::string> dimensions;  // name -> file, relative to `folder`
  process::AttributionRules attribution;
  process::ValidationRules validation;
  TimeZone zone = TimeZone::utc();

  int threads = 1;
  int64_t slice_bytes = limits::kSliceBytes;
  int64_t commit_bytes = limits::kCommitBytes;
  int64_t ids_memory_max = limits::kIdsMemoryBytes;
  int64_t snapshot_rows = limits::kLiveSnapshotRows;
  int64_t snapshot_step_bytes = limits::kSnapshotStepBytes;
  int64_t lookup_days = 0;  // a server answers look-ups by id of so many days; 0: none
  int64_t raw_kept_us = limits::kJournalKeptUs;  // what a server has committed stays in the journal
  bool take_over = false;
  std::string holder;   // this process, for the lock file; differs for each process
  std::string program;  // version
};

// What a run did.
struct RunReport {
  int64_t first_commit = 0;  // of data; 0: nothing was added
  int64_t last_commit = 0;
  int64_t files = 0;                   // that had something new
  int64_t files_known = 0;             // whose content was read before
  int64_t bytes = 0;                   // of input
  std::vector<ledger::Counts> counts;  // by source, of this run
  std::optional<Error> behind;         // why other programs' view of the lake is not up to date
};

class Profile;

// The clock and the eyes of a run; the pipeline itself has none.
struct RunHooks {
  std::function<int64_t()> now_us;  // for commit records only
  std::function<void(int64_t done_bytes, int64_t total_bytes)>
      progress;                // after each slice; may be empty
  std::function<bool()> stop;  // true: commit what is sequenced and end; may be empty. Any thread
  Profile* profile = nullptr;  // to be filled by run(); may be null
  // What goes wrong beside the ledger, and is tried again; may be empty. Any thread.
  std::function<void(const Error&)> trouble = nullptr;
  // Small files are merged on a thread of their own, while commits go on.
  bool merges_beside = false;
};

// Runs the job to the end of its files. Fails with config, not_found, locked, fenced, io or
// corrupt: then the last commit stands, nothing is half done, and the process must end.
Result<RunReport> run(FileSystem& fs, const Job& job, const RunHooks& hooks);

}  // namespace adweave::engine

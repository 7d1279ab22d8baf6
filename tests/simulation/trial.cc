// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/trial.h"

#include <algorithm>
#include <map>
#include <set>

#include "app/config/config.h"
#include "engine/ledger_text.h"
#include "engine/seal.h"
#include "engine/vacuum.h"
#include "lake/delta_log.h"
#include "ledger/ledger.h"
#include "source/generator/generator.h"

namespace adweave::tests {

namespace {

constexpr int64_t kEvents = 1'500;
constexpr int64_t kSliceBytes = 16 * limits::kKiB;
constexpr int64_t kCommitBytes = 40 * limits::kKiB;
constexpr int64_t kIdsMemory = 1;  // all ids move to disk after each commit

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// A folder of the real disk with all that is below it.
void put_folder(SimulatedDisk& disk, const FileSystem& fs, const std::string& folder) {
  const Result<std::vector<std::string>> names = fs.list(folder);
  CHECK(names);
  for (const std::string& name : *names) {
    const std::string path = join_path(folder, name);
    const Result<FileInfo> info = fs.info(path);
    CHECK(info);
    if (info->is_directory) {
      put_folder(disk, fs, path);
    } else {
      disk.put(path, *read_file(fs, path, info->size), info->modified_us);
    }
  }
}

// Whether other programs see what the ledger says.
bool delta_logs_follow(const FileSystem& fs, const std::string& data,
                       const ledger::Ledger& ledger) {
  return std::all_of(
      event::all_tables().begin(), event::all_tables().end(), [&](const auto& table) {
        std::vector<std::string> live;
        for (const event::DataFile& file : ledger.live_files(table.name, ledger.head()))
          live.push_back(lake::path_in_table(file));
        std::sort(live.begin(), live.end());
        const auto log = lake::DeltaLog::open(fs, data, table);
        return log && log->paths() == live;
      });
}

// Whether a plain folder of a sealed day holds the files it should, and nothing else.
bool is_whole(const FileSystem& fs, const std::string& folder, std::set<std::string> names) {
  names.insert("_complete.json");
  const auto found = fs.list(folder);
  return found && *found == std::vector<std::string>(names.begin(), names.end());
}

// Whether programs that know nothing of the ledger see the sealed days, each row once.
bool plain_folders_follow(const FileSystem& fs, const std::string& data,
                          const ledger::Ledger& ledger) {
  std::map<std::string, std::set<std::string>> folders;
  for (const event::DataFile& file : ledger.live_files("", ledger.head())) {
    const std::string path = file.is_sealed() ? event::published_path(file) : "";
    if (file.is_sealed())
      folders[parent_path(path)].insert(path.substr(parent_path(path).size() + 1));
  }
  return std::all_of(folders.begin(), folders.end(), [&](const auto& folder) {
    return is_whole(fs, join_path(data, folder.first), folder.second);
  });
}

}  // namespace

Result<engine::RunReport> run_job(FileSystem& fs, const engine::Job& job) {
  return engine::run(fs, job, {[] { return int64_t{0}; }, {}, {}});
}

Status work(FileSystem& fs, const engine::Job& job) {
  ADWEAVE_TRY(run_job(fs, job));
  // Each with a writer of its own, as commands are.
  const auto with_writer = [&](const auto& use) -> Status {
    ADWEAVE_ASSIGN(
        ledger::LedgerWriter writer,
        ledger::LedgerWriter::open_existing(fs, {job.data, job.holder, "", job.program, false}));
    const auto used = use(writer);
    return used ? Status() : Status(used.error());
  };
  const engine::UpkeepOptions options{1, [] { return int64_t{0}; }, {}};
  ADWEAVE_TRY(with_writer([&](auto& writer) { return engine::compact(fs, writer, options); }));
  ADWEAVE_TRY(with_writer([&](auto& writer) { return engine::seal(fs, writer, true, options); }));
  return with_writer([&](auto& writer) { return engine::vacuum(fs, writer, 0, 0, false); });
}

Result<Trial> Trial::prepare(const std::string& folder) {
  const std::unique_ptr<FileSystem> fs = make_posix_file_system();
  Trial trial;
  trial.folder_ = folder;
  source::GeneratorOptions options;
  options.events = kEvents;
  options.out = join_path(folder, "logs");
  ADWEAVE_TRY(source::generate(*fs, options, {}));
  ADWEAVE_ASSIGN(app::Config config, app::load_config(*fs, join_path(options.out, "adweave.yaml")));
  CHECK(config.problems.empty());
  trial.job_ = std::move(config.job);
  trial.job_.slice_bytes = kSliceBytes;
  trial.job_.commit_bytes = kCommitBytes;
  trial.job_.ids_memory_max = kIdsMemory;
  trial.job_.program = "faults";
  const std::string calm = join_path(folder, "calm");
  ADWEAVE_ASSIGN(const engine::RunReport report, run_job(*fs, trial.job(calm, "calm")));
  CHECK(report.last_commit > report.first_commit + 1);
  ADWEAVE_ASSIGN(const std::string text, engine::ledger_text(*fs, calm));
  ADWEAVE_TRY(work(*fs, trial.job(calm, "calm")));
  ADWEAVE_ASSIGN(const std::string sealed, engine::ledger_text(*fs, calm));
  CHECK(sealed == text);
  trial.expected_ = lines_of(text);
  return trial;
}

engine::Job Trial::job(const std::string& data, const std::string& holder) const {
  engine::Job job = job_;
  job.data = data;
  job.holder = holder;
  return job;
}

std::unique_ptr<SimulatedDisk> Trial::disk() const {
  auto disk = std::make_unique<SimulatedDisk>();
  put_folder(*disk, *make_posix_file_system(), job_.folder);
  return disk;
}

void Trial::compare(const FileSystem& fs, const std::string& data, Tally& tally) const {
  ++tally.rounds;
  tally.events += static_cast<int64_t>(expected_.size());
  const Result<std::string> text = engine::ledger_text(fs, data);
  if (!text) {
    ++tally.altered;
    return;
  }
  const std::vector<std::string> found = lines_of(*text);
  std::vector<std::string> missing;
  std::vector<std::string> more;
  std::set_difference(expected_.begin(), expected_.end(), found.begin(), found.end(),
                      std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected_.begin(), expected_.end(),
                      std::back_inserter(more));
  tally.lost += static_cast<int64_t>(missing.size());
  for (const std::string& line : more) {
    ++(std::binary_search(expected_.begin(), expected_.end(), line) ? tally.twice : tally.altered);
  }
  const Result<ledger::Ledger> ledger = ledger::Ledger::open(fs, data);
  if (!ledger || !ledger::verify_files(fs, data, *ledger, {}).problems.empty() ||
      !delta_logs_follow(fs, data, *ledger) || !plain_folders_follow(fs, data, *ledger))
    ++tally.altered;
}

}  // namespace adweave::tests

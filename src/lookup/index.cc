// SPDX-License-Identifier: Apache-2.0
#include "lookup/index.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
#include "lake/table_reader.h"

namespace adweave::lookup {

namespace {

constexpr std::string_view kFolder = "index";
constexpr std::string_view kManifest = "runs.json";
constexpr int64_t kFormat = 1;

// Runs of about one size have one tier: rows by powers of kLookupMergeRuns.
int tier_of(int64_t rows) {
  constexpr int kBits = std::bit_width(limits::kLookupMergeRuns) - 1;
  return static_cast<int>(std::bit_width(static_cast<uint64_t>(rows))) / kBits;
}

int64_t rows_in(std::span<const std::shared_ptr<const Run>> runs) {
  int64_t rows = 0;
  for (const auto& run : runs) rows += run->rows();
  return rows;
}

bool is_in_memory(const std::shared_ptr<const Run>& run) {
  return run->name().empty();
}

bool names(const Record& record, std::string_view id) {
  for (size_t i = 0; i < record.values.size(); ++i) {
    const std::string* text = record.values[i].as_string();
    if (text == nullptr) continue;
    const event::ColumnInfo& column = record.table->columns[i];
    const bool is_position = column.name == "source_position" || column.name == "first_position";
    if (is_position && (*text == id || record_position(*text) == id)) return true;
    if ((column.type == event::Type::Id || column.name == "fact_value") && *text == id) return true;
  }
  return false;
}

bool is_in_order(const Record& a, const Record& b) {
  const auto place = [](const Record& record) {
    const int64_t* commit = record.value("commit").as_int();
    return std::tuple(record.table, commit == nullptr ? 0 : *commit, record.time(),
                      record.text("event_id"), record.text("source_position"));
  };
  return place(a) < place(b);
}

// Which runs are true, and of what.
struct Manifest {
  JsonValue json;
  int64_t through = -1;
  std::vector<std::string> runs;
};

Result<Manifest> parse_manifest(const FileSystem& fs, const std::string& folder) {
  constexpr int64_t kManifestBytesMax = limits::kMiB;
  const std::string path = join_path(folder, kManifest);
  Manifest manifest;
  ADWEAVE_ASSIGN(const std::string text, read_file(fs, path, kManifestBytesMax));
  ADWEAVE_ASSIGN(manifest.json, parse_json(text));
  const JsonValue* through = manifest.json.find("through");
  const JsonValue* runs = manifest.json.find("runs");
  const Error damage{ErrorCode::corrupt, path + " is no list of runs", ""};
  if (through == nullptr || through->as_int() == nullptr || runs == nullptr ||
      runs->as_array() == nullptr) {
    return damage;
  }
  manifest.through = *through->as_int();
  for (const JsonValue& run : *runs->as_array()) {
    if (run.as_string() == nullptr) return damage;
    manifest.runs.push_back(*run.as_string());
  }
  return manifest;
}

Result<std::vector<std::shared_ptr<const Run>>> open_runs(const FileSystem& fs,
                                                          const std::string& folder,
                                                          const Manifest& manifest) {
  std::vector<std::shared_ptr<const Run>> runs;
  for (const std::string& name : manifest.runs) {
    ADWEAVE_ASSIGN(std::unique_ptr<MappedFile> file, fs.map(join_path(folder, name)));
    ADWEAVE_ASSIGN(std::shared_ptr<const Run> run, Run::open(std::move(file), name));
    runs.push_back(std::move(run));
  }
  return runs;
}

// Calls take(rows) for each row group of a file.
template <class Take>
Status visit_file(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                  Take take) {
  const event::TableInfo* table = event::find_table(file.table);
  if (table == nullptr)
    return Error{ErrorCode::corrupt, "no table is called " + file.table, "run adweave verify"};
  if (table->kind) {
    return lake::visit_events(fs, dir, file, {}, [&](const event::Batch& batch) -> Status {
      return take(event::table_rows(batch));
    });
  }
#define ADWEAVE_VISIT(Rows, FIELDS, table_name, time)                                           \
  if (file.table == table_name) {                                                               \
    return lake::visit_rows<event::Rows>(                                                       \
        fs, dir, file, [&](const event::Rows& rows) { return take(event::table_rows(rows)); }); \
  }
  ADWEAVE_OTHER_TABLES(ADWEAVE_VISIT)
#undef ADWEAVE_VISIT
  return {};
}

// The column that says which commit brought a row.
const event::IntColumn& commits_of(const event::TableRows& rows) {
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.table->columns[i].name == "commit")
      return *std::get<const event::IntColumn*>(rows.columns[i]);
  }
  CHECK(false);
}

}  // namespace

Result<std::unique_ptr<Index>> Index::open(FileSystem& fs, const std::string& dir,
                                           std::string ledger_id, int64_t epoch, int64_t days) {
  std::unique_ptr<Index> index(new Index(fs, dir, std::move(ledger_id), epoch, days));
  ADWEAVE_TRY(make_dirs(fs, index->folder_));
  Result<View> kept = index->read_manifest();
  View view = kept ? *std::move(kept) : View{};
  ADWEAVE_TRY(index->remove_unlisted(view.runs));
  index->persisted_through_ = view.through;
  index->show(std::move(view));
  return index;
}

Result<Index::View> Index::read_manifest() const {
  ADWEAVE_ASSIGN(const Manifest manifest, parse_manifest(fs_, folder_));
  const auto says = [&](std::string_view name, const JsonValue& value) {
    const JsonValue* found = manifest.json.find(name);
    return found != nullptr && found->dump() == value.dump();
  };
  if (!says("format", kFormat) || !says("ledger_id", ledger_id_) ||
      !says("schema", event::schema_hash()) || !says("days", days_)) {
    return Error{ErrorCode::not_found, "the index is of something else", ""};
  }
  View view;
  view.through = manifest.through;
  ADWEAVE_ASSIGN(view.runs, open_runs(fs_, folder_, manifest));
  return view;
}

Status Index::check(const FileSystem& fs, const std::string& dir) {
  const std::string folder = join_path(dir, kFolder);
  const auto check_once = [&](const Manifest& manifest) -> Status {
    ADWEAVE_ASSIGN(const Runs runs, open_runs(fs, folder, manifest));
    for (const RunPtr& run : runs) ADWEAVE_TRY(run->check());
    return {};
  };
  if (!fs.exists(join_path(dir, kManifestPath))) return {};
  ADWEAVE_ASSIGN(Manifest manifest, parse_manifest(fs, folder));
  while (true) {
    const Status sound = check_once(manifest);
    if (sound) return {};
    // A server that runs beside it removes files that it has made others of.
    ADWEAVE_ASSIGN(Manifest now, parse_manifest(fs, folder));
    if (now.json.dump() == manifest.json.dump()) return sound;
    manifest = std::move(now);
  }
}

Status Index::write_manifest(const View& view) {
  JsonValue::Array runs;
  for (const RunPtr& run : view.runs) runs.emplace_back(run->name());
  const JsonValue manifest = JsonValue::Object{
      {"format", kFormat}, {"ledger_id", ledger_id_}, {"schema", event::schema_hash()},
      {"days", days_},     {"through", view.through}, {"runs", std::move(runs)}};
  return replace_file(fs_, join_path(folder_, fmt::format("runs.{}.tmp", epoch_)),
                      join_path(folder_, kManifest), manifest.dump());
}

Status Index::remove_unlisted(const Runs& listed) {
  ADWEAVE_ASSIGN(const std::vector<std::string> names, fs_.list(folder_));
  for (const std::string& name : names) {
    const bool is_listed = std::any_of(listed.begin(), listed.end(),
                                       [&](const RunPtr& run) { return run->name() == name; });
    if (name != kManifest && !is_listed) ADWEAVE_TRY(fs_.unlink(join_path(folder_, name)));
  }
  return {};
}

std::shared_ptr<const Index::View> Index::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void Index::show(View view) {
  auto shown = std::make_shared<const View>(std::move(view));
  const std::lock_guard lock(mutex_);
  view_.swap(shown);
}

Status Index::follow(const LedgerFiles& ledger, int64_t retained_from, int64_t now,
                     const std::function<bool()>& stop) {
  const std::shared_ptr<const View> before = view();
  View after = *before;
  after.time_from = std::max(retained_from, (now / limits::kDayUs - days_) * limits::kDayUs);
  if (ledger.head > before->through) {
    RunBuilder builder;
    // Files that are not sealed go first: others may merge them soon.
    for (const bool sealed : {false, true}) {
      for (const event::DataFile& file : ledger.live) {
        if (stop()) return {};
        if (file.is_sealed() != sealed || file.commit <= before->through ||
            file.time_max < after.time_from) {
          continue;
        }
        ADWEAVE_TRY(take_file(file, *before, after.time_from, builder, after.runs));
      }
    }
    if (builder.rows() > 0) {
      ADWEAVE_ASSIGN(RunPtr built, build(builder));
      after.runs.push_back(std::move(built));
    }
    after.through = ledger.head;
  }
  std::erase_if(after.runs, [&](const RunPtr& run) { return run->time_max() < after.time_from; });
  ADWEAVE_TRY(merge_due(after.runs, before->runs, after.time_from));
  show(after);
  int64_t in_memory = 0;
  for (const RunPtr& run : after.runs) in_memory += is_in_memory(run) ? run->rows() : 0;
  const bool is_due =
      in_memory > limits::kLookupMemoryRows || now - persisted_ > limits::kLookupMemoryUs;
  return is_due ? persist(after, now) : Status();
}

Status Index::take_file(const event::DataFile& file, const View& before, int64_t time_from,
                        RunBuilder& builder, Runs& runs) {
  const event::TableInfo* table = event::find_table(file.table);
  if (table != nullptr && !has_ids(*table)) return {};
  return visit_file(fs_, dir_, file, [&](const event::TableRows& rows) -> Status {
    const event::IntColumn& commits = commits_of(rows);
    builder.add(rows, [&](int64_t row) {
      return commits.value_or(row, 0) > before.through &&
             rows.partition_time->value_or(row, 0) >= time_from;
    });
    if (builder.rows() < static_cast<size_t>(limits::kLookupBuildRows)) return {};
    ADWEAVE_ASSIGN(RunPtr built, build(builder));
    runs.push_back(std::move(built));
    return merge_due(runs, before.runs, time_from);
  });
}

Result<Index::RunPtr> Index::build(RunBuilder& builder) {
  const bool in_file = builder.rows() > static_cast<size_t>(limits::kLookupMemoryRows);
  return make_run(in_file, [&](RunWriter& writer) { return builder.build(writer); });
}

Result<Index::RunPtr> Index::merge(std::span<const RunPtr> runs, int64_t time_from, bool in_file) {
  return make_run(in_file, [&](RunWriter& writer) { return merge_runs(runs, time_from, writer); });
}

Result<Index::RunPtr> Index::make_run(bool in_file, const Write& write) {
  if (!in_file) {
    std::string bytes;
    RunWriter writer([&](std::string_view more) -> Status {
      bytes += more;
      return {};
    });
    ADWEAVE_TRY(write(writer));
    return Run::open(std::move(bytes), "");
  }
  const std::string name = fmt::format("{}-{}.run", epoch_, ++last_name_);
  const std::string path = join_path(folder_, name);
  ADWEAVE_ASSIGN(const std::unique_ptr<File> file, fs_.create_exclusive(path));
  RunWriter writer([&](std::string_view more) { return file->write(more); });
  ADWEAVE_TRY(write(writer));
  ADWEAVE_TRY(file->sync());
  ADWEAVE_TRY(file->close());
  ADWEAVE_ASSIGN(std::unique_ptr<MappedFile> mapped, fs_.map(path));
  return Run::open(std::move(mapped), name);
}

// What it replaces is removed at once if nobody was shown it: what was is listed, or may be.
Status Index::merge_due(Runs& runs, const Runs& shown, int64_t time_from) {
  int tier_max = 0;
  for (const RunPtr& run : runs) tier_max = std::max(tier_max, tier_of(run->rows()));
  for (int tier = 0; tier <= tier_max; ++tier) {
    size_t first = runs.size();
    while (first > 0 && tier_of(runs[first - 1]->rows()) <= tier) --first;
    const std::span<const RunPtr> due = std::span<const RunPtr>(runs).subspan(first);
    const int64_t rows = rows_in(due);
    if (due.size() < limits::kLookupMergeRuns || rows > limits::kLookupRunRowsMax) continue;
    ADWEAVE_ASSIGN(RunPtr merged, merge(due, time_from, rows > limits::kLookupMemoryRows));
    for (const RunPtr& run : due) {
      const bool is_shown = std::find(shown.begin(), shown.end(), run) != shown.end();
      if (!is_in_memory(run) && !is_shown) ADWEAVE_TRY(fs_.unlink(join_path(folder_, run->name())));
    }
    runs.resize(first);
    if (merged->rows() > 0) runs.push_back(std::move(merged));
  }
  return {};
}

Status Index::flush(int64_t now) {
  View all = *view();
  return persist(all, now);
}

// Removes files only once no list names them.
Status Index::persist(View& view, int64_t now) {
  if (view.through == persisted_through_) return {};
  Runs in_memory;
  for (const RunPtr& run : view.runs) {
    if (is_in_memory(run)) in_memory.push_back(run);
  }
  if (!in_memory.empty()) {
    ADWEAVE_ASSIGN(RunPtr merged, merge(in_memory, view.time_from, true));
    std::erase_if(view.runs, is_in_memory);
    view.runs.push_back(std::move(merged));
  }
  ADWEAVE_TRY(fs_.sync_dir(folder_));
  ADWEAVE_TRY(write_manifest(view));
  persisted_ = now;
  persisted_through_ = view.through;
  ADWEAVE_TRY(remove_unlisted(view.runs));
  show(view);
  return {};
}

int64_t Index::through() const {
  return view()->through;
}

int64_t Index::rows() const {
  return rows_in(view()->runs);
}

int64_t Index::runs() const {
  return static_cast<int64_t>(view()->runs.size());
}

Result<Found> Index::rows_of(std::string_view id) const {
  const std::shared_ptr<const View> shown = view();
  Found found{{}, shown->through, false};
  std::optional<Error> failure;
  for (const RunPtr& run : shown->runs) {
    std::vector<uint32_t> rows;
    run->find(key_of(id), rows);
    if (record_position(id) != id) run->find(key_of(record_position(id)), rows);
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    ADWEAVE_TRY(run->visit_rows(rows, [&](uint32_t, const KeptRow& row) {
      Result<Record> record = parse_record(row.record);
      if (!record) {
        failure = record.error();
      } else if (row.time >= shown->time_from && names(*record, id)) {
        found.is_cut = found.records.size() == limits::kLookupRowsMax;
        if (!found.is_cut) found.records.push_back(*std::move(record));
      }
      return !failure && !found.is_cut;
    }));
    if (failure) return *failure;
    if (found.is_cut) break;
  }
  std::sort(found.records.begin(), found.records.end(), is_in_order);
  return found;
}

Result<Found> Index::timeline(std::string_view user, int64_t before, size_t limit) const {
  const std::shared_ptr<const View> shown = view();
  Found found{{}, shown->through, false};
  const Key person = key_of(user);
  std::optional<Error> failure;
  // Takes a row that is his, whole groups of one time; false once it has enough of this run.
  const auto take = [&](const KeptRow& row, size_t& taken, int64_t& last_time) {
    if (row.time < shown->time_from || (taken >= limit && row.time != last_time)) return false;
    Result<Record> record = parse_record(row.record);
    if (!record) {
      failure = record.error();
      return false;
    }
    if (record->text("person_id") != user && record->text("user_id") != user) return true;
    ++taken;
    last_time = row.time;
    found.records.push_back(*std::move(record));
    return true;
  };
  for (const RunPtr& run : shown->runs) {
    size_t taken = 0;
    int64_t last_time = 0;
    bool was_cut = false;
    ADWEAVE_TRY(run->visit_from(person, before - 1, [&](uint32_t, const KeptRow& row) {
      if (row.person != person) return false;
      const bool goes_on = take(row, taken, last_time);
      was_cut = !goes_on && row.time >= shown->time_from;
      return goes_on;
    }));
    found.is_cut = found.is_cut || was_cut;
    // Rows of his that stand with the person that he was found to be.
    std::vector<uint32_t> linked;
    run->find(person, linked);
    ADWEAVE_TRY(run->visit_rows(linked, [&](uint32_t, const KeptRow& row) {
      size_t none = 0;
      int64_t no_time = 0;
      if (row.person != person && row.time < before) take(row, none, no_time);
      return !failure;
    }));
    if (failure) return *failure;
  }
  std::sort(found.records.begin(), found.records.end(), [](const Record& a, const Record& b) {
    return std::tuple(b.time(), a.table, a.text("event_id")) <
           std::tuple(a.time(), b.table, b.text("event_id"));
  });
  size_t size = std::min(limit, found.records.size());
  while (size > 0 && size < found.records.size() &&
         found.records[size].time() == found.records[size - 1].time())
    ++size;
  found.is_cut = found.is_cut || size < found.records.size();
  found.records.resize(size);
  return found;
}

}  // namespace adweave::lookup

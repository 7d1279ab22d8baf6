// SPDX-License-Identifier: Apache-2.0
#include "query/explain.h"

#include <fmt/format.h>

#include "app/command.h"
#include "base/time.h"
#include "source/journal_reader.h"
#include "source/tail_positions.h"

namespace adweave::app {

namespace {

std::string text_of(const JsonValue& value) {
  if (const std::string* text = value.as_string()) return *text;
  return value.is_null() ? "" : value.dump();
}

// Events under headings, a sentence a line.
void print_life(const query::QueryResult& life) {
  std::string heading;
  for (const auto& row : life.rows) {
    const std::string id = text_of(row[2]);
    const std::string advertiser = text_of(row[1]);
    const std::string title = text_of(row[0]) + (id.empty() ? "" : " " + id) +
                              (advertiser.empty() ? ", not taken" : " of advertiser " + advertiser);
    if (title != heading) fmt::print("{}{}\n", heading.empty() ? "" : "\n", title);
    heading = title;
    const std::string commit = row[4].is_null() ? "" : "commit " + text_of(row[4]);
    fmt::print("  {:<10}  {:<11}  {}\n", text_of(row[3]), commit, text_of(row[5]));
  }
}

// How what stands at a place of the journal was delivered, and where it stood in a file that was
// followed.
struct Delivered {
  std::string what;
  JsonValue detail;
};

Delivered tell_delivered(const source::JournalEntry& entry, int64_t inner) {
  const source::Delivery& delivery = entry.delivery;
  Delivered told{"in batch " + delivery.batch, JsonValue{JsonValue::Object{}}};
  told.detail.set("batch", delivery.batch);
  told.detail.set("received_time", format_time(delivery.received_time));
  const auto followed = source::parse_tail_batch(delivery.batch);
  if (!followed) return told;
  // In front of what was read of the file stands its head, where it has one and was not read.
  const auto bytes = static_cast<int64_t>(delivery.body.size());
  const int64_t head = bytes - (followed->position.after - followed->begin);
  const int64_t offset = followed->begin + inner - head;
  const std::string& name = followed->position.name;
  told.what = fmt::format("at byte {} of {}, inode {}, which was followed", offset, name,
                          followed->position.number);
  told.detail.set("file", name);
  told.detail.set("inode", static_cast<int64_t>(followed->position.number));
  told.detail.set("offset", offset);
  return told;
}

// Behind each row that came by the journal, how it was delivered; nothing where that is not kept
// any more.
Status add_deliveries(const FileSystem& fs, const std::string& data, query::QueryResult& life) {
  constexpr size_t kStep = 3, kWhat = 5, kDetail = 6;
  for (size_t i = 0; i < life.rows.size(); ++i) {
    const JsonValue* given = life.rows[i][kDetail].find("source_position");
    const std::string* position = given ? given->as_string() : nullptr;
    const auto place = position ? source::parse_journal_place(*position) : std::nullopt;
    if (!place) continue;
    const auto entry =
        source::find_delivery(fs, join_path(data, "journal"), place->segment, place->offset);
    if (!entry && entry.error().code == ErrorCode::not_found) continue;
    if (!entry) return entry.error();
    const int64_t inner = place->inner.value_or(place->offset - entry->body_offset);
    Delivered told = tell_delivered(*entry, inner);
    auto row = life.rows[i];
    row[kStep] = JsonValue("delivered");
    row[kWhat] = JsonValue(std::move(told.what));
    row[kDetail] = std::move(told.detail);
    life.rows.insert(life.rows.begin() + static_cast<ptrdiff_t>(++i), std::move(row));
  }
  return {};
}

int explain_command(FileSystem& fs, const ReadOptions& options, const std::string& id) {
  const Result<query::SqlEngine> sql = open_sql(fs, options);
  if (!sql) return fail(sql.error());
  Result<query::QueryResult> life = query::explain(*sql, id);
  if (!life) return fail(life.error());
  if (const Status told = add_deliveries(fs, options.data, *life); !told) return fail(told.error());
  if (options.format() == OutputFormat::table) {
    print_life(*life);
  } else {
    print_rows(*life, options);
  }
  return kOk;
}

}  // namespace

void add_explain_command(Program& program) {
  auto options = std::make_shared<ReadOptions>();
  auto id = std::make_shared<std::string>();
  CLI::App* command = add_command(
      program, "explain",
      "Tells an event's life: origin, rules, repeats, join, touches, credits, KPI cells.",
      {"adweave explain --data DIR click-17", "adweave explain --data DIR clicks.csv:1234",
       "adweave explain --data DIR order-9 --as-of 12 --output json"});
  options->add_to(*command);
  command->add_option("id", *id, "Its event_id, or where it was in its source (file:offset)")
      ->required()
      ->type_name("ID");
  command->callback([&program, options, id] {
    program.action = [&program, options, id] { return explain_command(program.fs, *options, *id); };
  });
}

}  // namespace adweave::app

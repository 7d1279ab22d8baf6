// SPDX-License-Identifier: Apache-2.0
#include "decode/detect/guess_mapping.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "decode/detect/feed_names.h"
#include "decode/time_form.h"

namespace adweave::decode {

namespace {

using event::Field;
using event::Kind;

constexpr double kKindWordsMin = 0.8;  // of the values of a column that names each row's kind

constexpr double kFileNameWeight = 2;

// Tried in this order. An epoch's unit is told by its size.
const std::vector<TimeForm>& time_forms() {
  using enum TimeForm::Kind;
  static const std::vector<TimeForm> forms = {
      {iso, ""},
      {epoch_s, ""},
      {epoch_ms, ""},
      {epoch_us, ""},
      {epoch_ns, ""},
      {pattern, "%Y-%m-%d %H:%M:%S"},
      {pattern, "%Y-%m-%d %H:%M"},
      {pattern, "%Y-%m-%d"},
      {pattern, "%d/%b/%Y:%H:%M:%S %z"},
      {pattern, "%Y/%m/%d %H:%M:%S"},
      {pattern, "%d.%m.%Y %H:%M:%S"},
      {pattern, "%m/%d/%Y %H:%M:%S"},
      {pattern, "%m/%d/%Y %H:%M"},
      {pattern, "%m/%d/%Y"},
      {pattern, "%d.%m.%Y"},
      {pattern, "%Y%m%d"},
  };
  return forms;
}

std::string value_text(const JsonValue& value) {
  if (const std::string* text = value.as_string()) return *text;
  return value.is_null() ? "" : value.dump();
}

// Texts of a leaf where it has a value.
std::vector<std::string> texts_of(const Leaf& leaf) {
  std::vector<std::string> texts;
  for (const JsonValue* value : leaf.values) {
    std::string text = value == nullptr ? "" : value_text(*value);
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

std::optional<TimeForm> time_form_of(const Leaf& leaf) {
  const std::vector<std::string> texts = texts_of(leaf);
  if (texts.empty()) return std::nullopt;
  const Result<TimeZone> utc = TimeZone::find("UTC");
  CHECK(utc);
  for (const TimeForm& form : time_forms()) {
    const bool all = std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return parse_time(form, text, *utc).has_value();
    });
    if (all) return form;
  }
  return std::nullopt;
}

bool all_distinct(const Leaf& leaf) {
  const std::vector<std::string> texts = texts_of(leaf);
  return texts.size() == leaf.values.size() &&
         std::set<std::string>(texts.begin(), texts.end()).size() == texts.size();
}

// The whole guess, step by step.
class Guesser {
 public:
  Guesser(std::span<const JsonValue> records, bool nested, std::string_view file_name)
      : records_(records), leaves_(leaves_of(records, nested)), file_name_(file_name) {}

  MappingGuess guess() {
    if (is_bid_request()) return bid_request();
    match_names();
    choose_kind();
    if (!rows_by_kind() && !rows_by_conversion_type()) add_row(out_.kind, {});
    return std::move(out_);
  }

 private:
  // The leaf for each field: by the earliest of the field's names; of a leaf two fields never read.
  void match_names() {
    std::set<const Leaf*> taken;
    for (const FieldNames& entry : field_names()) {
      const Leaf* leaf = find_leaf(entry, taken);
      if (leaf == nullptr) continue;
      taken.insert(leaf);
      leaf_of_[entry.field] = leaf;
    }
    if (leaf_of_.contains(Field::event_time)) return;
    for (const Leaf& leaf : leaves_) {
      const std::optional<TimeForm> form = time_form_of(leaf);
      const bool epoch =
          form && form->kind != TimeForm::Kind::iso && form->kind != TimeForm::Kind::pattern;
      if (!form || epoch || taken.contains(&leaf)) continue;
      leaf_of_[Field::event_time] = &leaf;
      return;
    }
  }

  const Leaf* find_leaf(const FieldNames& entry, const std::set<const Leaf*>& taken) const {
    for (const std::string_view name : split(entry.names, ' ')) {
      for (const Leaf& leaf : leaves_) {
        const std::string whole = normal_name(leaf.path);
        const std::string last = normal_name(leaf.path.substr(leaf.path.rfind('.') + 1));
        if ((whole != name && last != name) || taken.contains(&leaf)) continue;
        if (texts_of(leaf).empty() && !leaf.values.empty()) continue;
        if (entry.field == Field::event_id && !all_distinct(leaf)) continue;
        if (entry.field == Field::event_time && !leaf.values.empty() && !time_form_of(leaf))
          continue;
        return &leaf;
      }
    }
    return nullptr;
  }

  void choose_kind() {
    std::array<double, event::kKinds> scores{};
    for (const FieldNames& entry : field_names()) {
      if (!leaf_of_.contains(entry.field)) continue;
      for (const Kind kind : event::kAllKinds) {
        if (has_letter(entry.kinds, kind)) scores[static_cast<size_t>(kind)] += entry.weight;
      }
    }
    const std::string name = normal_name(file_name_);
    for (const std::string_view word : split(name, '_')) {
      if (const auto kind = kind_of_word(word))
        scores[static_cast<size_t>(*kind)] += kFileNameWeight;
    }
    if (is_access_log()) scores[static_cast<size_t>(Kind::click)] += kFileNameWeight;
    const auto best = std::max_element(scores.begin(), scores.end());
    out_.kind = static_cast<Kind>(best - scores.begin());
    const double most = *best;
    double second = 0;
    for (auto it = scores.begin(); it != scores.end(); ++it) {
      if (it != best) second = std::max(second, *it);
    }
    out_.confidence = most / (most + second + 1);
    if (most == 0) out_.assumed.push_back("nothing tells which kind of event this is");
  }

  bool is_access_log() const {
    return find("referrer") != nullptr && find("status") != nullptr && find("path") != nullptr;
  }

  const Leaf* find(std::string_view path) const {
    for (const Leaf& leaf : leaves_) {
      if (leaf.path == path) return &leaf;
    }
    return nullptr;
  }

  // A column that names each row's kind: one rule a kind.
  bool rows_by_kind() {
    for (const std::string_view name : {"event_type", "event", "type", "kind", "action"}) {
      const Leaf* leaf = find(name);
      if (leaf == nullptr) continue;
      std::map<Kind, std::set<std::string>> words;
      size_t known = 0;
      const std::vector<std::string> texts = texts_of(*leaf);
      for (const std::string& text : texts) {
        const auto kind = kind_of_word(text);
        if (!kind) continue;
        ++known;
        words[*kind].insert(text);
      }
      if (texts.empty() ||
          static_cast<double>(known) < kKindWordsMin * static_cast<double>(texts.size()))
        continue;
      for (const auto& [kind, values] : words)
        add_row(kind, {{leaf->path, {values.begin(), values.end()}, false}});
      out_.confidence = 1;
      return true;
    }
    return false;
  }

  // Clicks and conversions in one file, as the case study has them: a row without a conversion type
  // is a click.
  bool rows_by_conversion_type() {
    const auto type = leaf_of_.find(Field::conversion_type);
    if (out_.kind != Kind::conversion || type == leaf_of_.end()) return false;
    const Leaf& leaf = *type->second;
    std::set<std::string> clicks;
    for (const JsonValue* value : leaf.values) {
      const std::string text = value == nullptr ? "" : value_text(*value);
      if (text.empty() || kind_of_word(text) == Kind::click) clicks.insert(text);
    }
    const bool named = normal_name(file_name_).find("click") != std::string::npos;
    if (clicks.empty() && !named) return false;
    clicks.insert("");
    clicks.insert("click");
    add_row(Kind::click, {{leaf.path, {clicks.begin(), clicks.end()}, false}});
    add_row(Kind::conversion, {});
    return true;
  }

  void add_row(Kind kind, std::vector<Condition> when) {
    RowRule row;
    row.kind = kind;
    row.when = std::move(when);
    for (const FieldNames& entry : field_names()) {
      const auto leaf = leaf_of_.find(entry.field);
      if (leaf != leaf_of_.end()) add_field(row, entry.field, *leaf->second);
    }
    add_required(row);
    out_.mapping.rows.push_back(std::move(row));
  }

  static void add_field(RowRule& row, Field field, const Leaf& leaf) {
    const event::FieldInfo& info = event::info(field);
    const bool of_conversion = row.kind == Kind::conversion && field == Field::campaign_id;
    FieldRule rule;
    rule.field = of_conversion ? Field::reported_campaign_id : field;
    if (!of_conversion && !info.in(*row.kind)) return;
    rule.from = {leaf.path};
    if (info.type == event::Type::Time) {
      const std::optional<TimeForm> form = time_form_of(leaf);
      if (form && form->kind != TimeForm::Kind::iso) rule.times = {*form};
    }
    if (field == Field::website) rule.transform = Transform::host;
    const bool dash = std::any_of(leaf.values.begin(), leaf.values.end(), [](const JsonValue* v) {
      return v != nullptr && value_text(*v) == "-";
    });
    if (dash) rule.nulls = {"-"};
    if (event::info(rule.field).type != event::Type::Time) rule.on_error = OnError::null;
    row.fields.push_back(std::move(rule));
  }

  // What a kind cannot be without and no column gives.
  void add_required(RowRule& row) {
    for (const event::FieldInfo& info : event::all_fields()) {
      if (!info.required_in(*row.kind) || info.origin != event::Origin::Mapped) continue;
      const Field field = info.field;
      if (field == Field::event_id || field == Field::advertiser_id) continue;
      const auto given = std::find_if(row.fields.begin(), row.fields.end(),
                                      [&](const FieldRule& rule) { return rule.field == field; });
      if (given != row.fields.end()) {
        if (field != Field::event_time) given->fallback = stand_in(field);
        if (given->on_error == OnError::null) given->on_error = OnError::reject;
        continue;
      }
      FieldRule rule;
      rule.field = field;
      rule.from_receipt = field == Field::event_time;
      if (field != Field::event_time) rule.constant = stand_in(field);
      const std::string name(info.name);
      out_.assumed.push_back(
          field == Field::event_time
              ? "no value is surely the event's time: the time of receipt is taken"
              : "no value is surely the " + name + ": it is `" + *rule.constant + "`");
      row.fields.push_back(std::move(rule));
    }
  }

  // For a required field that no column gives.
  std::string stand_in(Field field) const {
    if (field != Field::outcome) return "unknown";
    const std::string name = normal_name(file_name_);
    if (name.find("loss") != std::string::npos) return "loss";
    return name.find("win") != std::string::npos ? "win" : "bid";
  }

  // OpenRTB 2.x, object BidRequest: `id` and `imp` are required.
  bool is_bid_request() const {
    if (records_.empty()) return false;
    return std::all_of(records_.begin(), records_.end(), [](const JsonValue& record) {
      const JsonValue* imp = record.find("imp");
      return imp != nullptr && imp->as_array() != nullptr && record.find("id") != nullptr;
    });
  }

  MappingGuess bid_request() {
    constexpr std::array<std::pair<Field, std::string_view>, 17> kPaths = {{
        {Field::auction_id, "id"},
        {Field::imp_id, "imp.id"},
        {Field::floor, "imp.bidfloor"},
        {Field::currency, "imp.bidfloorcur"},
        {Field::placement_id, "imp.tagid"},
        {Field::auction_type, "at"},
        {Field::tmax_ms, "tmax"},
        {Field::website, "site.domain site.page"},
        {Field::app, "app.bundle"},
        {Field::user_id, "user.buyeruid user.id"},
        {Field::user_agent, "device.ua"},
        {Field::language, "device.language"},
        {Field::device_model, "device.model"},
        {Field::os, "device.os"},
        {Field::os_version, "device.osv"},
        {Field::city, "device.geo.city"},
        {Field::consent, "user.consent"},
    }};
    out_.kind = Kind::bid_request;
    out_.confidence = 1;
    out_.mapping.explode = "imp";
    RowRule row;
    row.kind = Kind::bid_request;
    for (const auto& [field, paths] : kPaths) {
      FieldRule rule;
      rule.field = field;
      for (const std::string_view path : split(paths, ' ')) rule.from.emplace_back(path);
      rule.on_error = field == Field::auction_id ? OnError::reject : OnError::null;
      if (field == Field::website) rule.transform = Transform::host;
      if (field == Field::floor) rule.unit = MoneyUnit::per_thousand;
      if (field == Field::currency) rule.fallback = "USD";
      row.fields.push_back(std::move(rule));
    }
    add_required(row);
    out_.mapping.rows.push_back(std::move(row));
    return std::move(out_);
  }

  std::span<const JsonValue> records_;
  std::vector<Leaf> leaves_;
  std::string_view file_name_;
  std::map<Field, const Leaf*> leaf_of_;
  MappingGuess out_;
};

}  // namespace

MappingGuess guess_mapping(std::span<const JsonValue> records, bool nested,
                           std::string_view file_name) {
  return Guesser(records, nested, file_name).guess();
}

}  // namespace adweave::decode

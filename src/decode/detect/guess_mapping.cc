// SPDX-License-Identifier: Apache-2.0
#include "decode/detect/guess_mapping.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "decode/time_form.h"

namespace adweave::decode {

namespace {

using event::Field;
using event::Kind;

constexpr int kDepthMax = 5;
constexpr double kKindWordsMin = 0.8;  // of the values of a column that names each row's kind

// Names that feeds give a field, the likeliest first. `weight` tells how much a column of the name
// speaks for the kinds in `kinds`.
struct FieldNames {
  Field field;
  std::string_view names;
  double weight;
  std::string_view kinds;  // letters as in event/fields.def
};

constexpr std::array kFieldNames = {
    FieldNames{Field::event_id, "event_id uuid id", 0, ""},
    FieldNames{Field::event_time,
               "event_time timestamp time ts date datetime event_timestamp created_at occurred_at "
               "impression_time click_time conversion_time bid_time rx_timestamp local_time",
               0, ""},
    FieldNames{Field::sent_time, "sent_time sent_at", 0, ""},
    FieldNames{Field::user_id,
               "user_id uid visitor_id cookie_id device_id customer_id user buyeruid ip "
               "client_ip remote_addr",
               0, ""},
    FieldNames{Field::advertiser_id, "advertiser_id account_id advertiser client_id", 0, ""},
    FieldNames{Field::impression_id, "impression_id imp_uuid", 2, "IE"},
    FieldNames{Field::click_id, "click_id clickid gclid fbclid msclkid", 3, "C"},
    FieldNames{Field::conversion_id, "conversion_id", 4, "V"},
    FieldNames{Field::auction_id, "auction_id request_id bid_request_id auctionid", 2, "BO"},
    FieldNames{Field::imp_id, "imp_id impid", 1, "BO"},
    FieldNames{Field::conversion_type,
               "conversion_type conversion_name goal goal_type action_type conversion", 4, "V"},
    FieldNames{Field::value, "revenue conversion_value value order_value amount total", 2, "V"},
    FieldNames{Field::order_id, "order_id transaction_id purchase_id", 3, "V"},
    FieldNames{Field::creative_id, "creative_id ad_creative_id crid ad_id creative", 2, "I"},
    FieldNames{Field::ad_group_id, "ad_group_id adgroup_id adgroup ad_group adset_id", 1, "IC"},
    FieldNames{Field::campaign_id, "campaign_id campaign campaignid utm_campaign", 1, "IC"},
    FieldNames{Field::line_item_id, "line_item_id lineitem_id lineitemid", 1, "I"},
    FieldNames{Field::website, "website site domain publisher_domain site_domain host", 0.5, "I"},
    FieldNames{Field::page_url, "page_url url page site_page landing_page", 0.5, "I"},
    FieldNames{Field::app, "app app_bundle bundle app_id", 0.5, "IB"},
    FieldNames{Field::placement_id, "placement_id placement tag_id tagid slot_id", 1, "IB"},
    FieldNames{Field::ad_size, "ad_size size banner_size placement_size", 1, "IB"},
    FieldNames{Field::ad_format, "ad_format format placement_type", 0.5, "IB"},
    FieldNames{Field::cost, "cost spend media_cost price_paid", 1, "IC"},
    FieldNames{Field::bid_amount, "bid_amount bid_price bid bidprice", 3, "B"},
    FieldNames{Field::floor, "floor bid_floor bidfloor floor_price", 3, "B"},
    FieldNames{Field::price, "clearing_price win_price price", 3, "O"},
    FieldNames{Field::min_to_win, "min_to_win min_bid_to_win", 4, "O"},
    FieldNames{Field::currency, "currency cur bidfloorcur", 0, ""},
    FieldNames{Field::viewable, "viewable is_viewable in_view", 2, "I"},
    FieldNames{Field::time_on_ad_ms, "time_on_ad_ms time_on_ad dwell_ms", 2, "I"},
    FieldNames{Field::tmax_ms, "tmax_ms tmax", 3, "B"},
    FieldNames{Field::deal_id, "deal_id dealid", 1, "B"},
    FieldNames{Field::location, "location geo", 0, ""},
    FieldNames{Field::consent, "consent tcf gdpr_consent", 0, ""},
    FieldNames{Field::engagement_type, "engagement_type engagement interaction_type", 4, "E"},
    FieldNames{Field::duration_ms, "duration_ms view_duration_ms", 3, "E"},
    FieldNames{Field::outcome, "outcome auction_outcome bid_outcome", 4, "O"},
    FieldNames{Field::loss_reason, "loss_reason lossreason loss_code", 4, "O"},
    FieldNames{Field::country, "country geo_country country_code", 0, ""},
    FieldNames{Field::region, "region geo_region", 0, ""},
    FieldNames{Field::city, "city geo_city", 0, ""},
    FieldNames{Field::user_agent, "user_agent useragent ua", 0, ""},
    FieldNames{Field::device_type, "device_type platform_device_type", 0, ""},
    FieldNames{Field::os, "os platform_os operating_system", 0, ""},
    FieldNames{Field::browser, "browser platform_browser", 0, ""},
    FieldNames{Field::language, "language lang", 0, ""},
};

// Words by which files, folders and columns speak of a kind.
struct KindWords {
  Kind kind;
  std::string_view words;
};
constexpr std::array kKindWords = {
    KindWords{Kind::impression, "impression impressions imp imps view views"},
    KindWords{Kind::click, "click clicks"},
    KindWords{Kind::conversion,
              "conversion conversions purchase purchases order orders signup signups lead leads"},
    KindWords{Kind::bid_request, "bid_request bid_requests request requests auction"},
    KindWords{Kind::engagement, "engagement engagements viewability"},
    KindWords{Kind::auction_outcome, "win wins loss losses outcome outcomes"},
};
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

// "userInfo.User ID" -> "user_info_user_id"
std::string normal_name(std::string_view name) {
  std::string out;
  bool was_lower = false;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper && was_lower) out += '_';
    if (upper || lower) out += upper ? static_cast<char>(c | 0x20) : c;
    if (!upper && !lower && !out.empty() && !out.ends_with('_')) out += '_';
    was_lower = lower;
  }
  while (out.ends_with('_')) out.pop_back();
  return out;
}

// The words of a text, split at `separator`.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = text.find(separator);
    words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
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

std::optional<Kind> kind_of_word(std::string_view word) {
  const std::string name = normal_name(word);
  for (const KindWords& entry : kKindWords) {
    for (const std::string_view known : split(entry.words, ' ')) {
      if (name == known) return entry.kind;
    }
  }
  return std::nullopt;
}

bool has_letter(std::string_view letters, Kind kind) {
  constexpr std::string_view kLetters = "ICVBEO";
  return letters.find(kLetters[static_cast<size_t>(kind)]) != std::string_view::npos;
}

// The whole guess, step by step.
class Guesser {
 public:
  Guesser(std::span<const JsonValue> records, bool nested, std::string_view file_name)
      : records_(records), leaves_(leaves_of(records, nested)), file_name_(file_name) {}

  MappingGuess guess() {
    out_.mapping.keep_extra = true;
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
    for (const FieldNames& entry : kFieldNames) {
      const Leaf* leaf = find_leaf(entry, taken);
      if (leaf == nullptr) continue;
      taken.insert(leaf);
      leaf_of_[entry.field] = leaf;
    }
    if (leaf_of_.contains(Field::event_time)) return;
    for (const Leaf& leaf : leaves_) {
      const std::optional<TimeForm> form = time_form_of(leaf);
      const bool epoch = form && form->kind != TimeForm::Kind::iso &&
                         form->kind != TimeForm::Kind::pattern;
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
    for (const FieldNames& entry : kFieldNames) {
      if (!leaf_of_.contains(entry.field)) continue;
      for (const Kind kind : event::kAllKinds) {
        if (has_letter(entry.kinds, kind)) scores[static_cast<size_t>(kind)] += entry.weight;
      }
    }
    const std::string name = normal_name(file_name_);
    for (const std::string_view word : split(name, '_')) {
      if (const auto kind = kind_of_word(word)) scores[static_cast<size_t>(*kind)] += kFileNameWeight;
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
    for (const FieldNames& entry : kFieldNames) {
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
      out_.assumed.push_back(field == Field::event_time
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

// Whether the path language can name the member.
bool can_be_named(std::string_view key, bool nested) {
  if (key.empty() || key == "_" || key == kWholeRecord) return false;
  return !nested || key.find_first_of(".[]") == std::string_view::npos;
}

void add_leaves(const JsonValue& value, const std::string& path, bool nested, int depth,
                size_t record, std::vector<Leaf>& leaves, std::map<std::string, size_t>& known) {
  const JsonValue::Object* object = nested || path.empty() ? value.as_object() : nullptr;
  if (object == nullptr || depth > kDepthMax) {
    if (path.empty()) return;
    const auto [it, is_new] = known.try_emplace(path, leaves.size());
    if (is_new) leaves.push_back({path, {}});
    Leaf& leaf = leaves[it->second];
    leaf.values.resize(record, nullptr);
    if (leaf.values.size() == record) leaf.values.push_back(&value);
    return;
  }
  for (const auto& [key, member] : *object) {
    if (!can_be_named(key, nested)) continue;
    const std::string inner = path.empty() ? key : path + "." + key;
    add_leaves(member, inner, nested, depth + 1, record, leaves, known);
  }
}

}  // namespace

std::vector<Leaf> leaves_of(std::span<const JsonValue> records, bool nested) {
  std::vector<Leaf> leaves;
  std::map<std::string, size_t> known;
  for (size_t i = 0; i < records.size(); ++i)
    add_leaves(records[i], "", nested, 0, i, leaves, known);
  for (Leaf& leaf : leaves) leaf.values.resize(records.size(), nullptr);
  return leaves;
}

MappingGuess guess_mapping(std::span<const JsonValue> records, bool nested,
                           std::string_view file_name) {
  return Guesser(records, nested, file_name).guess();
}

}  // namespace adweave::decode

// SPDX-License-Identifier: Apache-2.0
#include "serve/lookup_endpoints.h"

#include <optional>

#include "base/limits.h"
#include "base/time.h"
#include "base/whole_number.h"
#include "lookup/life.h"
#include "serve/answers.h"

namespace adweave::serve {

namespace {

using lookup::Index;
using lookup::Record;
using net::HttpRequest;
using net::HttpResponse;
using Object = JsonValue::Object;

HttpResponse failure(const Error& error) {
  return problem(500, "the look-up failed", error.message, error.fix);
}

HttpResponse nothing_found(const std::string& what, const std::string& id, int64_t commit) {
  return problem(404, "not found",
                 "no " + what + " is called '" + id + "' up to commit " + std::to_string(commit),
                 "events are found some seconds after they are committed, and for as many days as "
                 "serve.lookups.days says");
}

JsonValue list_of(const std::vector<Record>& records) {
  JsonValue::Array list;
  for (const Record& record : records) list.push_back(record.shown());
  return list;
}

// A number of rows; none: it is no such number.
std::optional<size_t> limit_of(const HttpRequest& request) {
  const std::string* text = request.parameter("limit");
  if (text == nullptr) return static_cast<size_t>(limits::kTimelineRowsDefault);
  int64_t limit = 0;
  if (!parse_whole(*text, limit) || limit < 1 || limit > limits::kTimelineRowsMax)
    return std::nullopt;
  return static_cast<size_t>(limit);
}

std::optional<int64_t> before_of(const HttpRequest& request) {
  const std::string* text = request.parameter("before");
  if (text == nullptr) return INT64_MAX;
  const std::optional<ParsedTime> time = parse_iso_time(*text);
  return time ? std::optional(time->micros) : std::nullopt;
}

JsonValue event_json(const Index& index, const Record& record, Result<bool>& done) {
  lookup::RowSet facts;
  Record now = record;
  if (record.table->kind == event::Kind::click) {
    if (const Status found = facts.add(index, record.text("event_id")); !found)
      done = found.error();
    now = lookup::click_now(record, facts);
  }
  Object shown{{"kind", event::kind_name(*record.table->kind)}};
  const JsonValue values = now.shown();
  for (const auto& member : *values.as_object()) shown.push_back(member);
  return shown;
}

HttpResponse timeline(const Index& index, const HttpRequest& request) {
  const std::string& user = request.path_values[0];
  const std::optional<size_t> limit = limit_of(request);
  const std::optional<int64_t> before = before_of(request);
  if (!limit) {
    return problem(400, "wrong limit",
                   "limit is no number from 1 to " + std::to_string(limits::kTimelineRowsMax));
  }
  if (!before)
    return problem(400, "wrong time", "before is no time", "write it like 2023-11-01T00:00:00Z");
  const Result<lookup::Found> found = index.timeline(user, *before, *limit);
  if (!found) return failure(found.error());
  JsonValue::Array events;
  Result<bool> done = true;
  for (const Record& record : found->records) events.push_back(event_json(index, record, done));
  if (!done) return failure(done.error());
  const JsonValue next = found->is_cut && !found->records.empty()
                             ? JsonValue(format_time(found->records.back().time()))
                             : JsonValue();
  return json_answer(200, Object{{"user_id", user},
                                 {"commit", found->commit},
                                 {"events", std::move(events)},
                                 {"next_before", next}});
}

HttpResponse life(const std::string& what, const std::string& id,
                  const Result<lookup::Life>& life) {
  if (!life) return failure(life.error());
  if (life->impressions.empty() && life->bid_requests.empty() && life->auction_outcomes.empty())
    return nothing_found(what, id, life->commit);
  return json_answer(200, Object{{what + "_id", id},
                                 {"commit", life->commit},
                                 {"bid_requests", list_of(life->bid_requests)},
                                 {"auction_outcomes", list_of(life->auction_outcomes)},
                                 {"impressions", list_of(life->impressions)},
                                 {"engagements", list_of(life->engagements)},
                                 {"clicks", list_of(life->clicks)},
                                 {"credits", list_of(life->credits)}});
}

HttpResponse explain(const Index& index, Explainer& explainer, const HttpRequest& request) {
  const std::string& id = request.path_values[0];
  const Result<Explainer::Told> told = explainer.explain(id);
  if (!told && told.error().code == ErrorCode::usage)
    return nothing_found("event, reject or repeat", id, index.through());
  if (!told) return failure(told.error());
  JsonValue::Array steps;
  for (const auto& row : told->steps.rows) {
    Object step;
    for (size_t i = 0; i < row.size(); ++i) step.emplace_back(told->steps.columns[i], row[i]);
    steps.push_back(std::move(step));
  }
  return json_answer(200,
                     Object{{"id", id}, {"commit", told->commit}, {"steps", std::move(steps)}});
}

}  // namespace

void add_lookup_endpoints(const Index& index, Explainer& explainer, AnswerThreads& threads,
                          Routes& routes) {
  const auto add = [&](const char* path, AnswerThreads::Answer answer, RouteText text) {
    text.gives = "application/json";
    text.problems.push_back(503);
    routes.add(
        {"GET", path, Access::read, threads.handler(std::move(answer)), true, std::move(text)});
  };
  const auto id_of = [](const char* meaning) {
    return RouteText::Parameter{
        .name = "id", .in = "path", .meaning = meaning, .is_required = true};
  };
  add("/v1/users/{id}/timeline",
      [&index](const HttpRequest& request) { return timeline(index, request); },
      {.summary = "Tells a user's events, the newest first",
       .parameters = {id_of("His user_id, or the person_id of a person"),
                      {.name = "limit",
                       .meaning = "Events at most, from 1 to 1000, 100 if it is not said; those of "
                                  "one time stay together",
                       .pattern = "^([1-9][0-9]{0,2}|1000)$"},
                      {.name = "before",
                       .meaning = "Earlier ones alone: next_before of the answer before"}},
       .schema = "Timeline",
       .problems = {400}});
  add("/v1/auctions/{id}",
      [&index](const HttpRequest& request) {
        const std::string& id = request.path_values[0];
        return life("auction", id, lookup::life_of_auction(index, id));
      },
      {.summary = "Tells what was asked for in an auction, and what came of it",
       .parameters = {id_of("The auction_id")},
       .schema = "Life",
       .problems = {404}});
  add("/v1/impressions/{id}",
      [&index](const HttpRequest& request) {
        const std::string& id = request.path_values[0];
        return life("impression", id, lookup::life_of_impression(index, id));
      },
      {.summary = "Tells what led to an impression, and what came of it",
       .parameters = {id_of("Its event_id")},
       .schema = "Life",
       .problems = {404}});
  add("/v1/explain/{id}",
      [&index, &explainer](const HttpRequest& request) {
        return explain(index, explainer, request);
      },
      {.summary = "Tells an event's life, as adweave explain does",
       .parameters = {id_of("Its event_id, or where it was in its source")},
       .schema = "Explanation",
       .problems = {404}});
}

}  // namespace adweave::serve

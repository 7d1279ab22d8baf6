// SPDX-License-Identifier: Apache-2.0
#include "serve/openapi.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "serve/registry_text.h"

namespace adweave::serve {

namespace {

using Object = JsonValue::Object;
using Array = JsonValue::Array;

constexpr const char* kProblem = "application/problem+json";
constexpr const char* kForm = "application/x-www-form-urlencoded";

constexpr const char* kAbout =
    "Takes ad events and keeps each of them once. Every endpoint may also answer 404, 405, 408, "
    "413, "
    "431 and 503, each with a problem that says what to do.";

// What the answers hold, by name.
constexpr const char* kSchemas = R"({
"Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
  "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
  "detail": {"type": "string"},
  "fix": {"type": "string", "description": "What to do about it"}}},
"Delivery": {"type": "object", "required": ["received", "batch"], "properties": {
  "received": {"type": "integer", "description": "Bytes"},
  "batch": {"type": "string", "description": "The Idempotency-Key, or an id that was made"},
  "commit": {"type": "integer"}, "accepted": {"type": "integer"}, "duplicate": {"type": "integer"},
  "conflict": {"type": "integer"}, "rejected": {"type": "integer"},
  "errors": {"type": "array", "items": {"type": "string"}}}},
"Event": {"type": "object", "description": "A row, without the columns that are null: docs/reference/fields.md"},
"Timeline": {"type": "object", "required": ["user_id", "commit", "events", "next_before"], "properties": {
  "user_id": {"type": "string"},
  "commit": {"type": "integer", "description": "The newest that was looked at; -1: none yet"},
  "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "next_before": {"type": ["string", "null"], "description": "Ask again with before, for earlier ones; null: there are none"}}},
"Life": {"type": "object", "required": ["commit"], "properties": {
  "auction_id": {"type": "string"}, "impression_id": {"type": "string"},
  "commit": {"type": "integer", "description": "The newest that was looked at"},
  "bid_requests": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "auction_outcomes": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "impressions": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "engagements": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "clicks": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
  "credits": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}}},
"Explanation": {"type": "object", "required": ["id", "commit", "steps"], "properties": {
  "id": {"type": "string"},
  "commit": {"type": "integer", "description": "The newest that was looked at"},
  "steps": {"type": "array", "items": {"type": "object"}}}}
})";

JsonValue reference(const std::string& name) {
  return Object{{"$ref", "#/components/" + name}};
}

JsonValue content(const std::string& type, JsonValue schema) {
  return Object{{type, Object{{"schema", std::move(schema)}}}};
}

// Parameters of almost any name.
JsonValue event_schema(const RouteText& text) {
  JsonValue taken{Array{}};
  for (const std::string& name : text.taken) taken.push(name);
  for (const RouteText::Parameter& parameter : text.parameters) taken.push(parameter.name);
  const char* no_zero_byte = "^[^\\u0000]*$";
  const JsonValue name = Object{{"pattern", no_zero_byte},
                                {"minLength", 1},
                                {"maxLength", static_cast<int64_t>(limits::kParameterNameBytesMax)},
                                {"not", Object{{"enum", std::move(taken)}}}};
  return Object{{"type", "object"},
                {"additionalProperties", Object{{"type", "string"}, {"pattern", no_zero_byte}}},
                {"propertyNames", name},
                {"minProperties", 1},
                {"maxProperties", static_cast<int64_t>(limits::kParametersMax)}};
}

JsonValue parameter_of(const RouteText::Parameter& parameter) {
  JsonValue schema = Object{{"type", "string"}};
  if (!parameter.choices.empty()) {
    JsonValue choices{Array{}};
    for (const std::string& choice : parameter.choices) choices.push(choice);
    schema.set("enum", std::move(choices));
  }
  if (!parameter.pattern.empty()) schema.set("pattern", parameter.pattern);
  return Object{{"name", parameter.name},
                {"in", parameter.in},
                {"description", parameter.meaning},
                {"required", parameter.is_required},
                {"schema", std::move(schema)}};
}

JsonValue parameters_of(const Route& route) {
  JsonValue parameters{Array{}};
  for (const RouteText::Parameter& parameter : route.text.parameters)
    parameters.push(parameter_of(parameter));
  if (route.text.has_event && route.method == "GET") {
    parameters.push(Object{{"name", "event"},
                           {"in", "query"},
                           {"description", "What happened: parameters of any name"},
                           {"required", true},
                           {"style", "form"},
                           {"explode", true},
                           {"schema", event_schema(route.text)}});
  }
  return parameters;
}

JsonValue body_of(const Route& route) {
  JsonValue types;
  for (const std::string& type : route.text.takes) {
    JsonValue schema = type == kForm             ? event_schema(route.text)
                       : route.text.body.empty() ? JsonValue(true)
                                                 : reference("schemas/" + route.text.body);
    types.set(type, Object{{"schema", std::move(schema)}});
  }
  return Object{{"required", true}, {"content", std::move(types)}};
}

bool needs_token(const Route& route) {
  return route.access != Access::anyone && route.access != Access::signature &&
         route.access != Access::signed_head;
}

JsonValue responses_of(const Route& route, bool has_tokens) {
  const RouteText& text = route.text;
  std::map<std::string, JsonValue> responses;
  JsonValue fine = Object{{"description", text.status == 302 ? "To the destination" : "Done"}};
  if (!text.gives.empty()) {
    fine.set("content",
             content(text.gives,
                     text.schema.empty() ? JsonValue(true) : reference("schemas/" + text.schema)));
  }
  responses.emplace(std::to_string(text.status), std::move(fine));
  std::vector<int> problems = text.problems;
  if (needs_token(route) && has_tokens) problems.insert(problems.end(), {401, 403});
  if (route.access == Access::signature || route.access == Access::signed_head)
    problems.push_back(403);
  const char* form = text.is_registry ? "responses/RegistryProblem" : "responses/Problem";
  for (const int status : problems) responses.emplace(std::to_string(status), reference(form));
  return Object(responses.begin(), responses.end());
}

// "GET /v1/i.gif" -> "get_v1_i_gif", "GET /mode/{subject}" -> "get_mode_subject"
std::string name_of(const Route& route) {
  std::string name = route.method + route.path;
  for (char& c : name) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (c == '/' || c == '.') c = '_';
  }
  std::erase_if(name, [](char c) { return c == '{' || c == '}'; });
  return name;
}

JsonValue operation_of(const Route& route, bool has_tokens) {
  JsonValue operation = Object{{"operationId", name_of(route)},
                               {"summary", route.text.summary},
                               {"parameters", parameters_of(route)}};
  if (!route.text.takes.empty()) operation.set("requestBody", body_of(route));
  operation.set("responses", responses_of(route, has_tokens));
  if (needs_token(route) && has_tokens) {
    Array ways{Object{{"token", Array{}}}};
    if (route.text.is_registry) ways.push_back(Object{{"password", Array{}}});
    operation.set("security", std::move(ways));
  }
  return operation;
}

JsonValue components(bool has_tokens) {
  JsonValue schemas = *parse_json(kSchemas);
  const JsonValue of_registry = *parse_json(kRegistrySchemas);
  for (const auto& [name, schema] : *of_registry.as_object()) schemas.set(name, schema);
  const auto went_wrong = [](JsonValue form) {
    return Object{{"description", "What went wrong, and what to do about it"},
                  {"content", std::move(form)}};
  };
  // What never reaches the registry is told as everywhere.
  JsonValue registry_problem = content(kRegistryJson, reference("schemas/RegistryProblem"));
  registry_problem.set(kProblem, Object{{"schema", reference("schemas/Problem")}});
  JsonValue parts = Object{
      {"schemas", std::move(schemas)},
      {"responses", Object{{"Problem", went_wrong(content(kProblem, reference("schemas/Problem")))},
                           {"RegistryProblem", went_wrong(std::move(registry_problem))}}}};
  if (has_tokens) {
    parts.set("securitySchemes",
              Object{{"token", Object{{"type", "http"}, {"scheme", "bearer"}}},
                     {"password", Object{{"type", "http"}, {"scheme", "basic"}}}});
  }
  return parts;
}

}  // namespace

JsonValue openapi_of(const Routes& routes, bool has_tokens) {
  std::vector<std::pair<std::string, JsonValue>> paths;  // a path once, in the order of the table
  for (const Route& route : routes.all()) {
    auto path = std::find_if(paths.begin(), paths.end(),
                             [&](const auto& other) { return other.first == route.path; });
    if (path == paths.end()) path = paths.insert(path, {route.path, JsonValue()});
    const std::string verb = name_of({.method = route.method});
    path->second.set(verb, operation_of(route, has_tokens));
  }
  return Object{{"openapi", "3.1.0"},
                {"info", Object{{"title", "AdWeave"}, {"version", "1"}, {"description", kAbout}}},
                {"paths", Object(std::move(paths))},
                {"components", components(has_tokens)}};
}

}  // namespace adweave::serve

// SPDX-License-Identifier: Apache-2.0
#include "serve/registry_endpoints.h"

#include <set>

#include "serve/registry_answers.h"
#include "serve/registry_requests.h"
#include "serve/registry_text.h"

namespace adweave::serve {

namespace {

using net::HttpRequest;
using net::HttpResponse;
using registry::Candidate;
using registry::FoundVersion;
using registry::Refusal;
using registry::Registry;
using Object = JsonValue::Object;
using Parameter = RouteText::Parameter;

// Answers with what `tell` makes of the value, or the refusal in its place.
template <class T, class Tell>
HttpResponse answer_with(const registry::Answer<T>& answer, Tell tell) {
  if (const auto* refusal = std::get_if<Refusal>(&answer)) return registry_answer(*refusal);
  return registry_answer(tell(std::get<T>(answer)));
}

template <class T>
JsonValue list_of(const std::vector<T>& values) {
  JsonValue list{JsonValue::Array{}};
  for (const T& value : values) list.push(value);
  return list;
}

JsonValue version_json(const FoundVersion& version) {
  return Object{{"subject", version.subject},
                {"version", version.version},
                {"id", version.id},
                {"schema", version.schema}};
}

// The request's schema, and what `ask` answers to it.
template <class Ask>
HttpResponse with_candidate(const HttpRequest& request, Ask ask) {
  const auto body = object_in(request);
  if (const auto* answer = std::get_if<HttpResponse>(&body)) return *answer;
  const auto candidate = candidate_of(std::get<JsonValue>(body));
  if (const auto* refusal = std::get_if<Refusal>(&candidate)) return registry_answer(*refusal);
  return ask(std::get<Candidate>(candidate));
}

// A schema alone, as it was sent.
HttpResponse bare(const registry::Answer<std::string>& schema) {
  if (const auto* refusal = std::get_if<Refusal>(&schema)) return registry_answer(*refusal);
  return {200, {{"Content-Type", kRegistryJson}}, std::get<std::string>(schema)};
}

registry::Answer<FoundVersion> version_asked(const Registry& registry, const HttpRequest& request) {
  const auto number = version_of(request.path_values[1]);
  if (const auto* refusal = std::get_if<Refusal>(&number)) return *refusal;
  return registry.version(request.path_values[0], std::get<int64_t>(number),
                          is_true(request, "deleted"));
}

HttpResponse register_schema(Registry& registry, const HttpRequest& request) {
  return with_candidate(request, [&](const Candidate& candidate) {
    return answer_with(registry.add(request.path_values[0], candidate),
                       [](int64_t id) { return Object{{"id", id}}; });
  });
}

HttpResponse look_up(const Registry& registry, const HttpRequest& request) {
  return with_candidate(request, [&](const Candidate& candidate) {
    return answer_with(
        registry.look_up(request.path_values[0], candidate.schema, is_true(request, "deleted")),
        version_json);
  });
}

HttpResponse delete_version(Registry& registry, const HttpRequest& request) {
  const auto number = version_of(request.path_values[1]);
  if (const auto* refusal = std::get_if<Refusal>(&number)) return registry_answer(*refusal);
  return answer_with(registry.delete_version(request.path_values[0], std::get<int64_t>(number),
                                             is_true(request, "permanent")),
                     [](int64_t version) { return version; });
}

// With one version, or with those that the level says.
HttpResponse compare(const Registry& registry, const HttpRequest& request) {
  return with_candidate(request, [&](const Candidate& candidate) {
    std::optional<int64_t> version;
    if (request.path_values.size() > 1) {
      const auto number = version_of(request.path_values[1]);
      if (const auto* refusal = std::get_if<Refusal>(&number)) return registry_answer(*refusal);
      version = std::get<int64_t>(number);
    }
    return answer_with(registry.check(request.path_values[0], candidate.schema, version),
                       [&](const std::vector<std::string>& reasons) {
                         Object verdict{{"is_compatible", reasons.empty()}};
                         if (is_true(request, "verbose"))
                           verdict.emplace_back("messages", list_of(reasons));
                         return verdict;
                       });
  });
}

HttpResponse versions_of(const Registry& registry, const HttpRequest& request) {
  return answer_with(
      registry.versions_of(id_of(request.path_values[0]), is_true(request, "deleted")),
      [](const std::vector<FoundVersion>& versions) {
        JsonValue list{JsonValue::Array{}};
        for (const FoundVersion& version : versions)
          list.push(Object{{"subject", version.subject}, {"version", version.version}});
        return list;
      });
}

HttpResponse subjects_of(const Registry& registry, const HttpRequest& request) {
  return answer_with(
      registry.versions_of(id_of(request.path_values[0]), is_true(request, "deleted")),
      [](const std::vector<FoundVersion>& versions) {
        std::set<std::string> names;
        for (const FoundVersion& version : versions) names.insert(version.subject);
        return list_of(std::vector<std::string>(names.begin(), names.end()));
      });
}

// Of a path with or without a subject.
std::optional<std::string> subject_of(const HttpRequest& request) {
  if (request.path_values.empty()) return std::nullopt;
  return request.path_values[0];
}

JsonValue level_json(registry::Level level) {
  return Object{{"compatibilityLevel", name_of(level)}};
}

JsonValue mode_json(registry::Mode mode) {
  return Object{{"mode", name_of(mode)}};
}

// The text of a member; empty when there is none.
std::string member_text(const JsonValue& body, std::string_view key) {
  return body.string_at(key) ? *body.string_at(key) : "";
}

HttpResponse set_level(Registry& registry, const HttpRequest& request) {
  const auto body = object_in(request);
  if (const auto* answer = std::get_if<HttpResponse>(&body)) return *answer;
  const std::string name = member_text(std::get<JsonValue>(body), "compatibility");
  const auto level = registry::level_named(name);
  if (!level) {
    return registry_answer(Refusal{
        Refusal::invalid_level,
        "Invalid compatibility level. Valid values are none, backward, backward_transitive, "
        "forward, forward_transitive, full, and full_transitive"});
  }
  return answer_with(registry.set_level(subject_of(request), *level),
                     [](registry::Level set) { return Object{{"compatibility", name_of(set)}}; });
}

HttpResponse set_mode(Registry& registry, const HttpRequest& request) {
  const auto body = object_in(request);
  if (const auto* answer = std::get_if<HttpResponse>(&body)) return *answer;
  const auto mode = registry::mode_named(member_text(std::get<JsonValue>(body), "mode"));
  if (!mode) {
    return registry_answer(Refusal{
        Refusal::invalid_mode,
        "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE and IMPORT"});
  }
  return answer_with(registry.set_mode(subject_of(request), *mode, is_true(request, "force")),
                     mode_json);
}

Parameter flag(std::string name, std::string meaning) {
  return {.name = std::move(name), .meaning = "true: " + std::move(meaning)};
}

// What a path says of itself.
std::vector<Parameter> path_parameters(const std::string& path) {
  std::vector<Parameter> parameters;
  const auto add = [&](const char* name, const char* meaning, const char* pattern) {
    if (path.find("{" + std::string(name) + "}") == std::string::npos) return;
    parameters.push_back(
        {.name = name, .in = "path", .meaning = meaning, .pattern = pattern, .is_required = true});
  };
  add("subject", "The subject, such as clicks-value", "^[^\\u0000-\\u001f\\u007f]{1,200}$");
  add("version", "The version, or latest", "^(latest|-1|[1-9][0-9]{0,8})$");
  add("id", "The schema's id", "^[1-9][0-9]{0,8}$");
  return parameters;
}

// Adds routes of one registry.
class Table {
 public:
  Table(AnswerThreads& threads, Routes& routes) : threads_(threads), routes_(routes) {}

  void add(const char* method, const char* path, AnswerThreads::Answer answer, RouteText text) {
    const bool only_tells = std::string_view(method) == "GET";
    const bool has_body = !text.body.empty();
    for (Parameter& parameter : path_parameters(path)) text.parameters.push_back(parameter);
    if (has_body) text.takes = {kRegistryJson, "application/json"};
    text.gives = kRegistryJson;
    text.is_registry = true;
    text.problems.insert(text.problems.end(), {400, 503});
    if (has_body) text.problems.insert(text.problems.end(), {413, 415, 422});
    if (!only_tells) text.problems.push_back(500);
    routes_.add(
        {method, path, access_, threads_.handler(std::move(answer)), only_tells, std::move(text)});
  }

  void for_tokens(Access access) { access_ = access; }

 private:
  AnswerThreads& threads_;
  Routes& routes_;
  Access access_ = Access::registry_read;
};

void add_schemas(Registry& registry, Table& table) {
  table.for_tokens(Access::registry_read);
  const Parameter deleted = flag("deleted", "with what is deleted softly");
  table.add("GET", "/", [](const HttpRequest&) { return registry_answer(Object{}); },
            {.summary = "Tells that there is a schema registry", .schema = "Nothing"});
  table.add("GET", "/schemas/types",
            [](const HttpRequest&) { return registry_answer(JsonValue::Array{"AVRO"}); },
            {.summary = "Tells what kinds of schemas it keeps", .schema = "Texts"});
  table.add("GET", "/schemas/ids/{id}",
            [&](const HttpRequest& request) {
              return answer_with(
                  registry.schema(id_of(request.path_values[0])),
                  [](const std::string& schema) { return Object{{"schema", schema}}; });
            },
            {.summary = "Tells a schema", .schema = "SchemaText", .problems = {404}});
  table.add("GET", "/schemas/ids/{id}/schema",
            [&](const HttpRequest& request) {
              return bare(registry.schema(id_of(request.path_values[0])));
            },
            {.summary = "Gives a schema, bare", .problems = {404}});
  table.add("GET", "/schemas/ids/{id}/versions",
            [&](const HttpRequest& request) { return versions_of(registry, request); },
            {.summary = "Tells which versions a schema is",
             .parameters = {deleted},
             .schema = "SubjectVersions",
             .problems = {404}});
  table.add("GET", "/schemas/ids/{id}/subjects",
            [&](const HttpRequest& request) { return subjects_of(registry, request); },
            {.summary = "Tells which subjects have a schema",
             .parameters = {deleted},
             .schema = "Texts",
             .problems = {404}});
}

void add_subjects(Registry& registry, Table& table) {
  table.for_tokens(Access::registry_read);
  const Parameter deleted = flag("deleted", "with what is deleted softly");
  const Parameter deleted_only = flag("deletedOnly", "what is deleted softly alone");
  table.add("GET", "/subjects",
            [&](const HttpRequest& request) {
              const std::string* prefix = request.parameter("subjectPrefix");
              return registry_answer(list_of(
                  registry.subjects(deleted_of(request), prefix == nullptr ? "" : *prefix)));
            },
            {.summary = "Lists the subjects",
             .parameters = {deleted,
                            deleted_only,
                            {.name = "subjectPrefix", .meaning = "How their names begin"}},
             .schema = "Texts"});
  table.add("GET", "/subjects/{subject}/versions",
            [&](const HttpRequest& request) {
              return answer_with(registry.versions(request.path_values[0], deleted_of(request)),
                                 list_of<int64_t>);
            },
            {.summary = "Lists the versions of a subject",
             .parameters = {deleted, deleted_only},
             .schema = "Numbers",
             .problems = {404}});
  table.add("GET", "/subjects/{subject}/versions/{version}",
            [&](const HttpRequest& request) {
              return answer_with(version_asked(registry, request), version_json);
            },
            {.summary = "Tells a version",
             .parameters = {deleted},
             .schema = "SchemaVersion",
             .problems = {404, 422}});
  table.add("GET", "/subjects/{subject}/versions/{version}/schema",
            [&](const HttpRequest& request) {
              const auto version = version_asked(registry, request);
              if (const auto* refusal = std::get_if<Refusal>(&version))
                return registry_answer(*refusal);
              return bare(std::get<FoundVersion>(version).schema);
            },
            {.summary = "Gives the schema of a version, bare",
             .parameters = {deleted},
             .problems = {404, 422}});
  table.add("GET", "/subjects/{subject}/versions/{version}/referencedby",
            [&](const HttpRequest& request) {
              return answer_with(version_asked(registry, request), [](const FoundVersion&) {
                return JsonValue::Array{};  // it takes no references
              });
            },
            {.summary = "Lists the schemas that refer to a version: none",
             .schema = "Numbers",
             .problems = {404, 422}});
}

// What reads, but has a schema in its body.
void add_questions(Registry& registry, Table& table) {
  const Parameter normalize = flag("normalize", "what is done anyway");
  const Parameter verbose = flag("verbose", "with the reasons");
  table.add("POST", "/subjects/{subject}",
            [&](const HttpRequest& request) { return look_up(registry, request); },
            {.summary = "Finds the version that is a schema",
             .parameters = {flag("deleted", "also of what is deleted softly"), normalize},
             .body = "AvroSchema",
             .schema = "SchemaVersion",
             .problems = {404}});
  table.add("POST", "/compatibility/subjects/{subject}/versions/{version}",
            [&](const HttpRequest& request) { return compare(registry, request); },
            {.summary = "Tells whether a schema could follow a version",
             .parameters = {verbose, normalize},
             .body = "AvroSchema",
             .schema = "Verdict",
             .problems = {404}});
  table.add("POST", "/compatibility/subjects/{subject}/versions",
            [&](const HttpRequest& request) { return compare(registry, request); },
            {.summary = "Tells whether a schema could be the next version",
             .parameters = {verbose, normalize},
             .body = "AvroSchema",
             .schema = "Verdict"});
}

void add_writing(Registry& registry, Table& table) {
  table.for_tokens(Access::registry_write);
  table.add("POST", "/subjects/{subject}/versions",
            [&](const HttpRequest& request) { return register_schema(registry, request); },
            {.summary = "Keeps a schema as the next version",
             .parameters = {flag("normalize", "what is done anyway")},
             .body = "AvroSchema",
             .schema = "SchemaId",
             .problems = {409}});
  table.for_tokens(Access::registry_admin);
  const Parameter permanent = flag("permanent", "for good, after it was deleted softly");
  table.add("DELETE", "/subjects/{subject}",
            [&](const HttpRequest& request) {
              return answer_with(
                  registry.delete_subject(request.path_values[0], is_true(request, "permanent")),
                  list_of<int64_t>);
            },
            {.summary = "Deletes the versions of a subject",
             .parameters = {permanent},
             .schema = "Numbers",
             .problems = {404, 422}});
  table.add("DELETE", "/subjects/{subject}/versions/{version}",
            [&](const HttpRequest& request) { return delete_version(registry, request); },
            {.summary = "Deletes a version",
             .parameters = {permanent},
             .schema = "Number",
             .problems = {404, 422}});
}

// /config and /mode, of all and of a subject: what is told, set and taken back.
void add_settings(Registry& registry, Table& table) {
  const Parameter or_global = flag("defaultToGlobal", "that of all where the subject has none");
  for (const std::string of : {"", "/{subject}"}) {
    const std::string whose = of.empty() ? "all" : "a subject";
    const std::vector<int> not_found = of.empty() ? std::vector<int>() : std::vector<int>{404};
    const std::vector<int> may_not =
        of.empty() ? std::vector<int>{422} : std::vector<int>{404, 422};
    const std::vector<Parameter> of_subject =
        of.empty() ? std::vector<Parameter>() : std::vector<Parameter>{or_global};
    const std::string config = "/config" + of;
    const std::string mode = "/mode" + of;
    table.for_tokens(Access::registry_read);
    table.add("GET", config.c_str(),
              [&](const HttpRequest& request) {
                return answer_with(
                    registry.level(subject_of(request), is_true(request, "defaultToGlobal")),
                    level_json);
              },
              {.summary = "Tells the compatibility level of " + whose,
               .parameters = of_subject,
               .schema = "CompatibilityLevel",
               .problems = not_found});
    table.add("GET", mode.c_str(),
              [&](const HttpRequest& request) {
                return answer_with(
                    registry.mode(subject_of(request), is_true(request, "defaultToGlobal")),
                    mode_json);
              },
              {.summary = "Tells the mode of " + whose,
               .parameters = of_subject,
               .schema = "Mode",
               .problems = not_found});
    table.for_tokens(Access::registry_admin);
    table.add("PUT", config.c_str(),
              [&](const HttpRequest& request) { return set_level(registry, request); },
              {.summary = "Sets the compatibility level of " + whose,
               .body = "Compatibility",
               .schema = "Compatibility"});
    table.add("PUT", mode.c_str(),
              [&](const HttpRequest& request) { return set_mode(registry, request); },
              {.summary = "Sets the mode of " + whose,
               .parameters = {flag("force", "IMPORT also where there are versions")},
               .body = "Mode",
               .schema = "Mode"});
    table.add("DELETE", config.c_str(),
              [&](const HttpRequest& request) {
                return answer_with(registry.reset_level(subject_of(request)), level_json);
              },
              {.summary = "Takes back the compatibility level of " + whose,
               .schema = "CompatibilityLevel",
               .problems = may_not});
    table.add(
        "DELETE", mode.c_str(),
        [&](const HttpRequest& request) {
          return answer_with(registry.reset_mode(subject_of(request)), mode_json);
        },
        {.summary = "Takes back the mode of " + whose, .schema = "Mode", .problems = not_found});
  }
}

}  // namespace

void add_registry_endpoints(Registry& registry, AnswerThreads& threads, Routes& routes) {
  Table table(threads, routes);
  add_schemas(registry, table);
  add_subjects(registry, table);
  add_questions(registry, table);
  add_writing(registry, table);
  add_settings(registry, table);
}

}  // namespace adweave::serve

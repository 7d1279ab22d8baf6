// SPDX-License-Identifier: Apache-2.0
#include "serve/registry_requests.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/whole_number.h"
#include "net/http_text.h"
#include "serve/registry_answers.h"
#include "serve/registry_text.h"

namespace adweave::serve {

namespace {

using registry::Refusal;

constexpr std::array<std::string_view, 4> kBodyTypes = {
    kRegistryJson, "application/vnd.schemaregistry+json", "application/json",
    "application/octet-stream"};

// Of a content type, what stands before its parameters.
std::string_view type_in(std::string_view header) {
  std::string_view type = header.substr(0, header.find_first_of(";,"));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

bool is_absent(const JsonValue* value) {
  return value == nullptr || value->is_null();
}

// A number of an object; 0 stands for what is not there, and for the -1 of some clients.
std::optional<int64_t> optional_number(const JsonValue& body, std::string_view key) {
  const JsonValue* value = body.find(key);
  if (is_absent(value)) return 0;
  if (value->as_int() == nullptr || *value->as_int() < -1 ||
      *value->as_int() > limits::kRegistryNumberMax) {
    return std::nullopt;
  }
  return std::max<int64_t>(*value->as_int(), 0);
}

}  // namespace

bool is_true(const net::HttpRequest& request, std::string_view parameter) {
  const std::string* text = request.parameter(parameter);
  return text != nullptr && net::same_name(*text, "true");
}

registry::Deleted deleted_of(const net::HttpRequest& request) {
  if (is_true(request, "deletedOnly")) return registry::Deleted::only;
  return is_true(request, "deleted") ? registry::Deleted::with : registry::Deleted::without;
}

registry::Answer<int64_t> version_of(const std::string& text) {
  if (text == "latest" || text == "-1") return registry::kLatest;
  int64_t number = 0;
  if (parse_whole(text, number) && number > 0 && number <= limits::kRegistryNumberMax)
    return number;
  return Refusal{Refusal::invalid_version,
                 "The specified version '" + text +
                     "' is not a valid version id. Allowed values are between [1, 2^31-1] and the "
                     "string \"latest\""};
}

int64_t id_of(const std::string& text) {
  int64_t number = 0;
  const bool is_id =
      parse_whole(text, number) && number > 0 && number <= limits::kRegistryNumberMax;
  return is_id ? number : 0;
}

std::variant<JsonValue, net::HttpResponse> object_in(const net::HttpRequest& request) {
  if (const std::string* header = request.header("Content-Type")) {
    const bool is_known =
        std::any_of(kBodyTypes.begin(), kBodyTypes.end(),
                    [&](std::string_view type) { return net::same_name(type_in(*header), type); });
    if (!is_known) {
      return registry_problem(
          415, std::string("the content type is not one that is taken; send ") + kRegistryJson);
    }
  }
  Result<JsonValue> body = parse_json(request.body);
  if (!body) return registry_problem(400, "the body is " + body.error().message);
  if (body->as_object() == nullptr) return registry_problem(400, "the body is no JSON object");
  return *std::move(body);
}

registry::Answer<registry::Candidate> candidate_of(const JsonValue& body) {
  const auto refuse = [](const std::string& what) {
    return Refusal{Refusal::invalid_schema, what};
  };
  const JsonValue* type = body.find("schemaType");
  if (!is_absent(type) && (type->as_string() == nullptr || *type->as_string() != "AVRO"))
    return refuse("This registry keeps schemas of the type AVRO alone");
  const JsonValue* references = body.find("references");
  if (!is_absent(references) &&
      (references->as_array() == nullptr || !references->as_array()->empty())) {
    return refuse(
        "This registry takes no references; define the types that the schema names in the schema");
  }
  for (const char* key : {"metadata", "ruleSet"}) {
    if (!is_absent(body.find(key)))
      return refuse(std::string("This registry keeps no ") + key + "; leave it out");
  }
  registry::Candidate candidate;
  const JsonValue* schema = body.find("schema");
  if (is_absent(schema) || schema->as_string() == nullptr || schema->as_string()->empty())
    return refuse("There is no schema; send {\"schema\": TEXT}");
  candidate.schema = *schema->as_string();
  const auto id = optional_number(body, "id");
  const auto version = optional_number(body, "version");
  if (!id || !version) return refuse("An id or version is a number between 1 and 2^31-1");
  candidate.id = *id;
  candidate.version = *version;
  return candidate;
}

}  // namespace adweave::serve

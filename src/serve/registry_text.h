// SPDX-License-Identifier: Apache-2.0
// What the description of the API says of the schema registry.
#pragma once

namespace adweave::serve {

inline constexpr const char* kRegistryJson = "application/vnd.schemaregistry.v1+json";

// What its requests and answers hold, by name.
inline constexpr const char* kRegistrySchemas = R"({
"RegistryProblem": {"type": "object", "required": ["error_code", "message"], "properties": {
  "error_code": {"type": "integer", "description": "The status, or the status and two digits"},
  "message": {"type": "string"}}},
"AvroSchema": {"type": "object", "required": ["schema"], "properties": {
  "schema": {"type": "string", "description": "An Avro schema, as JSON in a text"},
  "schemaType": {"enum": ["AVRO", null]},
  "references": {"type": ["array", "null"], "maxItems": 0},
  "id": {"type": "integer", "minimum": -1, "maximum": 2147483647,
         "description": "In the mode IMPORT"},
  "version": {"type": "integer", "minimum": -1, "maximum": 2147483647}}},
"SchemaId": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
"SchemaText": {"type": "object", "required": ["schema"], "properties": {
  "schema": {"type": "string"}}},
"SubjectVersion": {"type": "object", "required": ["subject", "version"], "properties": {
  "subject": {"type": "string"}, "version": {"type": "integer"}}},
"SubjectVersions": {"type": "array", "items": {"$ref": "#/components/schemas/SubjectVersion"}},
"SchemaVersion": {"type": "object", "required": ["subject", "version", "id", "schema"],
  "properties": {"subject": {"type": "string"}, "version": {"type": "integer"},
                 "id": {"type": "integer"}, "schema": {"type": "string"}}},
"Verdict": {"type": "object", "required": ["is_compatible"], "properties": {
  "is_compatible": {"type": "boolean"},
  "messages": {"type": "array", "items": {"type": "string"}}}},
"Compatibility": {"type": "object", "required": ["compatibility"], "properties": {
  "compatibility": {"enum": ["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD",
                             "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]}}},
"CompatibilityLevel": {"type": "object", "required": ["compatibilityLevel"], "properties": {
  "compatibilityLevel": {"type": "string"}}},
"Mode": {"type": "object", "required": ["mode"], "properties": {
  "mode": {"enum": ["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"]}}},
"Nothing": {"type": "object", "maxProperties": 0},
"Number": {"type": "integer"},
"Numbers": {"type": "array", "items": {"type": "integer"}},
"Texts": {"type": "array", "items": {"type": "string"}}
})";

}  // namespace adweave::serve

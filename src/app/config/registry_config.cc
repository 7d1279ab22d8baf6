// SPDX-License-Identifier: Apache-2.0
#include "app/config/registry_config.h"

#include <map>

#include "app/config/secret.h"
#include "base/limits.h"
#include "registry/remote_schemas.h"

namespace adweave::app {

namespace {

constexpr int64_t kSecretBytesMax = 64 * limits::kKiB;

void read_secret_of(MapReader& map, const std::string& name, engine::SchemaRegistry& registry) {
  const auto node = map.take(name);
  if (!node) return;
  MapReader reader(*node, name, map.problems());
  read_secret_place(reader, "a " + name,
                    "write {file: registry.secret} or {variable: REGISTRY_SECRET}",
                    registry.secret_file, registry.secret_variable);
}

Result<std::string> secret_of(const FileSystem& fs, const engine::SchemaRegistry& registry) {
  ADWEAVE_ASSIGN(std::string secret,
                 read_secret(fs, registry.secret_file, registry.secret_variable, kSecretBytesMax));
  if (!secret.empty()) return secret;
  return Error{ErrorCode::config,
               "the secret of the schema registry is empty: " +
                   (registry.secret_file.empty() ? "variable " + registry.secret_variable
                                                 : registry.secret_file),
               "put the password or token there"};
}

Result<net::HttpClientOptions> client_options(const FileSystem& fs,
                                              const engine::SchemaRegistry& registry) {
  net::HttpClientOptions options;
  options.url = registry.url;
  while (options.url.ends_with('/')) options.url.pop_back();
  options.ca_file = registry.ca_file;
  if (registry.secret_file.empty() && registry.secret_variable.empty()) return options;
  ADWEAVE_ASSIGN(const std::string secret, secret_of(fs, registry));
  options.authorization =
      registry.user.empty() ? "Bearer " + secret : net::basic_authorization(registry.user, secret);
  return options;
}

}  // namespace

void read_registry(MapReader& source, engine::SourceJob& job) {
  const auto node = source.take("registry");
  if (!node) return;
  job.decoder.avro.from_registry = true;
  if (node->IsScalar() && source.scalar(*node, "registry") == "self") return;
  engine::SchemaRegistry registry;
  if (node->IsScalar()) {
    registry.url = source.scalar(*node, "registry");
  } else {
    MapReader map(*node, "registry", source.problems());
    if (!map.valid()) return;
    registry.url = map.required_text("url", "https://registry.example:8081");
    registry.user = map.text("user").value_or("");
    registry.ca_file = map.text("ca").value_or("");
    read_secret_of(map, registry.user.empty() ? "token" : "password", registry);
    map.finish();
  }
  registry.waits =
      source.choice<bool>("unknown_schema", {{"wait", true}, {"reject", false}}).value_or(true);
  net::HttpClientOptions address;
  address.url = registry.url;
  if (const auto client = net::HttpClient::open(address); !client) {
    source.problems().add(*node, "registry: " + client.error().message,
                          "write registry: self, or an address like https://HOST:PORT");
  }
  job.registry = std::move(registry);
}

Status open_registries(FileSystem& fs, engine::Job& job) {
  std::map<std::string, std::shared_ptr<registry::RemoteSchemas>> opened;  // one writes a folder
  for (engine::SourceJob& source : job.sources) {
    if (!source.registry) continue;
    ADWEAVE_ASSIGN(net::HttpClientOptions options, client_options(fs, *source.registry));
    std::shared_ptr<registry::RemoteSchemas>& schemas = opened[options.url];
    if (!schemas) {
      ADWEAVE_ASSIGN(schemas, registry::RemoteSchemas::open(
                                  fs, join_path(join_path(job.data, "registry"), "fetched"),
                                  std::move(options)));
    }
    source.schemas = schemas;
    source.decoder.avro.book = schemas;
  }
  return {};
}

}  // namespace adweave::app

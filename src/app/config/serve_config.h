// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that describes the server. Inside app/ only.
#pragma once

#include "app/config/yaml_reader.h"
#include "base/file_system.h"
#include "serve/options.h"

namespace adweave::app {

// Reads `serve`, and which sources of the job take deliveries.
serve::Options read_serve(MapReader& root, const engine::Job& job);

// Fills in the secrets of the keys from their files and variables, which only a server needs. Fails
// with config.
Status read_signing_keys(const FileSystem& fs, std::vector<serve::SigningKey>& keys);

// "127.0.0.1:8080", "[::1]:8080"; none when it is no address.
std::optional<serve::Address> parse_address(const std::string& text);

// Whether only this machine can reach it.
bool is_loopback(const std::string& host);

}  // namespace adweave::app

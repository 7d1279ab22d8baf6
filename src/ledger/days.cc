// SPDX-License-Identifier: Apache-2.0
#include "ledger/days.h"

#include <map>
#include <tuple>
#include <utility>

namespace adweave::ledger {

std::vector<LakeDay> lake_days(const Ledger& ledger, bool by_table) {
  std::map<std::pair<std::string, std::string>, LakeDay> days;
  for (const event::DataFile& file : ledger.live_files("", ledger.head())) {
    LakeDay& day = days[{file.date, by_table ? file.table : ""}];
    ++day.files;
    day.sealed += file.is_sealed() ? 1 : 0;
    day.rows += file.rows;
    day.pending += file.is_sealed() ? 0 : file.rows;
    day.bytes += file.bytes;
  }
  std::vector<LakeDay> list;
  for (auto& [key, day] : days) {
    std::tie(day.date, day.table) = key;
    const auto sealed = ledger.sealed_days().find(day.date);
    if (sealed != ledger.sealed_days().end()) day.complete_through = sealed->second;
    list.push_back(std::move(day));
  }
  return list;
}

}  // namespace adweave::ledger

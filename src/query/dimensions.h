// SPDX-License-Identifier: Apache-2.0
// What a report can group by: fields of the events, times in the report's zone, and columns of the
// dimension files as of the event's time.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/sql_engine.h"

namespace adweave::query {

// The names that --by accepts in any folder.
std::vector<std::string> report_dimensions();

class DimensionCatalogue {
 public:
  // Reads which columns the folder's dimension files have. Fails with query.
  static Result<DimensionCatalogue> read(const SqlEngine& sql);

  // Names that --by accepts here: report_dimensions(), and `campaign.<column>` for every column
  // of a dimension file.
  std::vector<std::string> names() const;
  // Whether the name comes from a dimension file that the folder does not have.
  bool lacks_file(std::string_view name) const;

  // `<expression> AS <name>` over the columns of `table` and of its joins; NULL where the table
  // does not know it. `time` is the SQL of the time that day, hour and the like are of.
  std::string select(std::string_view name, std::string_view table, std::string_view time,
                     const std::string& zone) const;
  // The joins of `table` that these names need: at most one row of a dimension matches an event.
  std::string joins(const std::vector<std::string>& names, std::string_view table) const;

  // Currencies that amounts can be converted into.
  std::vector<std::string> reporting_currencies() const;
  // The join that gives each row the rate of its currency into another on the UTC day of its event:
  // the column kRate, in parts per billion; null where the file has none.
  static constexpr std::string_view kRate = "\"rate ppb\"";
  std::string rate_join(const std::string& currency) const;

 private:
  struct Attribute {
    std::string_view thing;  // "campaign"
    std::string column;
  };
  // What a name says of a dimension file; no thing when it is another kind of name, no column when
  // the file does not have it.
  Attribute attribute(std::string_view name) const;

  std::map<std::string, std::vector<std::string>, std::less<>> columns_;  // by thing
  std::vector<std::string> rate_columns_;
};

}  // namespace adweave::query

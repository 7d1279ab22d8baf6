// SPDX-License-Identifier: Apache-2.0
// KPI cells: what each table of the metrics catalogue adds to its measures in 15 minutes of UTC, by
// the dimensions that reports roll up. Every zone of today has an offset of whole quarter hours, so
// the hours and days of any zone, also those with 23 or 25 hours, are whole cells.
//
// A cell holds integers (money in nanos), so that sums of cells are what a direct answer sums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/metrics.h"

namespace adweave::query {

struct CellMeasure {
  std::string_view name;   // a measure of the catalogue, and the column
  std::string_view table;  // that it is an aggregate of
  std::string sum;         // SQL of the integer over the table
  std::string divisor;  // of the sum of cells: "1000" where a measure is in thousands; may be empty
  bool money = false;
};

// SQL of the start of the cell that a time lies in.
std::string cell_of(std::string_view time);

// Every measure of an additive or a ratio metric that has an event time.
const std::vector<CellMeasure>& cell_measures();
const CellMeasure* find_cell_measure(const Measure& measure);

// Whether cells can be grouped by it: a dimension of theirs, or a time of a quarter hour and
// longer.
bool is_cell_dimension(std::string_view name);

// The columns of cells, as in CREATE TABLE: `of_table`, `cell` (the start), dimensions,
// `has_amount` (whether an amount was given), measures.
std::string cell_columns();

// SELECT of the cells of one table, or of all tables; `where` may be empty.
std::string cells_select(std::string_view table, const std::string& where);
std::string all_cells_select(const std::string& where);
std::vector<std::string_view> cell_tables();

// SELECT of the view `kpi`: a row for each cell and its dimensions, all tables together.
std::string kpi_select(const std::string& cells);

}  // namespace adweave::query

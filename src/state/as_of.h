// SPDX-License-Identifier: Apache-2.0
// Which commits a state knows that was read from a snapshot: all up to least(), and a part of later
// ones, because a snapshot is written in pieces while commits go on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

namespace adweave::state {

class AsOf {
 public:
  int64_t least() const { return least_; }
  // The commit as of which a journey is, by its number. One that is not in the snapshot began after
  // the last piece.
  int64_t of_journey(uint32_t number) const {
    const auto after =
        std::partition_point(pieces_.begin(), pieces_.end(),
                             [&](const Piece& piece) { return piece.first_journey <= number; });
    return after == pieces_.begin() ? least_ : std::prev(after)->commit;
  }

  // The next piece is as of a commit, and its journeys begin with a number.
  void add(int64_t commit, uint32_t first_journey) {
    if (pieces_.empty()) least_ = commit;
    pieces_.push_back({first_journey, commit});
  }

 private:
  struct Piece {
    uint32_t first_journey = 0;
    int64_t commit = 0;
  };

  int64_t least_ = 0;
  std::vector<Piece> pieces_;  // in both orders
};

}  // namespace adweave::state

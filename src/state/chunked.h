// SPDX-License-Identifier: Apache-2.0
// A sequence that only grows and whose items never move: in chunks, each one allocation.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace adweave::state {

template <class Item, size_t kChunkItems>
class Chunked {
 public:
  size_t size() const { return size_; }
  Item& operator[](size_t number) { return (*chunks_[number / kChunkItems])[number % kChunkItems]; }
  const Item& operator[](size_t number) const {
    return (*chunks_[number / kChunkItems])[number % kChunkItems];
  }
  // A new item behind all others.
  Item& add() {
    if (size_++ % kChunkItems == 0) {
      chunks_.push_back(std::make_unique<Chunk>());
      next_ = chunks_.back()->data();
    }
    return *next_++;
  }
  // Where the next item comes, unless that begins a chunk: to fetch it ahead, not to be read.
  const Item* next() const { return next_; }
  size_t memory_bytes() const {
    return chunks_.size() * sizeof(Chunk) + chunks_.capacity() * sizeof(void*);
  }

 private:
  using Chunk = std::array<Item, kChunkItems>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  Item* next_ = nullptr;
  size_t size_ = 0;
};

}  // namespace adweave::state

// SPDX-License-Identifier: Apache-2.0
// A sequence in an order of the caller's into which items come anywhere, mostly at the end. One
// block as long as it is short; then blocks, so that a million items of one person can come
// backwards and each moves no more than a block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace adweave::state {

template <class Item, size_t kBlockItems = 512>
class OrderedList {
  template <bool is_const>
  class Iterator;

 public:
  using iterator = Iterator<false>;
  using const_iterator = Iterator<true>;

  iterator begin() { return {*this, 0, 0}; }
  iterator end() { return {*this, blocks() - 1, block(blocks() - 1).size()}; }
  const_iterator begin() const { return {*this, 0, 0}; }
  const_iterator end() const { return {*this, blocks() - 1, block(blocks() - 1).size()}; }

  bool empty() const { return first_.empty(); }
  size_t size() const {
    size_t items = 0;
    for (size_t number = 0; number < blocks(); ++number) items += block(number).size();
    return items;
  }
  const Item& back() const { return rest_ ? rest_->back().back() : first_.back(); }

  // Where the items begin for which `is_before` is false; those for which it is true stand first.
  template <class IsBefore>
  iterator partition_point(IsBefore is_before) {
    const auto [number, item] = find(is_before);
    return {*this, number, item};
  }
  template <class IsBefore>
  const_iterator partition_point(IsBefore is_before) const {
    const auto [number, item] = find(is_before);
    return {*this, number, item};
  }

  void push_back(Item&& item) {
    std::vector<Item>& last = rest_ ? rest_->back() : first_;
    if (last.size() == kBlockItems) return insert(end(), std::move(item));
    last.push_back(std::move(item));
  }
  // Iterators and references hold no longer.
  void insert(iterator before, Item item) {
    auto [number, place] = before.where();
    if (block(number).size() == kBlockItems) {
      if (!rest_) rest_ = std::make_unique<std::vector<std::vector<Item>>>();
      // At the end of a full block a new one begins, so that items in their order fill them.
      const size_t kept = place == kBlockItems ? kBlockItems : kBlockItems / 2;
      const auto after = rest_->emplace(rest_->begin() + static_cast<std::ptrdiff_t>(number));
      std::vector<Item>& full = block(number);
      const auto cut = full.begin() + static_cast<std::ptrdiff_t>(kept);
      after->assign(std::make_move_iterator(cut), std::make_move_iterator(full.end()));
      full.erase(cut, full.end());
      if (place > kept || kept == kBlockItems) {
        ++number;
        place -= kept;
      }
    }
    std::vector<Item>& into = block(number);
    into.insert(into.begin() + static_cast<std::ptrdiff_t>(place), std::move(item));
  }

 private:
  size_t blocks() const { return rest_ ? rest_->size() + 1 : 1; }
  std::vector<Item>& block(size_t number) { return number == 0 ? first_ : (*rest_)[number - 1]; }
  const std::vector<Item>& block(size_t number) const {
    return number == 0 ? first_ : (*rest_)[number - 1];
  }

  template <class IsBefore>
  std::pair<size_t, size_t> find(IsBefore is_before) const {
    size_t number = 0;
    if (rest_) {
      const auto later = std::partition_point(rest_->begin(), rest_->end(), [&](const auto& items) {
        return is_before(items.front());
      });
      number = static_cast<size_t>(later - rest_->begin());
    }
    const std::vector<Item>& items = block(number);
    const auto at = std::partition_point(items.begin(), items.end(), is_before);
    if (at == items.end() && number + 1 < blocks()) return {number + 1, 0};
    return {number, static_cast<size_t>(at - items.begin())};
  }

  std::vector<Item> first_;                               // blocks are not empty, but for this one
  std::unique_ptr<std::vector<std::vector<Item>>> rest_;  // null: there are no others
};

template <class Item, size_t kBlockItems>
template <bool is_const>
class OrderedList<Item, kBlockItems>::Iterator {
  using List = std::conditional_t<is_const, const OrderedList, OrderedList>;

 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = Item;
  using difference_type = std::ptrdiff_t;
  using reference = std::conditional_t<is_const, const Item&, Item&>;
  using pointer = std::conditional_t<is_const, const Item*, Item*>;

  Iterator(List& list, size_t block, size_t item) : list_(&list), block_(block) {
    look_at_block();
    at_ = first_ + item;
  }

  reference operator*() const { return *at_; }
  pointer operator->() const { return at_; }
  Iterator& operator++() {
    if (++at_ == end_ && block_ + 1 < list_->blocks()) {
      ++block_;
      look_at_block();
      at_ = first_;
    }
    return *this;
  }
  Iterator& operator--() {
    if (at_ == first_) {
      --block_;
      look_at_block();
      at_ = end_;
    }
    --at_;
    return *this;
  }
  bool operator==(const Iterator& other) const {
    return at_ == other.at_ && block_ == other.block_;
  }

  std::pair<size_t, size_t> where() const { return {block_, static_cast<size_t>(at_ - first_)}; }

 private:
  void look_at_block() {
    auto& items = list_->block(block_);
    first_ = items.data();
    end_ = first_ + items.size();
  }

  List* list_;
  size_t block_;
  pointer first_ = nullptr;  // of the block
  pointer end_ = nullptr;
  pointer at_ = nullptr;
};

}  // namespace adweave::state

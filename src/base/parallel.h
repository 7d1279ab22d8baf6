// SPDX-License-Identifier: Apache-2.0
// The same work on many items by a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace adweave {

// Calls work(0) ... work(count - 1), each once, on at most `threads` threads, this one among them.
void run_parallel(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace adweave

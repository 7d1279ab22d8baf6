// SPDX-License-Identifier: Apache-2.0
// How the program uses malloc.
#pragma once

namespace adweave {

// Slices are megabytes. The allocator keeps their memory for the next one, rather than giving it
// back and having every page of it faulted in anew. Called once, first of all.
void keep_freed_memory();

}  // namespace adweave

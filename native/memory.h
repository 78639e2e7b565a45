// Working memory of threads, and advice to the system about large arenas.
#pragma once
#include <cstddef>
#include <memory>

namespace myelin {

struct WorkspaceDeleter {
  void operator()(float* memory) const;
};

// kWorkspaceFloats floats on a 64 byte boundary, left untouched: the system commits a page when a
// kernel first writes to it.
using Workspace = std::unique_ptr<float[], WorkspaceDeleter>;

// Throws std::bad_alloc.
Workspace make_workspace();

// Asks for huge pages where they pay (2 MiB and more); no more than a hint.
void advise_huge_pages(void* memory, size_t bytes);

}  // namespace myelin

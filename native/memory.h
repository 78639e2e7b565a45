// Working memory of threads, and advice to the system about large arenas.
#pragma once
#include <cstddef>
#include <memory>

namespace myelin {

struct WorkspaceDeleter {
  void operator()(float* memory) const;
};

// kWorkspaceFloats floats at the start of a page, left untouched: the system commits a page when a
// kernel first writes to it, which most do to a few. A huge page would be committed whole.
using Workspace = std::unique_ptr<float[], WorkspaceDeleter>;

// Throws std::bad_alloc.
Workspace make_workspace();

constexpr size_t kHugePage = size_t{2} << 20;

// Asks for huge pages where they pay (2 MiB and more); no more than a hint.
void advise_huge_pages(void* memory, size_t bytes);

}  // namespace myelin

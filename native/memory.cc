#include "memory.h"

#include <cstdint>
#include <new>

#include "kernel.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace myelin {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// A workspace fills exactly one huge page.
constexpr std::align_val_t kWorkspaceAlignment{kHugePage};

}  // namespace

void WorkspaceDeleter::operator()(float* memory) const {
  ::operator delete(memory, kWorkspaceAlignment);
}

Workspace make_workspace() {
  size_t bytes = kWorkspaceFloats * sizeof(float);
  void* memory = ::operator new(bytes, kWorkspaceAlignment);
  advise_huge_pages(memory, bytes);
  return Workspace(static_cast<float*>(memory));
}

void advise_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  if (bytes < kHugePage) return;
  constexpr uintptr_t kPage = 4096;
  uintptr_t start = reinterpret_cast<uintptr_t>(memory);
  uintptr_t skipped = (kPage - start % kPage) % kPage;
  uintptr_t pages = (bytes - skipped) / kPage;
  madvise(static_cast<char*>(memory) + skipped, pages * kPage, MADV_HUGEPAGE);
#endif
}

}  // namespace myelin

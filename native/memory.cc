#include "memory.h"

#include <cstdint>
#include <new>

#include "kernel.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace myelin {
namespace {

constexpr std::align_val_t kWorkspaceAlignment{4096};

}  // namespace

void WorkspaceDeleter::operator()(float* memory) const {
  ::operator delete(memory, kWorkspaceAlignment);
}

Workspace make_workspace() {
  void* memory = ::operator new(kWorkspaceFloats * sizeof(float), kWorkspaceAlignment);
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

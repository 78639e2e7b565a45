// What the garbage collector is told of memory. A part of binding.cc: nothing else includes it.
#pragma once
#include <napi.h>

#include <algorithm>
#include <memory>

namespace myelin::binding {

// Counts shared memory as memory that the collector could free: V8 itself does not, and a loop that
// makes networks would fill the machine before it collects the first. The collector is told of what
// is held beyond kFree. A heap as small as that of a fresh process is collected as soon as a few MB
// are added to it: 10 ms in the middle of the first step, to free next to nothing.
class CollectableMemory : public std::enable_shared_from_this<CollectableMemory> {
 public:
  // Counts a buffer until it is collected, which may be later than the addon's end.
  void track(const Napi::Object& buffer, int64_t bytes) {
    auto tracked = std::make_unique<Tracked>(Tracked{shared_from_this(), bytes});
    napi_status status =
        napi_add_finalizer(buffer.Env(), buffer, tracked.get(), release, nullptr, nullptr);
    if (status != napi_ok) throw Napi::Error::New(buffer.Env());
    tracked.release();
    add(buffer.Env(), bytes);
  }

 private:
  struct Tracked {
    std::shared_ptr<CollectableMemory> memory;
    int64_t bytes;
  };

  static constexpr int64_t kFree = int64_t{32} << 20;

  static void release(napi_env env, void* data, void*) {
    std::unique_ptr<Tracked> tracked(static_cast<Tracked*>(data));
    tracked->memory->add(env, -tracked->bytes);
  }

  void add(napi_env env, int64_t bytes) {
    held_ += bytes;
    const int64_t told = std::max(held_ - kFree, int64_t{0});
    int64_t total;
    if (told != told_) napi_adjust_external_memory(env, told - told_, &total);
    told_ = told;
  }

  int64_t held_ = 0;
  int64_t told_ = 0;
};

}  // namespace myelin::binding

// The addon's face to JavaScript; lib/executor/binding.ts types it.
#include <napi.h>

#include <algorithm>
#include <memory>
#include <string>

#include "binding_arguments.h"
#include "binding_arrays.h"
#include "binding_memory.h"
#include "dispatch.h"
#include "executor.h"
#include "memory.h"
#include "runner.h"

namespace myelin {
namespace {

class Program;

// An asynchronous run; made and destroyed on JavaScript's thread.
struct AsyncRun : Runner::Task {
  AsyncRun(Napi::Env env, Program* owner)
      : program(owner), deferred(Napi::Promise::Deferred::New(env)) {}

  Program* program;
  Napi::Promise::Deferred deferred;
  Napi::Reference<Napi::Array> pins;  // the program itself, and all arrays of the job
};

// What each environment (the main thread, each Worker) has of its own.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);

  ThreadPool& pool() { return *pool_; }

  // For runs on JavaScript's thread.
  Resources resources() {
    if (!workspace_) workspace_ = make_workspace();
    return {pool_.get(), workspace_.get()};
  }

  void submit(Napi::Env env, std::unique_ptr<AsyncRun> run);

 private:
  Napi::Value kernel_names(const Napi::CallbackInfo& info);
  Napi::Value get_threads(const Napi::CallbackInfo& info);
  void set_threads(const Napi::CallbackInfo& info);
  Napi::Value alignment_of(const Napi::CallbackInfo& info);
  void track(const Napi::CallbackInfo& info);

  void start_runner(Napi::Env env);
  void settle_finished(Napi::Env env);
  static void notify(void* addon);
  static void call_js(napi_env env, napi_value callback, void* addon, void* data);
  static void tear_down(void* addon);

  std::shared_ptr<ThreadPool> pool_;
  std::shared_ptr<binding::CollectableMemory> memory_ =
      std::make_shared<binding::CollectableMemory>();
  Workspace workspace_;
  std::unique_ptr<Runner> runner_;
  napi_threadsafe_function wake_javascript_ = nullptr;
  int in_flight_ = 0;
};

class Program : public Napi::ObjectWrap<Program> {
 public:
  static Napi::Function define(Napi::Env env, Addon* addon);

  explicit Program(const Napi::CallbackInfo& info);

  void settle(AsyncRun& run);

 private:
  Napi::Value isa(const Napi::CallbackInfo& info);
  Napi::Value run_sync(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  void cancel(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);

  Job checked_job(JobReader& reader);
  void expect_idle(Napi::Env env) const;

  Addon* addon_;
  const KernelTable* table_;
  std::unique_ptr<Executor> executor_;
  bool busy_ = false;  // an asynchronous run has not been settled
  std::atomic<bool> cancelled_{false};
};

Napi::Value to_javascript(Napi::Env env, const RunResult& result) {
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0u, Napi::Number::New(env, static_cast<double>(result.steps)));
  pair.Set(1u, Napi::String::New(env, reason_name(result.reason)));
  return pair;
}

// ---- Program

Napi::Function Program::define(Napi::Env env, Addon* addon) {
  return DefineClass(
      env, "Program",
      {InstanceAccessor<&Program::isa>("isa"), InstanceMethod<&Program::run_sync>("runSync"),
       InstanceMethod<&Program::run>("run"), InstanceMethod<&Program::cancel>("cancel"),
       InstanceMethod<&Program::step>("step")},
      addon);
}

const KernelTable* table_argument(const Napi::Value& isa) {
  if (isa.IsUndefined()) return &default_table();
  const KernelTable* table =
      isa.IsString() ? find_table(isa.As<Napi::String>().Utf8Value()) : nullptr;
  if (!table) refuse("Program: isa", "one of " + usable_names(), isa);
  return table;
}

Region region_argument(const Napi::Array& list, uint32_t i) {
  std::string where =
      std::string("Program: regions[") + std::to_string(i) + "] (" + kRegionNames[i] + ")";
  Napi::Value value = list.Get(i);
  View memory = typed_view(value, where, napi_float32_array, "a Float32Array");
  // An ArrayBuffer could be transferred away from under the plan at any time.
  if (!memory.shared) refuse(where, "backed by a SharedArrayBuffer", value);
  return {static_cast<float*>(memory.data), static_cast<int64_t>(memory.length)};
}

Program::Program(const Napi::CallbackInfo& info)
    : ObjectWrap(info), addon_(static_cast<Addon*>(info.Data())) {
  Napi::Array list = array(info[1], "Program: regions");
  if (list.Length() != kRegionCount) {
    refuse("Program: regions", "of length " + std::to_string(kRegionCount), list);
  }
  table_ = table_argument(info[2]);
  // A list of our own: the caller's could lose its arrays. The program holds it as a property, not
  // by a reference, which would keep the memory until its finalizer runs: never, in a loop without
  // a pause.
  Napi::Array kept = Napi::Array::New(info.Env(), kRegionCount);
  for (uint32_t i = 0; i < kRegionCount; i++) kept.Set(i, list.Get(i));
  kept.Freeze();
  // Addresses after that: an accessor in the list might have taken an array away.
  Regions regions;
  for (uint32_t i = 0; i < kRegionCount; i++) regions[i] = region_argument(kept, i);
  View bytes = typed_view(info[0], "Program: plan", napi_uint8_array, "a Uint8Array");
  Plan plan = load_plan(static_cast<const uint8_t*>(bytes.data), bytes.length, *table_, regions);
  executor_ = std::make_unique<Executor>(std::move(plan));
  info.This().As<Napi::Object>().DefineProperty(
      Napi::PropertyDescriptor::Value("regions", kept, napi_default));
}

Napi::Value Program::isa(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), table_->isa);
}

void Program::expect_idle(Napi::Env env) const {
  if (busy_) throw Napi::Error::New(env, "this program is busy: a run of it has not ended");
}

Job Program::checked_job(JobReader& reader) {
  Job job = reader.read();
  check_job(executor_->plan(), job);
  return job;
}

Napi::Value Program::run_sync(const Napi::CallbackInfo& info) {
  expect_idle(info.Env());
  JobReader reader(info[0], false);
  Job job = checked_job(reader);
  // Getters of the job object may have started a run.
  expect_idle(info.Env());
  cancelled_.store(false, std::memory_order_relaxed);
  return to_javascript(info.Env(), executor_->run(job, addon_->resources(), cancelled_));
}

Napi::Value Program::run(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect_idle(env);
  JobReader reader(info[0], true);
  auto run = std::make_unique<AsyncRun>(env, this);
  run->job = checked_job(reader);
  expect_idle(env);
  run->executor = executor_.get();
  run->cancelled = &cancelled_;
  Napi::Array pins = reader.pins();
  pins.Set(pins.Length(), info.This());
  run->pins = Napi::Reference<Napi::Array>::New(pins, 1);
  cancelled_.store(false, std::memory_order_relaxed);
  Napi::Promise promise = run->deferred.Promise();
  addon_->submit(env, std::move(run));
  busy_ = true;
  return promise;
}

void Program::settle(AsyncRun& run) {
  busy_ = false;
  Napi::Env env = Env();
  if (run.error.empty()) {
    run.deferred.Resolve(to_javascript(env, run.result));
  } else {
    run.deferred.Reject(Napi::Error::New(env, run.error).Value());
  }
}

void Program::cancel(const Napi::CallbackInfo&) {
  cancelled_.store(true, std::memory_order_relaxed);
}

Napi::Value Program::step(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (busy_) expect_idle(env);
  double batch, counter, rate, seed_low, seed_high;
  bool numbers = napi_get_value_double(env, info[0], &batch) == napi_ok &&
                 napi_get_value_double(env, info[1], &counter) == napi_ok &&
                 napi_get_value_double(env, info[2], &rate) == napi_ok &&
                 napi_get_value_double(env, info[3], &seed_low) == napi_ok &&
                 napi_get_value_double(env, info[4], &seed_high) == napi_ok;
  bool valid = numbers && batch >= 1 && batch <= static_cast<double>(executor_->plan().capacity) &&
               counter >= 0 && counter <= kMaxSafeInteger && seed_low >= 0 &&
               seed_low <= UINT32_MAX && seed_high >= 0 && seed_high <= UINT32_MAX;
  if (!valid) {
    integer(info[0], "Program.step: batch", 1, static_cast<double>(executor_->plan().capacity));
    integer(info[1], "Program.step: counter", 0, kMaxSafeInteger);
    number(info[2], "Program.step: learningRate");
    integer(info[3], "Program.step: seedLow", 0, UINT32_MAX);
    integer(info[4], "Program.step: seedHigh", 0, UINT32_MAX);
  }
  bool failed = false;
  Resources resources = addon_->resources();
  StepContext context{static_cast<int64_t>(batch),
                      static_cast<uint64_t>(counter),
                      static_cast<float>(rate),
                      {static_cast<uint32_t>(seed_low), static_cast<uint32_t>(seed_high)},
                      resources.workspace,
                      &failed};
  return Napi::Boolean::New(env, executor_->step(context, *resources.pool));
}

// ---- Addon

Addon::Addon(Napi::Env env, Napi::Object exports) : pool_(ThreadPool::shared()) {
  Napi::Array isas = Napi::Array::New(env);
  for (const KernelTable* table : usable_tables()) {
    isas.Set(isas.Length(), Napi::String::New(env, table->isa));
  }
  exports.Set("isas", isas);
  exports.Set("isa", Napi::String::New(env, default_table().isa));
  exports.Set("Program", Program::define(env, this));
  DefineAddon(exports, {InstanceMethod<&Addon::kernel_names>("kernelNames", napi_enumerable),
                        InstanceMethod<&Addon::set_threads>("setThreads", napi_enumerable),
                        InstanceMethod<&Addon::get_threads>("getThreads", napi_enumerable),
                        InstanceMethod<&Addon::alignment_of>("alignmentOf", napi_enumerable),
                        InstanceMethod<&Addon::track>("track", napi_enumerable)});
  define_array_functions(env, exports);
}

Napi::Value Addon::kernel_names(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  const KernelTable& table = default_table();
  for (int i = 0; i < table.count; i++) {
    names.Set(names.Length(), Napi::String::New(info.Env(), table.kernels[i].name));
  }
  return names;
}

Napi::Value Addon::get_threads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), pool_->threads());
}

void Addon::set_threads(const Napi::CallbackInfo& info) {
  pool_->set_threads(
      static_cast<int>(integer(info[0], "setThreads: threads", 1, ThreadPool::kMaxThreads)));
}

// The memory of a typed array or a buffer.
View memory_of(Napi::Value value, const std::string& where) {
  if (!value.IsTypedArray()) {
    if (!value.IsObject()) refuse(where, "an ArrayBuffer", value);
    // Node-API has no way from a SharedArrayBuffer to its memory but through a view.
    value = value.Env().Global().Get("Uint8Array").As<Napi::Function>().New({value});
  }
  return view(value, where);
}

Napi::Value Addon::alignment_of(const Napi::CallbackInfo& info) {
  auto address = reinterpret_cast<uintptr_t>(memory_of(info[0], "alignmentOf: buffer").data);
  return Napi::Number::New(info.Env(), static_cast<double>(address % kHugePage));
}

// Counts the buffer until it is collected. Asks for huge pages too, now that none of it has been
// touched.
void Addon::track(const Napi::CallbackInfo& info) {
  Napi::Object buffer = object(info[0], "track: buffer");
  int64_t bytes = integer(buffer.Get("byteLength"), "track: buffer.byteLength", 0, kMaxSafeInteger);
  if (static_cast<uint64_t>(bytes) >= kHugePage) {
    View memory = memory_of(buffer, "track: buffer");
    advise_huge_pages(memory.data, memory.length);
  }
  memory_->track(buffer, bytes);
}

// The hook is added after the thread-safe function's own, so that it comes before it: the runner
// has ended when that goes.
void Addon::start_runner(Napi::Env env) {
  Napi::String name = Napi::String::New(env, "myelin.run");
  napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr,
                                                       nullptr, this, call_js, &wake_javascript_);
  if (status != napi_ok) throw Napi::Error::New(env);
  napi_unref_threadsafe_function(env, wake_javascript_);
  runner_ = std::make_unique<Runner>(pool_, notify, this);
  status = napi_add_env_cleanup_hook(env, tear_down, this);
  if (status != napi_ok) throw Napi::Error::New(env);
}

void Addon::submit(Napi::Env env, std::unique_ptr<AsyncRun> run) {
  if (!runner_) start_runner(env);
  runner_->submit(std::move(run));
  // The event loop stays alive while runs are under way.
  if (in_flight_++ == 0) napi_ref_threadsafe_function(env, wake_javascript_);
}

void Addon::notify(void* addon) {
  napi_call_threadsafe_function(static_cast<Addon*>(addon)->wake_javascript_, nullptr,
                                napi_tsfn_nonblocking);
}

void Addon::call_js(napi_env env, napi_value, void* addon, void*) {
  Addon* self = static_cast<Addon*>(addon);
  if (env && self->runner_) self->settle_finished(env);
}

void Addon::settle_finished(Napi::Env env) {
  for (std::unique_ptr<Runner::Task>& task : runner_->take_finished()) {
    if (--in_flight_ == 0) napi_unref_threadsafe_function(env, wake_javascript_);
    auto& run = static_cast<AsyncRun&>(*task);
    try {
      run.program->settle(run);
    } catch (...) {
      // The environment is being torn down: there is nobody left to tell.
    }
  }
}

void Addon::tear_down(void* addon) { static_cast<Addon*>(addon)->runner_.reset(); }

}  // namespace

NODE_API_ADDON(Addon)

}  // namespace myelin
